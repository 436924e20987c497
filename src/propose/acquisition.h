// What a candidate is worth: log expected improvement + log probabilities of being feasible and
// computable.
#pragma once

#include <span>
#include <string>
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
  Acquisition(const Surrogates& surrogates, Goal goal) : surrogates_(surrogates), goal_(goal) {}

  std::vector<double> values(const Points& x) const;
  /// Derivative by active numbers; 0 elsewhere.
  double value_with_slope(std::span<const double> x, std::span<double> slope) const;

  /// "predicts 0.913 +- 0.004, best 0.911; feasible 87 %".
  std::string explain(std::span<const double> x) const;

 private:
  const Surrogates& surrogates_;
  Goal goal_;
};

}  // namespace atml::propose
