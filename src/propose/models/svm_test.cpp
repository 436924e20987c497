#include "propose/models/svm.h"

#include <cmath>

#include <gtest/gtest.h>

namespace atml::propose {
namespace {

TEST(Svm, TwoPointsByHand) {
  // Support vectors +1 at 0 and -1 at 1 share alpha; the margin is met at both: alpha (1 - k) = 1
  // unless C stops it. k = exp(-gamma); here 1 / (1 - k) = 1.58 > C = 1, so alpha = C = 1 and by
  // symmetry b = 0.
  const Svm svm(Points{1, {0, 1}}, {1, -1}, 1.0, 1.0);
  const double k = std::exp(-1.0);
  EXPECT_NEAR(svm.decision(std::vector<double>{0}), 1 - k, 2e-3);
  EXPECT_NEAR(svm.decision(std::vector<double>{1}), k - 1, 2e-3);
  EXPECT_NEAR(svm.decision(std::vector<double>{0.5}), 0, 2e-3);
}

TEST(Svm, SignDoesNotDependOnWhichLabelComesFirst) {
  const Svm a(Points{1, {0, 0.2, 0.8, 1}}, {1, 1, -1, -1}, 10, 4),
      b(Points{1, {1, 0.8, 0.2, 0}}, {-1, -1, 1, 1}, 10, 4);
  for (const double x : {0.0, 0.1, 0.4, 0.9}) {
    const std::vector<double> at = {x};
    EXPECT_NEAR(a.decision(at), b.decision(at), 5e-3);
    EXPECT_EQ(a.decision(at) > 0, x < 0.5);
  }
}

TEST(Svm, PublishedBoundnessHasTheInverseWidthAndNoIntercept) {
  const Svm svm(Points{1, {0, 1}}, {1, -1}, 1.0, 0.5);
  // alpha = 1 both (1 / (1 - e^-0.5) = 2.5 > C): |1 - exp(-1 / 0.5)| at 0.
  EXPECT_NEAR(svm.published_boundness(std::vector<double>{0}), 1 - std::exp(-2.0), 2e-3);
}

}  // namespace
}  // namespace atml::propose
