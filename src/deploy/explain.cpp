#include "deploy/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "codegen/firmware.h"
#include "deploy/other_networks.h"

namespace atml::deploy {
namespace {

constexpr Bytes kUnlimited(std::int64_t{1} << 30);
constexpr std::size_t kParts = 3;  // suggested at most

target::Limits of_part(const target::Target& part, const target::Limits& wanted) {
  target::Limits limits = wanted;
  limits.flash = part.flash.size;
  limits.ram = part.ram.size;
  return limits;
}

bool cheaper(const target::Target& a, const target::Target& b) {
  const auto key = [](const target::Target& t) {
    return std::tuple(t.flash.size.value + t.ram.size.value, t.clock_hz, t.name);
  };
  return key(a) < key(b);
}

// Same instructions, hence same sizes.
using CoreKey = std::tuple<target::Core, bool, bool>;
CoreKey core_key(const target::Target& t) { return {t.core, t.fpu, t.dsp}; }

// The verdict with all figures, whatever the limits say.
Result<Deployability> full_figures(Oracle& oracle, const quantize::Int8Model& model,
                                   const target::Target& target, const StopToken& stop) {
  target::Limits limits;
  limits.flash = kUnlimited;
  limits.ram = kUnlimited;
  return oracle.check(model, target, limits, stop);
}

template <class Field>
void add_largest_layer(const Deployability& d, Limit limit, Field field, const char* what,
                       std::int64_t total, Explanation& explanation) {
  const auto it = std::ranges::max_element(d.layers, {}, field);
  if (it == d.layers.end() || field(*it) <= 0 || total <= 0) return;
  const auto used = static_cast<double>(field(*it));
  explanation.peaks.push_back({limit, it->name, it->kind, used, static_cast<double>(total)});
  explanation.places.push_back(fmt::format(
      "{}: {} ({}, {}) has {} of {}, {:.0f} %", what, it->name, it->kind, it->output.text(),
      with_thousands(field(*it)), with_thousands(total), 100 * used / static_cast<double>(total)));
}

// The plan that the verdict was built with: with rows streamed where the RAM limit asks for it.
void add_ram_peak(const quantize::Int8Model& model, const target::Target& target,
                  const target::Limits& limits, const Deployability& verdict,
                  Explanation& explanation) {
  codegen::Options options;
  options.arena_limit = codegen::arena_limit(limits);
  codegen::MemoryPlan plan = codegen::plan_memory(model, target, options);
  if (plan.arena != verdict.arena) plan = codegen::plan_memory(model, target, {});
  if (plan.live_at_op.empty()) return;
  const auto peak = static_cast<std::size_t>(plan.peak_op);
  const quantize::Op& op = model.ops[static_cast<std::size_t>(plan.order[peak])];
  explanation.peaks.push_back({Limit::kRam, op.name, std::string(quantize::kind_name(op.kind)),
                               static_cast<double>(plan.live_at_op[peak].value),
                               static_cast<double>(plan.arena.value)});
  explanation.places.push_back(
      fmt::format("ram: {} ({} -> {}) needs {} of live data at once, the arena is {}{}", op.name,
                  model.input_of(op).shape.text(), model.output_of(op).shape.text(),
                  to_text(plan.live_at_op[peak]), to_text(plan.arena),
                  plan.groups.empty() ? "" : " (rows are streamed already)"));
}

bool binds(const Deployability& d, Limit limit) {
  return std::ranges::any_of(d.violations, [&](const Violation& v) { return v.limit == limit; });
}

void add_places(const quantize::Int8Model& model, const target::Target& target,
                const target::Limits& limits, const Deployability& verdict,
                const Deployability& full, Explanation& explanation) {
  if (binds(verdict, Limit::kFlash)) {
    add_largest_layer(
        full, Limit::kFlash, [](const LayerCost& l) { return l.weights.value; }, "flash bytes",
        full.flash.value, explanation);
  }
  if (binds(verdict, Limit::kRam)) add_ram_peak(model, target, limits, verdict, explanation);
  for (const Limit limit : {Limit::kLatency, Limit::kEnergy}) {
    if (!binds(verdict, limit)) continue;
    add_largest_layer(
        full, limit, [](const LayerCost& l) { return l.cycles.value; }, "cycles",
        full.cycles.mid.value, explanation);
    break;  // energy is proportional to time: the same layer
  }
}

// The limits under which the measured figures just hold, as options of the command line.
struct Relaxed {
  target::Limits limits;
  std::string text;
};

Relaxed relax(const target::Limits& limits, const Deployability& full) {
  Relaxed r{limits, ""};
  const auto add = [&](const std::string& option) {
    r.text += (r.text.empty() ? "" : " ") + option;
  };
  if (full.flash > limits.usable_flash()) {
    r.limits.flash = full.flash + limits.reserve_flash;
    add(fmt::format("--flash {}", r.limits.flash.value));
  }
  if (full.ram > limits.usable_ram()) {
    r.limits.ram = full.ram + limits.reserve_ram;
    add(fmt::format("--ram {}", r.limits.ram.value));
  }
  if (limits.latency && full.latency > *limits.latency) {
    r.limits.latency = Seconds(1.001 * full.latency.value);
    add(fmt::format("--latency {:.3f}ms", 1e3 * r.limits.latency->value));
  }
  if (limits.energy && full.energy > *limits.energy) {
    r.limits.energy = Joules(1.001 * full.energy.value);
    add(fmt::format("--energy {:.3f}uJ", 1e6 * r.limits.energy->value));
  }
  return r;
}

Status suggest_relaxed(Oracle& oracle, const quantize::Int8Model& model,
                       const target::Target& target, const target::Limits& limits,
                       const Deployability& full, const StopToken& stop,
                       std::vector<std::string>& lines) {
  const Relaxed relaxed = relax(limits, full);
  const bool possible =
      relaxed.limits.flash <= target.flash.size && relaxed.limits.ram <= target.ram.size;
  if (relaxed.text.empty() || !possible) return {};
  ATML_TRY(const Deployability verdict, oracle.check(model, target, relaxed.limits, stop));
  if (verdict.deployable()) lines.push_back(fmt::format("the same network with {}", relaxed.text));
  return {};
}

// Asks for one more build and files the answer under what helps or what does not.
Status try_build(const std::string& name, Oracle& oracle, const quantize::Int8Model& model,
                 const target::Target& target, const target::Limits& limits, const StopToken& stop,
                 Explanation& explanation) {
  const auto answer = oracle.check(model, target, limits, stop);
  if (!answer.ok() && stop.stop_requested()) return answer.error();
  if (!answer.ok()) {  // a suggestion that cannot be tried must not cost the explanation
    explanation.in_vain.push_back(name + ": " + answer.error().message);
    return {};
  }
  const Deployability& verdict = *answer;
  if (!verdict.computable) {
    explanation.in_vain.push_back(name + ": " + verdict.reason);
    return {};
  }
  std::string line =
      fmt::format("{}: {} flash, {} RAM", name, to_text(verdict.flash), to_text(verdict.ram));
  if (verdict.latency.value > 0) line += ", " + to_text(verdict.latency);
  (verdict.deployable() ? explanation.suggestions : explanation.in_vain).push_back(line);
  return {};
}

Status suggest_alternatives(std::span<const Alternative> alternatives,
                            const quantize::Int8Model& model, const target::Target& target,
                            const target::Limits& limits, const StopToken& stop,
                            Explanation& explanation) {
  for (const Alternative& alternative : alternatives) {
    ATML_TRY_STATUS(
        try_build(alternative.name, *alternative.oracle, model, target, limits, stop, explanation));
  }
  return {};
}

Status suggest_networks(Oracle& oracle, const quantize::Int8Model& model,
                        const target::Target& target, const target::Limits& limits,
                        const Deployability& verdict, const StopToken& stop,
                        Explanation& explanation) {
  std::vector<OtherNetwork> others;
  if (binds(verdict, Limit::kFlash)) others = with_smaller_weights(model);
  if (binds(verdict, Limit::kRam) || binds(verdict, Limit::kLatency) ||
      binds(verdict, Limit::kEnergy)) {
    for (OtherNetwork& other : with_smaller_stem(model)) others.push_back(std::move(other));
  }
  for (const OtherNetwork& other : others) {
    ATML_TRY_STATUS(try_build(other.name, oracle, other.model, target, limits, stop, explanation));
  }
  return {};
}

// Figures of a limit in the unit of the documents.
struct Unit {
  double scale;
  const char* name;
};
Unit unit_of(Limit limit) {
  switch (limit) {
    case Limit::kFlash:
    case Limit::kRam:
      return {1, "bytes"};
    case Limit::kLatency:
      return {1e3, "ms"};
    case Limit::kEnergy:
      return {1e6, "uJ"};
  }
  ATML_UNREACHABLE("unknown limit");
}

Json limit_json(const Violation& v) {
  const Unit unit = unit_of(v.limit);
  Json json = Json::object();
  json.set("limit", to_string(v.limit)).set("used", unit.scale * v.used);
  json.set("allowed", unit.scale * v.allowed).set("excess", unit.scale * (v.used - v.allowed));
  return json.set("unit", unit.name);
}

Json peak_json(const Peak& p) {
  const bool bytes = p.limit == Limit::kFlash || p.limit == Limit::kRam;
  Json json = Json::object();
  json.set("limit", to_string(p.limit)).set("layer", p.layer).set("kind", p.kind);
  return json.set("used", p.used).set("total", p.total).set("unit", bytes ? "bytes" : "cycles");
}

Json lines_json(const std::vector<std::string>& lines) {
  Json json = Json::array();
  for (const std::string& line : lines) json.push(line);
  return json;
}

}  // namespace

Result<std::vector<PartVerdict>> find_parts(Oracle& oracle, const quantize::Int8Model& model,
                                            std::span<const target::Target> parts,
                                            const target::Limits& limits, std::size_t most,
                                            const StopToken& stop,
                                            std::vector<PartVerdict>* unanswered) {
  std::vector<target::Target> sorted(parts.begin(), parts.end());
  std::ranges::sort(sorted, cheaper);
  std::map<CoreKey, Deployability> failed;  // not computable there
  std::vector<PartVerdict> found;
  for (const target::Target& part : sorted) {
    if (found.size() >= most) break;
    const target::Limits own = of_part(part, limits);
    const auto seen = failed.find(core_key(part));
    if (seen != failed.end()) {
      if (unanswered != nullptr) unanswered->push_back({part, seen->second});
      continue;
    }
    ATML_TRY(Deployability verdict, oracle.check(model, part, own, stop));
    if (!verdict.computable) {
      failed[core_key(part)] = verdict;
      if (unanswered != nullptr) unanswered->push_back({part, verdict});
      continue;
    }
    if (verdict.deployable()) found.push_back({part, std::move(verdict)});
  }
  return found;
}

Result<Explanation> explain(Oracle& oracle, std::span<const Alternative> alternatives,
                            const quantize::Int8Model& model, const target::Target& target,
                            const target::Limits& limits, const Deployability& verdict,
                            std::span<const target::Target> catalogue, const StopToken& stop) {
  Explanation explanation;
  if (!verdict.computable) {
    explanation.binding.push_back("not computable: " + verdict.reason);
    return explanation;
  }
  if (verdict.violations.empty()) return explanation;
  // The smallest build that there is figures of: the verdict itself where it was measured to the
  // end.
  Deployability full = verdict;
  if (verdict.latency.value <= 0 || verdict.layers.empty()) {
    ATML_TRY(full, full_figures(oracle, model, target, stop));
  }
  for (const Violation& violation : verdict.violations)
    explanation.binding.push_back(violation.text);
  explanation.violations = verdict.violations;
  add_places(model, target, limits, verdict, full, explanation);
  ATML_TRY_STATUS(
      suggest_relaxed(oracle, model, target, limits, full, stop, explanation.suggestions));
  ATML_TRY_STATUS(suggest_alternatives(alternatives, model, target, limits, stop, explanation));
  ATML_TRY_STATUS(suggest_networks(oracle, model, target, limits, verdict, stop, explanation));
  ATML_TRY(const auto parts, find_parts(oracle, model, catalogue, limits, kParts, stop));
  for (const PartVerdict& p : parts) {
    explanation.suggestions.push_back(
        fmt::format("--target {} ({} flash, {} RAM): {}", p.part.name, to_text(p.part.flash.size),
                    to_text(p.part.ram.size), to_text(p.verdict.latency)));
  }
  return explanation;
}

std::string Explanation::text() const {
  std::string text;
  const auto add = [&](const char* title, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    text += std::string(title) + "\n";
    for (const std::string& line : lines) text += "  " + line + "\n";
  };
  add("What binds:", binding);
  add("Where:", places);
  add("What would do (each tried):", suggestions);
  add("Tried, does not do:", in_vain);
  return text;
}

Json Explanation::json() const {
  Json limits = Json::array();
  for (const Violation& v : violations) limits.push(limit_json(v));
  Json layers = Json::array();
  for (const Peak& p : peaks) layers.push(peak_json(p));
  Json json = Json::object();
  json.set("limits", limits).set("peaks", layers);
  return json.set("suggestions", lines_json(suggestions)).set("tried_in_vain", lines_json(in_vain));
}

}  // namespace atml::deploy
