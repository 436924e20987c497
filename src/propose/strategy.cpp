#include "propose/strategy.h"

#include <fmt/format.h>

#include "base/text.h"
#include "propose/strategies.h"

namespace atml::propose {
namespace {

struct Entry {
  const char* name;
  const char* summary;
  std::unique_ptr<Strategy> (*make)();
};

constexpr Entry kTable[] = {
    {"bayes",
     "constrained Bayesian optimisation: Gaussian processes, expected improvement, feasibility",
     make_bayes},
    {"scbo", "constrained Thompson sampling in a trust region, for tiny feasible sets", make_scbo},
    {"svm-cbo", "an SVM learns the feasible region, then a confidence bound inside it",
     make_svm_cbo},
    {"svm-cbo-published", "svm-cbo with the flaws of its reference code, for comparison",
     make_svm_cbo_published},
    {"agp", "augmented-GP multi-source: cheaper rungs asked where they agree with full evaluations",
     make_agp},
    {"forest", "constrained expected improvement on random forests", make_forest},
    {"tpe", "tree-structured Parzen estimator with constraints", make_tpe},
    {"pareto",
     "the front of the objective against all limited resources: expected hypervolume improvement",
     make_pareto},
    {"parego", "the same front by a random direction among the goals each time (ParEGO)",
     make_parego},
    {"nsga2", "NSGA-II with constraints, for the same front", make_nsga2},
    {"evolution", "regularised evolution", make_evolution},
    {"bayes-penalty", "baseline: infeasible trials count as bad objectives, by their violation",
     make_bayes_penalty},
    {"bayes-constant", "baseline: infeasible trials count as one bad objective",
     make_bayes_constant},
    {"sobol", "scrambled Sobol points", make_sobol},
    {"random", "uniform random search", make_random},
};

}  // namespace

Result<std::unique_ptr<Strategy>> make_strategy(const std::string& name) {
  for (const Entry& entry : kTable) {
    if (name == entry.name) return entry.make();
  }
  return Error{Code::kNotFound,
               fmt::format("unknown strategy '{}'{}", name, suggestion(name, strategy_names()))};
}

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kTable) names.emplace_back(entry.name);
  return names;
}

std::string strategy_summary(const std::string& name) {
  for (const Entry& entry : kTable) {
    if (name == entry.name) return entry.summary;
  }
  return "";
}

}  // namespace atml::propose
