// The standard normal distribution and expected improvement in logarithms, exact far into the
// tails.
#pragma once

namespace atml::propose {

/// exp(x^2) erfc(x), for x >= 0 without overflow.
double erfcx(double x);
/// log Phi(z): finite for every finite z.
double log_normal_cdf(double z);
/// d/dz log Phi(z) = phi(z) / Phi(z).
double log_normal_cdf_slope(double z);
/// log(phi(z) + z Phi(z)): the logarithm of the expected improvement in units of the standard
/// deviation (Ament et al., "Unexpected improvements to expected improvement", NeurIPS 2023, eq.
/// 9).
double log_expected_improvement(double z);
/// Its derivative Phi(z) / (phi(z) + z Phi(z)).
double log_expected_improvement_slope(double z);

}  // namespace atml::propose
