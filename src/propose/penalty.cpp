#include "propose/penalty.h"

#include <algorithm>

namespace atml::propose {
namespace {

struct Range {
  double low = 0, width = 1;
};

Range feasible_range(const std::vector<Observed>& observed) {
  std::vector<double> values;
  for (const Observed& o : observed) {
    if (o.feasible) values.push_back(*o.objective);
  }
  if (values.empty()) return {};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {*low, *high > *low ? *high - *low : 1};
}

}  // namespace

std::vector<Observed> treated(std::vector<Observed> observed, Treatment treatment) {
  if (treatment == Treatment::kModelled) return observed;
  const Range range = feasible_range(observed);
  for (Observed& o : observed) {
    o.margins.clear();
    if (!o.computable) continue;  // pending, or ended without an answer
    if (!o.feasible) {
      const double base =
          treatment == Treatment::kPenalty ? o.objective.value_or(range.low) : range.low;
      o.objective = base - range.width * (treatment == Treatment::kPenalty ? o.violation : 1);
      o.objective_spread = 0;
    }
    o.computable = true;
    o.violation = 0;
    o.feasible = true;
  }
  return observed;
}

}  // namespace atml::propose
