#include "propose/models/normal.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace atml::propose {
namespace {

// Reference by long double where it still has digits, else by the leading series.
long double density(long double z) {
  return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi_v<long double>);
}
long double cdf(long double z) { return std::erfc(-z / std::numbers::sqrt2_v<long double>) / 2; }

TEST(Normal, LogCdfAgreesWithLongDouble) {
  for (double z = -37; z < 9; z += 0.173) {
    const auto expected = static_cast<double>(z < 4 ? std::log(cdf(z)) : std::log1p(-cdf(-z)));
    EXPECT_NEAR(log_normal_cdf(z), expected, 1e-12 * std::abs(expected) + 1e-300) << z;
  }
}

TEST(Normal, LogCdfGoesOnWhereTheCdfIsZero) {
  // Mills ratio: log Phi(z) = -z^2/2 - log(-z sqrt(2 pi)) + log(1 - 1/z^2 + 3/z^4 ...)
  for (const double z : {-50.0, -200.0, -1e5}) {
    const double t = 1 / (z * z);
    const double expected = -z * z / 2 - std::log(-z) - 0.5 * std::log(2 * std::numbers::pi) +
                            std::log1p(-t + 3 * t * t);
    EXPECT_NEAR(log_normal_cdf(z), expected, 1e-9 * std::abs(expected)) << z;
    EXPECT_NEAR(log_normal_cdf_slope(z), -z, 1e-2 * -z);
  }
}

TEST(Normal, LogImprovementAgreesWithLongDouble) {
  for (double z = -6; z < 8; z += 0.0937) {
    const long double direct = density(z) + z * cdf(z);  // loses digits below -6
    EXPECT_NEAR(log_expected_improvement(z), static_cast<double>(std::log(direct)), 1e-11) << z;
  }
}

TEST(Normal, LogImprovementIsSmoothAcrossItsBranches) {
  for (const double border : {-1.0, -50.0}) {
    const double h = 1e-4;  // values near -1258 have 13 digits
    const double left = log_expected_improvement(border - h),
                 right = log_expected_improvement(border + h);
    EXPECT_NEAR((right - left) / (2 * h), log_expected_improvement_slope(border),
                1e-5 * std::abs(border))
        << border;
  }
}

TEST(Normal, LogImprovementInTheFarTail) {
  for (const double z : {-30.0, -60.0, -1e3, -1e6}) {
    const double t = 1 / (z * z);
    const double expected = -z * z / 2 - 0.5 * std::log(2 * std::numbers::pi) + std::log(t) +
                            std::log1p(-3 * t + 15 * t * t - 105 * t * t * t);
    EXPECT_NEAR(log_expected_improvement(z), expected, 1e-9 * std::abs(expected)) << z;
    EXPECT_TRUE(std::isfinite(log_expected_improvement_slope(z)));
  }
}

TEST(Normal, SlopesAreDerivatives) {
  for (double z = -45; z < 6; z += 0.71) {
    const double h = 1e-5 * (1 + std::abs(z));
    EXPECT_NEAR(log_normal_cdf_slope(z), (log_normal_cdf(z + h) - log_normal_cdf(z - h)) / (2 * h),
                1e-6 * (1 + std::abs(z)));
    EXPECT_NEAR(log_expected_improvement_slope(z),
                (log_expected_improvement(z + h) - log_expected_improvement(z - h)) / (2 * h),
                1e-6 * (1 + std::abs(z)));
  }
}

}  // namespace
}  // namespace atml::propose
