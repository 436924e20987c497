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

  /// `depth`: see GaussianProcess::predict.
  std::vector<double> values(const Points& x,
                             std::size_t depth = static_cast<std::size_t>(-1)) const;
  /// With derivatives by active numbers (m x d; 0 elsewhere).
  std::vector<double> values_with_slopes(const Points& x, std::span<double> slopes) const;

  std::string name() const;
  /// What the models say of x, in the objective's own unit. `kind` follows from the goal.
  study::Explanation details(std::span<const double> x) const;
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
