#include "search/border.h"

#include <algorithm>
#include <map>

#include "propose/importance.h"

namespace atml::search {
namespace {

constexpr int kFewestAnswers = 10;  // of a statement on parameters
constexpr std::size_t kReasons = 5;
constexpr std::size_t kParameters = 3;
constexpr double kSmallestShare = 0.05;

bool not_computable(const study::Trial& t) {
  return t.outcome == study::Outcome::kBuildFailed || t.outcome == study::Outcome::kEmulationFailed;
}

void add_constraints(report::Border& border, const study::Trial& trial) {
  for (const study::Constraint& c : trial.constraints) {
    auto it = std::ranges::find(border.limits, c.name, &report::BorderLimit::name);
    if (it == border.limits.end()) {
      border.limits.push_back({.name = c.name, .allowed = c.allowed});
      it = border.limits.end() - 1;
    }
    if (c.margin() > 0) {
      ++it->refused;
      it->smallest_refused = std::min(it->smallest_refused.value_or(c.used), c.used);
    } else {
      it->largest_held = std::max(it->largest_held.value_or(c.used), c.used);
    }
  }
}

void add_parameters(const Context& context, const std::vector<study::Trial>& trials,
                    report::Border& border) {
  std::vector<std::string> names;
  for (const report::BorderLimit& l : border.limits)
    if (l.refused > 0) names.push_back(l.name);
  if (names.empty() || border.answered < kFewestAnswers) return;
  const auto list =
      propose::importances({.space = context.space, .history = trials, .constraint_names = names});
  for (report::BorderLimit& limit : border.limits) {
    for (const propose::Importance& p : list) {
      const auto share = p.constraints.find(limit.name);
      if (share != p.constraints.end() && share->second >= kSmallestShare)
        limit.parameters.emplace_back(p.parameter, share->second);
    }
    std::ranges::stable_sort(limit.parameters, std::ranges::greater{},
                             [](const auto& p) { return p.second; });
    if (limit.parameters.size() > kParameters) limit.parameters.resize(kParameters);
  }
}

}  // namespace

std::optional<report::Border> border_of(const Context& context,
                                        const std::vector<study::Trial>& trials) {
  report::Border border;
  border.oracle = context.settings.oracle;
  std::map<std::string, int> reasons;
  for (const study::Trial& trial : trials) {
    if (not_computable(trial)) {
      ++border.not_computable;
      ++reasons[trial.reason];
    } else if (!trial.constraints.empty()) {
      ++border.answered;
      border.fits += trial.outcome != study::Outcome::kUndeployable;
      add_constraints(border, trial);
    }
  }
  if (border.answered + border.not_computable == 0) return std::nullopt;
  border.reasons.assign(reasons.begin(), reasons.end());
  std::ranges::stable_sort(border.reasons, std::ranges::greater{},
                           [](const auto& r) { return r.second; });
  if (border.reasons.size() > kReasons) border.reasons.resize(kReasons);
  add_parameters(context, trials, border);
  return border;
}

}  // namespace atml::search
