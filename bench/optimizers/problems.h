// The benchmark problems: constrained, mixed, conditional, partly not computable; all minimised, g
// <= 0 feasible.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "space/space.h"

namespace atml::bench {

struct Answer {
  std::optional<double> value;  // none: not computable here
  std::vector<double> g;        // constraints, feasible where all are <= 0
};

struct Problem {
  std::string name;
  space::Space space;
  std::size_t constraints = 0;
  double optimum = 0;         // of the formula as shipped; recomputed, never copied from papers
  double feasible_share = 1;  // of uniform points
  std::function<Answer(const space::Configuration&)> function;
};

std::vector<Problem> problems();

}  // namespace atml::bench
