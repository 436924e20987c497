#include "propose/models/power.h"

#include <cmath>

namespace atml::propose {
namespace {

constexpr double kTiny = 1e-6;  // exponents below are 0

// T of x >= 0.
double upper(double x, double p) {
  const double l = std::log1p(x);
  return p < kTiny ? l : std::expm1(p * l) / p;
}

double inverse_upper(double y, double p) {
  return std::expm1(p < kTiny ? y : std::log1p(p * y) / p);
}

// d/dp (e^(p l) - 1) / p; by its series where the difference would lose its digits.
double upper_slope(double x, double p) {
  const double l = std::log1p(x), u = p * l;
  if (u < 1e-2) return l * l * (0.5 + u * (1.0 / 3 + u * (0.125 + u * (1.0 / 30 + u / 144))));
  return (u * std::exp(u) - std::expm1(u)) / (p * p);
}

}  // namespace

double power_transform(double x, double p) { return x >= 0 ? upper(x, p) : -upper(-x, 2 - p); }

double inverse_power_transform(double y, double p) {
  return y >= 0 ? inverse_upper(y, p) : -inverse_upper(-y, 2 - p);
}

double power_transform_slope(double x, double p) {
  return x >= 0 ? upper_slope(x, p) : upper_slope(-x, 2 - p);
}

double log_power_jacobian(double x, double p) { return (p - 1) * log_power_jacobian_slope(x); }

double log_power_jacobian_slope(double x) { return std::copysign(std::log1p(std::abs(x)), x); }

}  // namespace atml::propose
