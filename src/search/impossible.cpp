#include "search/impossible.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "deploy/alternatives.h"
#include "quantize/quantize.h"
#include "search/exact.h"
#include "search/trial_runner.h"
#include "space/decode.h"

namespace atml::search {
namespace {

constexpr int kSamples = 400;  // about a second of exact checks
constexpr int kDescentSteps = 40;
constexpr std::size_t kBuilt = 3;
constexpr double kNearMiss =
    0.05;  // excess of the smallest network that the search may still find a way round
constexpr std::size_t kPartsNamed = 3;

struct Candidate {
  space::Configuration configuration;
  double margin = 0;  // worst relative excess of memory by the exact check; 0 where it fits
  std::int64_t macs =
      0;  // among those that fit the one with the least work is the fastest to expect
  auto key() const { return std::pair(margin, macs); }
};

Candidate weigh(const Context& context, ExactLimits& exact, space::Configuration configuration) {
  const auto network =
      space::decode(configuration, context.dataset.shape, context.dataset.outputs());
  const double margin = std::max(0.0, exact(configuration).worst_margin);
  return {std::move(configuration), margin, network.ok() ? network->macs().value : 0};
}

/// The candidates most likely to fit, best first: random samples, then the best one improved by
/// one-exchange steps.
std::vector<Candidate> nearest(const Context& context, ExactLimits& exact) {
  Rng rng = Rng::derive(context.settings.seed, "impossible");
  const bool timed = context.limits.latency || context.limits.energy;
  std::vector<Candidate> found{weigh(context, exact, context.space.default_configuration())};
  const auto good_enough = [&] { return found.front().margin <= 0 && !timed; };
  for (int i = 0; i < kSamples && !good_enough(); ++i)
    found.push_back(weigh(context, exact, context.space.sample(rng)));
  std::ranges::stable_sort(found, {}, &Candidate::key);
  for (int step = 0; step < kDescentSteps && !good_enough(); ++step) {
    const auto before = found.front().key();
    for (auto& next : context.space.neighbours(found.front().configuration)) {
      found.push_back(weigh(context, exact, std::move(next)));
    }
    std::ranges::stable_sort(found, {}, &Candidate::key);
    if (found.front().key() >= before) break;
  }
  found.resize(std::min(found.size(), kBuilt));
  return found;
}

struct Built {
  space::Configuration configuration;
  network::Network network;
  deploy::Deployability verdict;
  quantize::Int8Model model;
  double margin = 0;
};

Result<Built> build(const Context& context, const space::Configuration& configuration,
                    const StopToken& stop) {
  ATML_TRY(const network::Network network,
           space::decode(configuration, context.dataset.shape, context.dataset.outputs()));
  quantize::Int8Model model = quantize::random_model(network, context.settings.seed);
  ATML_TRY(deploy::Deployability verdict,
           context.full_oracle->check(model, context.target, context.limits, stop));
  double margin = verdict.computable ? -1 : std::numeric_limits<double>::infinity();
  for (const auto& v : verdict.violations) margin = std::max(margin, v.used / v.allowed - 1);
  return Built{configuration, network, std::move(verdict), std::move(model), margin};
}

/// The option that lifts a limit far enough, rounded up to a figure that a person would type.
std::string relaxation(const deploy::Violation& v, const target::Limits& limits) {
  const auto kib = [](double bytes) { return static_cast<std::int64_t>(std::ceil(bytes / 1024)); };
  switch (v.limit) {
    case deploy::Limit::kFlash:
      return fmt::format("--flash {}KiB",
                         kib(v.used + static_cast<double>(limits.reserve_flash.value)));
    case deploy::Limit::kRam:
      return fmt::format("--ram {}KiB",
                         kib(v.used + static_cast<double>(limits.reserve_ram.value)));
    case deploy::Limit::kLatency:
      return fmt::format("--latency {:.0f}us", std::ceil(v.used * 1e6));
    case deploy::Limit::kEnergy:
      return fmt::format("--energy {:.0f}uJ", std::ceil(v.used * 1e6));
  }
  ATML_UNREACHABLE("limit");
}

bool exceeds_part(const deploy::Violation& v, const Context& context) {
  const double flash = v.used + static_cast<double>(context.limits.reserve_flash.value);
  const double ram = v.used + static_cast<double>(context.limits.reserve_ram.value);
  if (v.limit == deploy::Limit::kFlash)
    return flash > static_cast<double>(context.target.flash.size.value);
  if (v.limit == deploy::Limit::kRam)
    return ram > static_cast<double>(context.target.ram.size.value);
  return false;
}

/// One sentence with all limits that have to give way; empty where the part itself is too small.
std::string relaxation_remedy(const Built& built, const Context& context) {
  std::string options;
  for (const auto& v : built.verdict.violations) {
    if (exceeds_part(v, context)) return "";
    options += (options.empty() ? "" : " ") + relaxation(v, context.limits);
  }
  return fmt::format("relax the limits: {} would do for the smallest network found", options);
}

/// Parts of the catalogue on which the candidate was really built and fits, smallest memory first.
Result<std::vector<std::string>> parts_that_fit(const Built& built, const Context& context,
                                                const StopToken& stop) {
  ATML_TRY(std::vector<target::Target> parts, target::catalogue());
  std::ranges::stable_sort(
      parts, {}, [](const target::Target& t) { return t.flash.size.value + 4 * t.ram.size.value; });
  std::vector<std::string> names;
  for (const target::Target& part : parts) {
    target::Limits limits = target::full_limits(part);
    limits.reserve_flash = context.limits.reserve_flash;
    limits.reserve_ram = context.limits.reserve_ram;
    limits.latency = context.limits.latency;
    limits.energy = context.limits.energy;
    const bool hopeless = built.verdict.flash > limits.usable_flash() ||
                          built.verdict.arena > limits.usable_ram() ||
                          (limits.energy && part.run_watts() <= 0);
    if (hopeless || part.name == context.target.name) continue;
    const auto verdict = context.oracle->check(built.model, part, limits, stop);
    if (verdict.ok() && verdict->deployable()) names.push_back(part.name);
    if (names.size() == kPartsNamed) break;
  }
  return names;
}

/// Other builds of the same network that fit, as `check` would suggest them. Rows are streamed
/// already where the RAM limit asks for it.
Result<std::vector<std::string>> builds_that_fit(const Built& built, const Context& context,
                                                 const StopToken& stop) {
  std::vector<std::string> remedies;
  if (context.settings.oracle != "builtin") return remedies;
  deploy::BuiltinOptions chosen;
  ATML_TRY(chosen.optimize, codegen::parse_optimize(context.settings.optimize));
  ATML_TRY(const deploy::Alternatives builds, deploy::other_builds(chosen, false));
  for (const deploy::Alternative& build : builds.list) {
    const auto verdict = build.oracle->check(built.model, context.target, context.limits, stop);
    if (!verdict.ok() && stop.stop_requested()) return verdict.error();
    if (!verdict.ok() || !verdict->deployable()) continue;
    remedies.push_back(
        fmt::format("build it with {}: the same network then takes {} of flash and "
                    "{} of RAM and fits",
                    build.name, to_text(verdict->flash), to_text(verdict->ram)));
  }
  return remedies;
}

Result<report::NothingFits> describe(const Built& built, const Context& context,
                                     const StopToken& stop) {
  report::NothingFits answer;
  if (!built.verdict.computable) {
    answer.limit = "not computable";
    answer.text = built.verdict.reason;
    return answer;
  }
  const deploy::Violation& worst = *std::ranges::max_element(
      built.verdict.violations, {}, [](const auto& v) { return v.used / v.allowed; });
  answer.limit = std::string(deploy::to_string(worst.limit));
  answer.used = worst.used;
  answer.allowed = worst.allowed;
  for (const auto& v : built.verdict.violations)
    answer.text += (answer.text.empty() ? "" : "; ") + v.text;
  if (const std::string remedy = relaxation_remedy(built, context); !remedy.empty())
    answer.remedies.push_back(remedy);
  ATML_TRY(const auto builds, builds_that_fit(built, context, stop));
  answer.remedies.insert(answer.remedies.end(), builds.begin(), builds.end());
  const bool timing_binds =
      worst.limit == deploy::Limit::kLatency || worst.limit == deploy::Limit::kEnergy;
  if (context.sizes_are_known() && (answer.remedies.empty() || timing_binds)) {
    ATML_TRY(const auto parts, parts_that_fit(built, context, stop));
    if (!parts.empty()) {
      answer.remedies.push_back(
          fmt::format("take another part: the same network was built for {} and fits there",
                      fmt::join(parts, ", ")));
    }
  }
  answer.remedies.push_back(
      "narrow the space to smaller networks with a file that says extends = \"" +
      context.space.name() + "\"");
  return answer;
}

/// Keeps the nearest candidate as a trial, so that listings and reports can show it.
Result<int> record(const Context& context, const Built& built, const std::string& reason) {
  study::Trial trial;
  trial.configuration = built.configuration;
  trial.why = "the nearest to the limits that was found before the search";
  trial.outcome = study::Outcome::kUndeployable;
  trial.reason = reason;
  trial.figures = figures_of(built.verdict, built.network.macs(), built.network.parameters());
  trial.constraints = constraints_of(built.verdict, context.limits);
  return context.store->add_trial(trial);
}

}  // namespace

Result<std::optional<report::NothingFits>> explain_if_nothing_fits(const Context& context,
                                                                   const StopToken& stop) {
  ExactLimits exact(context);
  std::optional<Built> best;
  for (const Candidate& candidate : nearest(context, exact)) {
    ATML_TRY(Built built, build(context, candidate.configuration, stop));
    if (built.verdict.deployable()) return std::optional<report::NothingFits>();
    if (!built.verdict.computable)
      continue;  // a tool that fails on one network says nothing of the others
    // Work only predicts time roughly: a near miss is left to the search, which learns what is
    // fast.
    if (built.margin < kNearMiss) return std::optional<report::NothingFits>();
    if (!best || built.margin < best->margin) best = std::move(built);
  }
  if (!best) return std::optional<report::NothingFits>();
  ATML_TRY(report::NothingFits answer, describe(*best, context, stop));
  ATML_TRY(answer.trial, record(context, *best, answer.text));
  return std::optional(std::move(answer));
}

Result<report::NothingFits> explain_nearest(const Context& context,
                                            const std::vector<study::Trial>& trials,
                                            const StopToken& stop) {
  const auto worst_margin = [](const study::Trial& t) {
    double worst = t.constraints.empty() ? std::numeric_limits<double>::infinity() : -1;
    for (const study::Constraint& c : t.constraints) worst = std::max(worst, c.margin());
    return worst;
  };
  const auto nearest_trial = std::ranges::min_element(trials, {}, worst_margin);
  if (nearest_trial == trials.end()) {
    report::NothingFits answer;
    answer.limit = "budget";
    answer.text = "no trial was checked: the budget ended first";
    answer.remedies.push_back("give it more time with --budget");
    return answer;
  }
  ATML_TRY(const Built built, build(context, nearest_trial->configuration, stop));
  report::NothingFits answer;
  if (built.verdict.deployable()) {
    answer.limit = "budget";
    answer.text = "a network that fits was found but none was trained: the budget ended first";
    answer.remedies.push_back("give it more time with --budget");
  } else {
    ATML_TRY(answer, describe(built, context, stop));
  }
  answer.trial = nearest_trial->number;
  return answer;
}

}  // namespace atml::search
