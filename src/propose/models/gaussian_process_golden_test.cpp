// Posterior, likelihood and gradient against scikit-learn: see gaussian_process_golden.py.
#include <gtest/gtest.h>

#include "propose/models/gaussian_process.h"

namespace atml::propose {
namespace {

#include "propose/models/gaussian_process_golden.inc"

TEST(GaussianProcessGolden, AgreesWithScikitLearnTo1e8) {
  const Layout layout{{0, 0, 0}, {false, false, false}};
  Observations data;
  data.x.dimensions = 3;
  data.x.values = kX;
  data.y = kY;
  const Hyper h{kLogLength, kLogScaleLogNoiseMean[0], kLogScaleLogNoiseMean[1],
                kLogScaleLogNoiseMean[2]};
  std::vector<double> gradient;
  EXPECT_NEAR(negative_log_posterior(layout, data, h, &gradient), kNegativeLogPosterior[0], 1e-8);
  ASSERT_EQ(gradient.size(), kGradient.size());
  for (std::size_t i = 0; i < gradient.size(); ++i) EXPECT_NEAR(gradient[i], kGradient[i], 1e-8);
  const GaussianProcess gp(layout, data, h);
  std::vector<double> mean(kMean.size()), variance(kMean.size());
  gp.predict({3, kThere}, mean, variance);
  for (std::size_t i = 0; i < mean.size(); ++i) {
    EXPECT_NEAR(mean[i], kMean[i], 1e-8);
    EXPECT_NEAR(variance[i], kVariance[i], 1e-8);
  }
}

}  // namespace
}  // namespace atml::propose
