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

/// What is maximised. `slopes` (values, and m x d derivatives) may be empty: then numbers are
/// searched by steps alone.
struct Scorer {
  std::function<std::vector<double>(const Points&)> values;
  std::function<std::vector<double>(const Points&, std::span<double>)> slopes;
  /// Cheaper, nearly in the same order; may be empty. Where it is given, `values` is asked only for
  /// the best by it.
  std::function<std::vector<double>(const Points&)> rough = {};
};

struct Effort {
  std::size_t candidates = 1500;  // screened before the local searches
  std::size_t starts = 8;         // local searches that go together
  std::size_t survivors = 3;      // of them that go on after the first round
  int rounds = 6;                 // of a local search: numbers by gradient, then one exchange
  int evaluations = 20;           // by gradient in a round
  int max_checks = 600;           // calls of the exact limits
};

/// Where numbers may lie: within `half` of the centre, and in [0, 1]. Other parameters are free.
struct Box {
  space::Encoding centre;
  std::vector<double> half;  // per parameter
};

/// Screens scrambled Sobol points and mutations of `around` (good points first), then improves the
/// best that pass the gate: L-BFGS on real parameters, exchanges of every other one. A step
/// that the gate refuses is cut back towards where it started. With a box (may be null) the Sobol
/// points are spread over it, with the centre's other parameters. None where no candidate passes.
std::optional<space::Encoding> maximise(const Problem& problem, Gate& gate, const Scorer& scorer,
                                        std::span<const space::Encoding> around, Rng& rng,
                                        const Effort& effort, const Box* box = nullptr);

/// A copy of `x` with about one to three active parameters moved (numbers by a normal step of
/// `scale`).
space::Encoding mutated(const space::Space& space, std::span<const double> x, double scale,
                        Rng& rng);

}  // namespace atml::propose
