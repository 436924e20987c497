// The tables of bench/optimizers, from records of any solvers.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "problems.h"
#include "run.h"

namespace atml::bench {

struct Tables {
  std::string text;  // Markdown
  Json rows = Json::array();
};

/// Per problem and solver: median best feasible value at each budget, quartiles at the last, share
/// of runs that found a feasible point, seconds a proposal. Over all: average rank of the medians'
/// problems x budgets, Friedman's test and Wilcoxon's signed-rank test with Holm's correction
/// against the best solver (over problems, at mean ranks of seeds). Solvers are ranked on the
/// seeds and problems that all of them ran; what is left out is said.
Tables make_tables(const std::vector<Problem>& problems, const std::vector<Record>& records);

}  // namespace atml::bench
