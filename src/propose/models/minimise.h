// Smooth minimisation in a box: L-BFGS-B.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace atml::propose {

/// Returns the value at x and writes the gradient (as long as x). May return infinity to refuse a
/// point.
using Smooth = std::function<double(std::span<const double> x, std::span<double> gradient)>;

/// Minimises from `x` within [low, high] and leaves the best point seen in `x`; returns its value.
/// Never worse than the start, never throws: a failed line search ends the run.
double minimise(const Smooth& function, std::vector<double>& x, const std::vector<double>& low,
                const std::vector<double>& high, int max_iterations,
                double gradient_tolerance = 1e-4);

}  // namespace atml::propose
