// The acquisition optimiser over mixed, conditional spaces. Never returns a repeated or a forbidden
// point.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "propose/history.h"

namespace atml::propose {

/// What is maximised. `slope` may be empty: then numbers are searched by steps alone.
struct Scorer {
  std::function<std::vector<double>(const Points&)> values;
  std::function<double(std::span<const double>, std::span<double>)> slope;
};

struct Effort {
  std::size_t candidates = 1500;  // screened before the local searches
  std::size_t starts = 5;         // local searches
  int rounds = 6;                 // of a local search: numbers by gradient, then one exchange
  int gradient_iterations = 15;
  int max_checks = 600;  // calls of the exact limits
};

/// Screens scrambled Sobol points and mutations of `around` (good points first), then improves the
/// best that pass the gate: L-BFGS-B on real parameters, every value of every other one. A step
/// that the gate refuses is cut back towards where it started. None where no candidate passes.
std::optional<space::Encoding> maximise(const Problem& problem, Gate& gate, const Scorer& scorer,
                                        std::span<const space::Encoding> around, Rng& rng,
                                        const Effort& effort);

/// A copy of `x` with about one to three active parameters moved (numbers by a normal step of
/// `scale`).
space::Encoding mutated(const space::Space& space, std::span<const double> x, double scale,
                        Rng& rng);

}  // namespace atml::propose
