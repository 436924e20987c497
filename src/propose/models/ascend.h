// Several local searches for a maximum in a box, in lock-step: one evaluation of all of them costs
// a Gaussian process little more than one of a single point.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace atml::propose {

/// Values of m points and their gradients (m x d, row after row), from m points (m x d).
using ManySlopes =
    std::function<std::vector<double>(std::span<const double> points, std::span<double> slopes)>;

/// One search; `position` and `value` are the best seen so far, never worse than the start.
struct Ascent {
  std::vector<double> position;
  std::vector<bool> free;  // which numbers may move
  double value = 0;
};

/// Maximises from every start within [0, 1]^d by projected L-BFGS (Nocedal and Wright 2006,
/// algorithm 7.5) with backtracking; `evaluations` calls of `function` at most, the first of which
/// asks the starts. A value that is not finite counts as no improvement.
void ascend(const ManySlopes& function, std::span<Ascent> searches, int evaluations,
            double tolerance = 1e-4);

}  // namespace atml::propose
