#include "report/derived.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace atml::report {
namespace {

double wall_seconds(const study::Trial& trial) {
  const study::StageSeconds& s = trial.seconds;
  return s.propose + s.deploy + s.train + s.quantize;
}

bool counts_for_best(const study::Trial& trial) {
  return trial.objective.has_value() && trial.deployable();
}

}  // namespace

std::string LimitUse::used_text() const { return known ? quantity_text(name, used) : "not known"; }

std::string LimitUse::allowed_text() const { return limited() ? quantity_text(name, allowed) : ""; }

std::string LimitUse::margin_text() const {
  if (!limited() || !known) return "";
  return quantity_text(name, std::abs(allowed - used)) + (holds() ? " free" : " too much");
}

std::vector<LimitUse> limit_uses(const study::Figures& figures, const target::Limits& limits) {
  const auto bytes = [](Bytes b) { return static_cast<double>(b.value); };
  // What sizes alone refuse is not emulated: it has no latency.
  const bool energy_known = figures.energy_j > 0;
  std::vector<LimitUse> uses = {
      {"flash", "Flash", static_cast<double>(figures.flash_bytes), bytes(limits.usable_flash())},
      {"ram", "RAM", static_cast<double>(figures.ram_bytes), bytes(limits.usable_ram())},
      {"latency", "Latency", figures.latency_s, limits.latency ? limits.latency->value : 0,
       figures.latency_s > 0},
  };
  if (energy_known || limits.energy) {
    uses.push_back({"energy", "Energy", figures.energy_j, limits.energy ? limits.energy->value : 0,
                    energy_known});
  }
  return uses;
}

std::string quantity_text(std::string_view limit, double value) {
  if (limit == "latency") return to_text(Seconds(value));
  if (limit == "energy") return to_text(Joules(value));
  return to_text(Bytes(static_cast<std::int64_t>(std::llround(value))));
}

std::string metric_name(const ReportData& data) {
  return data.winner ? data.winner->score.name : data.metric;
}

bool is_share(std::string_view metric) {
  return metric == "accuracy" || metric == "balanced_accuracy" || metric == "auc" || metric == "f1";
}

std::string metric_text(std::string_view metric, double value) {
  return is_share(metric) ? fmt::format("{:.2f} %", value * 100) : fmt::format("{:.4g}", value);
}

Counts count_trials(std::span<const study::Trial> trials) {
  Counts counts;
  for (const study::Trial& trial : trials) {
    ++counts.proposed;
    if (!trial.rungs.empty()) ++counts.trained;
    switch (trial.outcome) {
      case study::Outcome::kMeasured:
        ++counts.measured;
        break;
      case study::Outcome::kUndeployable:
        ++counts.undeployable;
        break;
      case study::Outcome::kPruned:
        ++counts.pruned;
        break;
      case study::Outcome::kDiverged:
      case study::Outcome::kBuildFailed:
      case study::Outcome::kEmulationFailed:
      case study::Outcome::kFailed:
        ++counts.failed;
        break;
      case study::Outcome::kRunning:
      case study::Outcome::kCancelled:
        ++counts.open;
        break;
    }
  }
  return counts;
}

std::vector<CoursePoint> course_of(const ReportData& data) {
  if (!data.course.empty()) return data.course;
  std::vector<CoursePoint> course;
  double seconds = 0;
  for (const study::Trial& trial : data.trials) {
    seconds += wall_seconds(trial);
    if (!counts_for_best(trial)) continue;
    const double best =
        course.empty() ? *trial.objective : std::max(course.back().best, *trial.objective);
    course.push_back({seconds, trial.number, best});
  }
  return course;
}

std::vector<std::size_t> pareto_front(std::span<const Point> points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    if (points[a].cost != points[b].cost) return points[a].cost < points[b].cost;
    return points[a].value > points[b].value;
  });
  std::vector<std::size_t> front;
  for (const std::size_t i : order) {
    if (front.empty() || points[i].value > points[front.back()].value) front.push_back(i);
  }
  return front;
}

const study::Trial* find_trial(const ReportData& data, int number) {
  const auto at = std::ranges::find(data.trials, number, &study::Trial::number);
  return at == data.trials.end() ? nullptr : &*at;
}

std::string_view outcome_word(study::Outcome outcome) {
  switch (outcome) {
    case study::Outcome::kRunning:
      return "running";
    case study::Outcome::kMeasured:
      return "measured";
    case study::Outcome::kUndeployable:
      return "does not fit";
    case study::Outcome::kDiverged:
      return "diverged";
    case study::Outcome::kBuildFailed:
      return "build failed";
    case study::Outcome::kEmulationFailed:
      return "emulation failed";
    case study::Outcome::kPruned:
      return "pruned";
    case study::Outcome::kCancelled:
      return "cancelled";
    case study::Outcome::kFailed:
      return "failed";
  }
  ATML_UNREACHABLE("unknown outcome");
}

std::string counted(std::int64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", with_thousands(number), noun, number == 1 ? "" : "s");
}

std::string proposal_text(const study::Explanation& e) {
  std::string text = e.kind;
  if (e.mean) text += fmt::format(": {:.4g} +- {:.2g}", *e.mean, e.deviation.value_or(0));
  double fits = e.computable.value_or(1);
  for (const auto& chance : e.chances) fits *= chance.probability;
  if (!e.chances.empty() || e.computable)
    text += fmt::format("{} fits {:.0f} %", e.mean ? "," : ":", 100 * fits);
  return text;
}

std::string explanation(const study::Trial& trial) {
  const std::string start =
      trial.inherits ? fmt::format("began with the weights of trial {}", *trial.inherits) : "";
  if (!trial.reason.empty()) return trial.reason + (start.empty() ? "" : "; " + start);
  std::string text = start;
  for (const study::Constraint& c : trial.constraints) {
    if (c.margin() <= 0) continue;
    text += fmt::format("{}{}: {} used, {} allowed", text.empty() ? "" : "; ", c.name,
                        quantity_text(c.name, c.used), quantity_text(c.name, c.allowed));
  }
  return text;
}

}  // namespace atml::report
