// Tests of the ranks of several solvers over several problems (J. Demsar, "Statistical comparisons
// of classifiers over multiple data sets", JMLR 7, 2006). Smaller values are better.
#pragma once

#include <cstddef>
#include <vector>

#include "study/rung_correlation.h"

namespace atml::bench {

using study::ranks;

/// Friedman's chi-square test (tie-corrected) that all solvers are alike. values[problem][solver].
struct Friedman {
  double chi_square = 0;
  double p = 1;
  std::vector<double> average_rank;  // per solver
};
Friedman friedman(const std::vector<std::vector<double>>& values);

/// Wilcoxon's signed-rank test of paired values, two-sided; zero differences are left out; normal
/// approximation with tie correction and without continuity correction. 1 where nothing differs.
/// Needs about ten pairs to be accurate.
double wilcoxon_p(const std::vector<double>& a, const std::vector<double>& b);

/// Holm's step-down correction of p values, in the order given.
std::vector<double> holm(const std::vector<double>& p);

/// Upper tail of the chi-square distribution.
double chi_square_tail(double x, double degrees);

/// The value at position q (0..1) with linear interpolation; infinities sort last.
double quantile(std::vector<double> values, double q);

}  // namespace atml::bench
