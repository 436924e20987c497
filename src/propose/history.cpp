#include "propose/history.h"

#include <algorithm>
#include <cmath>

namespace atml::propose {
namespace {

using study::Outcome;
using study::Trial;

constexpr double kWorstMargin = 10;  // violations beyond count alike

bool not_computable(const Trial& t) {
  return t.outcome == Outcome::kBuildFailed || t.outcome == Outcome::kEmulationFailed;
}

std::optional<double> finite(std::optional<double> x) {
  return x.has_value() && std::isfinite(*x) ? x : std::nullopt;
}

std::optional<double> measured_objective(const Trial& t) {
  return t.outcome == Outcome::kMeasured ? finite(t.objective) : std::nullopt;
}

std::optional<double> at_epochs(const Trial& t, int epochs) {
  for (const study::Rung& rung : t.rungs) {
    if (rung.epochs == epochs) return finite(rung.objective);
  }
  return std::nullopt;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct Gain {
  double median = 0;
  double spread = 0;
};

// What measured trials gained from a rung to their end. Without any, nothing is known but the
// value.
Gain gain_from(std::span<const Trial> history, int epochs, double range) {
  std::vector<double> gains;
  for (const Trial& t : history) {
    const auto end = measured_objective(t);
    const auto early = at_epochs(t, epochs);
    if (end && early) gains.push_back(*end - *early);
  }
  if (gains.empty()) return {0, 0.1 * range};
  const double middle = median(gains);
  std::vector<double> off;
  for (const double g : gains) off.push_back(std::abs(g - middle));
  return {middle, std::max(1.4826 * median(off), 0.02 * range)};
}

struct Extent {
  bool any = false;
  double low = 0, high = 0;
};

Extent extent_of(std::span<const Trial> history) {
  Extent e;
  for (const Trial& t : history) {
    const auto y = measured_objective(t);
    if (!y) continue;
    e.low = e.any ? std::min(e.low, *y) : *y;
    e.high = e.any ? std::max(e.high, *y) : *y;
    e.any = true;
  }
  return e;
}

void set_objective(const Trial& t, std::span<const Trial> history, const Extent& extent,
                   Observed& o) {
  o.objective = measured_objective(t);
  if (t.outcome == Outcome::kDiverged && extent.any) {
    o.objective = extent.low;
  } else if (t.outcome == Outcome::kPruned ||
             (t.outcome == Outcome::kRunning && !t.rungs.empty())) {
    const auto last = t.rungs.empty() ? finite(t.objective) : finite(t.rungs.back().objective);
    if (!last) return;
    const Gain gain = t.rungs.empty()
                          ? Gain{}
                          : gain_from(history, t.rungs.back().epochs, extent.high - extent.low);
    o.objective = *last + gain.median;
    o.objective_spread = gain.spread;
  }
}

// The epochs of a full training: the most that any trial has.
int full_epochs(std::span<const Trial> history) {
  int most = 0;
  for (const Trial& t : history) {
    for (const study::Rung& r : t.rungs) most = std::max(most, r.epochs);
  }
  return most;
}

void set_partials(const Trial& t, std::span<const Trial> history, const Extent& extent, int full,
                  Observed& o) {
  for (const study::Rung& r : t.rungs) {
    if (r.epochs <= 0 || r.epochs >= full || !std::isfinite(r.objective)) continue;
    const double gain = gain_from(history, r.epochs, extent.high - extent.low).median;
    o.partials.push_back({std::log1p(r.epochs) / std::log1p(full), r.objective + gain});
  }
}

void set_constraints(const Trial& t, std::span<const std::string> names, Observed& o) {
  for (const std::string& name : names) {
    std::optional<double> margin;
    for (const study::Constraint& c : t.constraints) {
      if (c.name == name) margin = finite(c.margin());
    }
    o.margins.push_back(margin);
  }
}

// Every constraint that the trial knows counts here, also those that `exact` decides.
double violation_of(const Trial& t) {
  double sum = not_computable(t) ? kWorstMargin : 0;
  for (const study::Constraint& c : t.constraints) {
    const double margin = c.margin();
    if (!(margin <= 0))
      sum += std::isfinite(margin) ? std::min(margin, kWorstMargin) : kWorstMargin;
  }
  return sum;
}

}  // namespace

const std::optional<space::Encoding>& EncodingMemory::encoded(
    const space::Space& space, std::size_t position, const space::Configuration& configuration) {
  if (position == 0 && parameters_ != space.parameters()) {
    parameters_ = space.parameters();
    known_.clear();
  }
  if (position >= known_.size()) known_.resize(position + 1);
  Known& at = known_[position];
  if (at.configuration != configuration || !at.encoding) {
    at.configuration = configuration;
    at.encoding.reset();
    if (space.contains(configuration).ok()) at.encoding = space.encode(configuration);
  }
  return at.encoding;
}

std::vector<Observed> observe(const Problem& problem, EncodingMemory* memory) {
  EncodingMemory own;
  if (memory == nullptr) memory = &own;
  const Extent extent = extent_of(problem.history);
  const int full = full_epochs(problem.history);
  std::vector<Observed> result;
  for (std::size_t i = 0; i < problem.history.size(); ++i) {
    const Trial& t = problem.history[i];
    const std::optional<space::Encoding>& x = memory->encoded(problem.space, i, t.configuration);
    if (!x) continue;  // of another space: teaches nothing here
    Observed o;
    o.number = t.number;
    o.x = *x;
    o.pending = t.outcome == Outcome::kRunning;
    set_objective(t, problem.history, extent, o);
    if (t.outcome != Outcome::kDiverged) set_partials(t, problem.history, extent, full, o);
    set_constraints(t, problem.constraint_names, o);
    if (not_computable(t))
      o.computable = false;
    else if (t.figures.has_value() || !t.constraints.empty() || t.objective.has_value())
      o.computable = true;
    for (const study::Constraint& c : t.constraints) o.uses[c.name] = c.used / c.allowed;
    o.violation = violation_of(t);
    const bool all_known = std::all_of(o.margins.begin(), o.margins.end(),
                                       [](const auto& m) { return m.has_value(); });
    o.feasible = measured_objective(t).has_value() && all_known && o.violation == 0;
    result.push_back(std::move(o));
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const Observed& a, const Observed& b) { return a.number < b.number; });
  return result;
}

std::optional<std::size_t> best_feasible(std::span<const Observed> observed) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (!observed[i].feasible) continue;
    if (!best || *observed[i].objective > *observed[*best].objective) best = i;
  }
  return best;
}

