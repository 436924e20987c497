// The power transformation of Yeo and Johnson (Biometrika 87, 2000) with exponent p in [0, 2],
// where it maps the real line onto itself: the identity at p = 1; below it compresses large values
// and stretches small ones, above it the other way round.
//   T(x; p) = ((1 + x)^p - 1) / p               x >= 0      (log(1 + x) at p = 0)
//   T(x; p) = -((1 - x)^(2 - p) - 1) / (2 - p)  x < 0       = -T(-x; 2 - p)
#pragma once

namespace atml::propose {

double power_transform(double x, double p);
double inverse_power_transform(double y, double p);
/// dT / dp.
double power_transform_slope(double x, double p);
/// log dT / dx, linear in p: (p - 1) times sgn(x) log(1 + |x|), which is its derivative by p.
double log_power_jacobian(double x, double p);
double log_power_jacobian_slope(double x);

}  // namespace atml::propose
