#include "search/promotion.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "study/rung_correlation.h"

namespace atml::search {
namespace {

constexpr std::size_t kEnoughToJudge = 8;  // trials that reached both rungs
constexpr double kTrustworthy =
    0.3;  // Spearman's rho; only good trials reach both, so it leans low
constexpr int kNoisyEta = 2;

}  // namespace

int halving_rate(std::span<const study::Trial> trials, std::size_t rung) {
  std::vector<double> here, next;
  for (const study::Trial& t : trials) {
    if (t.rungs.size() <= rung + 1) continue;
    here.push_back(t.rungs[rung].objective);
    next.push_back(t.rungs[rung + 1].objective);
  }
  const bool noise = here.size() >= kEnoughToJudge && study::spearman(here, next) < kTrustworthy;
  return noise ? kNoisyEta : kEta;
}

std::optional<int> next_promotion(std::span<const study::Trial> trials, const Plan& plan) {
  for (int rung = plan.last_rung() - 1; rung >= 0; --rung) {
    const auto index = static_cast<std::size_t>(rung);
    std::vector<const study::Trial*> reached;
    for (const study::Trial& trial : trials) {
      if (trial.rungs.size() > index) reached.push_back(&trial);
    }
    std::ranges::stable_sort(reached, std::ranges::greater{},
                             [&](const study::Trial* t) { return t->rungs[index].objective; });
    reached.resize(reached.size() / static_cast<std::size_t>(halving_rate(trials, index)));
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
