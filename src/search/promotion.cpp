#include "search/promotion.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace atml::search {

std::optional<int> next_promotion(std::span<const study::Trial> trials, const Plan& plan) {
  for (int rung = plan.last_rung() - 1; rung >= 0; --rung) {
    const auto index = static_cast<std::size_t>(rung);
    std::vector<const study::Trial*> reached;
    for (const study::Trial& trial : trials) {
      if (trial.rungs.size() > index) reached.push_back(&trial);
    }
    std::ranges::stable_sort(reached, std::ranges::greater{},
                             [&](const study::Trial* t) { return t->rungs[index].objective; });
    reached.resize(reached.size() / kEta);
    for (const study::Trial* trial : reached) {
      if (trial->outcome == study::Outcome::kPruned && trial->rungs.size() == index + 1)
        return trial->number;
    }
  }
  return std::nullopt;
}

std::string pause_reason(const study::Trial& trial, const Plan& plan) {
  return fmt::format(
      "stopped at rung {} of {} after {} epoch(s) with {:.4f}: not among the best 1/{} of its rung",
      trial.rungs.size(), plan.rungs.size(), trial.rungs.back().epochs,
      trial.rungs.back().objective, kEta);
}

}  // namespace atml::search
