// What a candidate is worth: log expected improvement + log probabilities of being feasible and
// computable.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "propose/surrogates.h"

namespace atml::propose {

enum class Goal {
  kImprove,         // logEI + sum log PoF + log P(computable)
  kFeasible,        // sum log PoF + log P(computable): nothing is feasible yet
  kLeastViolation,  // minus the sum of predicted violations, in units of the warped margins
};

/// Value and derivative of an acquisition over encoded points. Borrows the surrogates.
class Acquisition {
 public:
  /// `margin`: by how much (in warped objectives) an improvement must beat the best, to leave
  /// basins that are exhausted. `refusal_cost`: see Problem; kImprove is then the improvement by
  /// expected cost, logEI + logP - log(c + (1 - c) P).
  Acquisition(const Surrogates& surrogates, Goal goal, double margin = 0, double refusal_cost = 1)
      : surrogates_(surrogates), goal_(goal), margin_(margin), refusal_cost_(refusal_cost) {}

  std::vector<double> values(const Points& x) const;
  /// Derivative by active numbers; 0 elsewhere.
  double value_with_slope(std::span<const double> x, std::span<double> slope) const;

  /// "predicts 0.913 +- 0.004, best 0.911; feasible 87 %".
  std::string explain(std::span<const double> x) const;

 private:
  std::pair<double, double> discounted(double log_probability) const;
  const Surrogates& surrogates_;
  Goal goal_;
  double margin_;
  double refusal_cost_;
};

}  // namespace atml::propose
