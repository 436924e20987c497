#include "propose/models/normal.h"

#include <cmath>
#include <numbers>

namespace atml::propose {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;  // log(2 pi) / 2

double log_density(double z) { return -0.5 * z * z - kHalfLogTwoPi; }

// log(1 - exp(x)), x < 0 (Maechler, "Accurately computing log(1 - exp(-|a|))", 2012).
double log_one_minus_exp(double x) {
  return x > -std::numbers::ln2 ? std::log(-std::expm1(x)) : std::log1p(-std::exp(x));
}

}  // namespace

double erfcx(double x) {
  if (x < 25) return std::exp(x * x) * std::erfc(x);
  const double t = 1 / (2 * x * x);  // asymptotic series; the next term is below 1e-13 here
  return (1 - t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t)))) / (x * std::sqrt(std::numbers::pi));
}

double log_normal_cdf(double z) {
  const double x = -z / std::numbers::sqrt2;
  if (z > 1) return std::log1p(-0.5 * std::erfc(-x));
  if (z > -5) return std::log(0.5 * std::erfc(x));
  return -0.5 * z * z + std::log(0.5 * erfcx(x));
}

double log_normal_cdf_slope(double z) { return std::exp(log_density(z) - log_normal_cdf(z)); }

double log_expected_improvement(double z) {
  if (z > -1) {
    const double cdf = 0.5 * std::erfc(-z / std::numbers::sqrt2);
    return std::log(std::exp(log_density(z)) + z * cdf);
  }
  if (z > -50) {
    const double ratio = -z * erfcx(-z / std::numbers::sqrt2) * std::sqrt(std::numbers::pi / 2);
    return log_density(z) + log_one_minus_exp(std::log(ratio));
  }
  const double t = 1 / (z * z);
  return log_density(z) + std::log(t) + std::log1p(-3 * t + 15 * t * t);
}

double log_expected_improvement_slope(double z) {
  return std::exp(log_normal_cdf(z) - log_expected_improvement(z));
}

}  // namespace atml::propose
