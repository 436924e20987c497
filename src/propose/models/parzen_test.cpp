#include "propose/models/parzen.h"

#include <cmath>

#include <gtest/gtest.h>

namespace atml::propose {
namespace {

TEST(Parzen, DensityIntegratesToOneOverNumbersAndWords) {
  const Layout layout{{0, 3}, {false, false}};
  const Parzen density(layout, Points{2, {0.05, 1, 0.7, 2, 0.72, 2}}, {1, 1, 1});
  double sum = 0;
  const int n = 2000;
  for (int word = 0; word < 3; ++word) {
    for (int i = 0; i < n; ++i) {
      const double x[] = {(i + 0.5) / n, static_cast<double>(word)};
      sum += std::exp(density.log_density(x)) / n;
    }
  }
  EXPECT_NEAR(sum, 1, 1e-4);
}

TEST(Parzen, DrawsFollowTheDensity) {
  const Layout layout{{0, 3}, {false, false}};
  const Parzen density(layout, Points{2, {0.05, 1, 0.7, 2, 0.72, 2}}, {1, 1, 1});
  Rng rng(5);
  const int n = 20000;
  int high = 0;
  for (int i = 0; i < n; ++i) high += density.sample(rng)[0] > 0.5;
  double expected = 0;
  for (int word = 0; word < 3; ++word) {
    for (int i = 500; i < 1000; ++i) {
      const double x[] = {(i + 0.5) / 1000, static_cast<double>(word)};
      expected += std::exp(density.log_density(x)) / 1000;
    }
  }
  EXPECT_NEAR(high / static_cast<double>(n), expected, 0.012);
}

TEST(Parzen, InactiveParametersAreUniform) {
  const Layout layout{{0}, {true}};
  const Parzen density(layout, Points{1, {-1, -1}}, {1, 1});
  const double x[] = {0.3};
  EXPECT_NEAR(density.log_density(x), 0, 1e-12);
  const double inactive[] = {-1};
  EXPECT_NEAR(density.log_density(inactive), 0, 1e-12);
}

}  // namespace
}  // namespace atml::propose
