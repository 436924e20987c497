// The tables of bench/optimizers, from records of any solvers.
#pragma once

#include <map>
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

/// A head that says how many seeds each solver ran; per problem and solver: median best feasible
/// value at each budget, quartiles at the last, share of runs that found a feasible point, seconds
/// a proposal. Then average ranks (over problems, of the mean over seeds and budgets) with
/// Friedman's test, and Wilcoxon's signed-rank test with Holm's correction against the best solver;
/// twice: of the solvers with full_seeds() of every problem, and, where others have fewer, of all
/// on the problem-seed pairs that all of them ran. Records of other problems are left out.
Tables make_tables(const std::vector<Problem>& problems, const std::vector<Record>& records);

/// From the seeds that each solver ran of every problem: the most that two solvers at least have; 0
/// where there is one solver.
std::size_t full_seeds(const std::map<std::string, std::size_t>& seeds);

}  // namespace atml::bench
