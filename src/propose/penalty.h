// How two families of earlier work treat infeasible trials: as bad objectives. Kept as baselines.
#pragma once

#include <vector>

#include "propose/history.h"

namespace atml::propose {

enum class Treatment {
  kModelled,  // a surrogate for each constraint: nothing is changed
  kPenalty,   // objective := (measured, or the worst measured one) - range x violation
  kConstant,  // objective := worst measured - range, as THIN-Bayes' constant score and SVM-CBO's
              // fixed penalty
};

/// After kPenalty and kConstant every finished trial has an objective and no constraint. `range` is
/// that of the objectives of feasible trials, 1 where there are fewer than two.
std::vector<Observed> treated(std::vector<Observed> observed, Treatment treatment);

}  // namespace atml::propose
