#include "propose/models/power.h"

#include <cmath>

#include <gtest/gtest.h>

namespace atml::propose {
namespace {

constexpr double kPoints[] = {-40, -3.7, -1, -0.3, -1e-6, 0, 1e-6, 0.2, 1, 2.9, 55};
constexpr double kPowers[] = {0, 1e-9, 1e-3, 0.1, 0.5, 1, 1.4, 1.999, 2};

TEST(Power, IsTheTransformationOfYeoAndJohnson) {
  EXPECT_DOUBLE_EQ(power_transform(3, 0.5), 2);  // ((1 + 3)^(1/2) - 1) / (1/2)
  EXPECT_DOUBLE_EQ(power_transform(3, 2), 7.5);
  EXPECT_DOUBLE_EQ(power_transform(3, 0), std::log(4));
  EXPECT_DOUBLE_EQ(power_transform(-3, 2), -std::log(4));
  EXPECT_DOUBLE_EQ(power_transform(-3, 0), -7.5);
  for (const double x : kPoints) EXPECT_NEAR(power_transform(x, 1), x, 1e-14 * std::abs(x));
}

TEST(Power, IsMonotoneAndInvertible) {
  for (const double p : kPowers) {
    double before = -1e300;
    for (const double x : kPoints) {
      const double y = power_transform(x, p);
      EXPECT_GT(y, before) << x << ", " << p;
      EXPECT_NEAR(inverse_power_transform(y, p), x, 1e-9 * (1 + std::abs(x))) << x << ", " << p;
      before = y;
    }
  }
}

TEST(Power, DerivativesAreThoseOfDifferences) {
  for (const double p : {0.05, 0.5, 1.0, 1.4, 1.95}) {
    for (const double x : kPoints) {
      const double h = 1e-5;
      const double by_power = (power_transform(x, p + h) - power_transform(x, p - h)) / (2 * h);
      EXPECT_NEAR(power_transform_slope(x, p), by_power, 1e-7 * (1 + std::abs(by_power)))
          << x << ", " << p;
      if (std::abs(x) < h) continue;  // the second derivative jumps at 0
      const double by_x = (power_transform(x + h, p) - power_transform(x - h, p)) / (2 * h);
      EXPECT_NEAR(log_power_jacobian(x, p), std::log(by_x), 1e-5) << x << ", " << p;
    }
  }
}

TEST(Power, SlopeByPowerHasNoSeamBetweenSeriesAndFormula) {
  for (const double p : {0.0, 0.0099, 0.0101, 0.02}) {
    const double l = std::log(2), h = 1e-4;
    const auto exact = [&](double q) { return q == 0 ? l : std::expm1(q * l) / q; };
    EXPECT_NEAR(power_transform_slope(1, p + h), (exact(p + 2 * h) - exact(p)) / (2 * h), 1e-8)
        << p;
  }
}

}  // namespace
}  // namespace atml::propose
