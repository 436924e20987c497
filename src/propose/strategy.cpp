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
    {"bayes", "constrained Bayesian optimisation: Gaussian processes, expected improvement, feasibility",
     make_bayes},
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