std::optional<std::size_t> incumbent(std::span<const Observed> observed) {
  if (const auto best = best_feasible(observed)) return best;
  std::optional<std::size_t> least;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const Observed& o = observed[i];
    const bool knows = o.computable.has_value();
    if (!knows) continue;
    if (!least || o.violation < observed[*least].violation) least = i;
  }
  return least;
}

bool better(const Observed& a, const Observed& b) {
  if (a.feasible != b.feasible) return a.feasible;
  if (!a.feasible && a.violation != b.violation) return a.violation < b.violation;
  if (a.objective.has_value() != b.objective.has_value()) return a.objective.has_value();
  return a.objective.has_value() && *a.objective > *b.objective;
}

std::vector<std::size_t> ranking(std::span<const Observed> observed) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (observed[i].computable.has_value()) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return better(observed[a], observed[b]); });
  return order;
}

Layout layout_of(const space::Space& space) {
  Layout layout;
  for (const space::Parameter& p : space.parameters()) {
    layout.words.push_back(p.kind == space::Kind::kCategorical ? static_cast<int>(p.values.size())
                                                               : 0);
    layout.conditional.push_back(!p.conditions.empty());
  }
  return layout;
}

Gate::Gate(const Problem& problem) : problem_(problem) {
  for (const Trial& t : problem.history) {
    if (problem.space.contains(t.configuration).ok())
      seen_.insert(problem.space.encode(t.configuration));
  }
}

Gate::Gate(const Problem& problem, std::span<const Observed> observed) : problem_(problem) {
  for (const Observed& o : observed) seen_.insert(o.x);
}

bool Gate::is_new(std::span<const double> canonical) const {
  return !seen_.contains(space::Encoding(canonical.begin(), canonical.end()));
}

const ExactCheck& Gate::check(const space::Encoding& canonical) {
  const auto known = answers_.find(canonical);
  if (known != answers_.end()) return known->second;
  ExactCheck answer;
  if (problem_.exact) {
    answer = problem_.exact(problem_.space.decode(canonical));
    ++checks_;
  }
  if (!answer.allowed && (!least_ || answer.worst_margin < least_check_.worst_margin)) {
    least_ = canonical;
    least_check_ = answer;
  }
  return answers_.emplace(canonical, std::move(answer)).first->second;
}

bool Gate::passes(const space::Encoding& canonical) {
  return is_new(canonical) && check(canonical).allowed;
}

}  // namespace atml::propose
