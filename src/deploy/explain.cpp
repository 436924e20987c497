#include "deploy/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "codegen/firmware.h"

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
std::string largest_layer(const Deployability& d, Field field, const char* what,
                          std::int64_t total) {
  const auto it = std::ranges::max_element(d.layers, {}, field);
  if (it == d.layers.end() || field(*it) <= 0 || total <= 0) return "";
  return fmt::format("{}: {} ({}, {}) has {} of {}, {:.0f} %", what, it->name, it->kind,
                     it->output.text(), with_thousands(field(*it)), with_thousands(total),
                     100.0 * static_cast<double>(field(*it)) / static_cast<double>(total));
}

// The plan that the verdict was built with: with rows streamed where the RAM limit asks for it.
std::string ram_peak(const quantize::Int8Model& model, const target::Target& target,
                     const target::Limits& limits, const Deployability& verdict) {
  codegen::Options options;
  options.arena_limit = codegen::arena_limit(limits);
  codegen::MemoryPlan plan = codegen::plan_memory(model, target, options);
  if (plan.arena != verdict.arena) plan = codegen::plan_memory(model, target, {});
  if (plan.live_at_op.empty()) return "";
  const auto peak = static_cast<std::size_t>(plan.peak_op);
  const quantize::Op& op = model.ops[static_cast<std::size_t>(plan.order[peak])];
  return fmt::format("ram: {} ({} -> {}) needs {} of live data at once, the arena is {}{}", op.name,
                     model.input_of(op).shape.text(), model.output_of(op).shape.text(),
                     to_text(plan.live_at_op[peak]), to_text(plan.arena),
                     plan.groups.empty() ? "" : " (rows are streamed already)");
}

bool binds(const Deployability& d, Limit limit) {
  return std::ranges::any_of(d.violations, [&](const Violation& v) { return v.limit == limit; });
}

std::vector<std::string> places_of(const quantize::Int8Model& model, const target::Target& target,
                                   const target::Limits& limits, const Deployability& verdict,
                                   const Deployability& full) {
  std::vector<std::string> lines;
  if (binds(verdict, Limit::kFlash)) {
    lines.push_back(largest_layer(
        full, [](const LayerCost& l) { return l.weights.value; }, "flash bytes", full.flash.value));
  }
  if (binds(verdict, Limit::kRam)) lines.push_back(ram_peak(model, target, limits, verdict));
  if (binds(verdict, Limit::kLatency) || binds(verdict, Limit::kEnergy)) {
    lines.push_back(largest_layer(
        full, [](const LayerCost& l) { return l.cycles.value; }, "cycles", full.cycles.mid.value));
  }
  std::erase(lines, "");
  return lines;
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

Status suggest_alternatives(std::span<const Alternative> alternatives,
                            const quantize::Int8Model& model, const target::Target& target,
                            const target::Limits& limits, const StopToken& stop,
                            Explanation& explanation) {
  for (const Alternative& alternative : alternatives) {
    const auto answer = alternative.oracle->check(model, target, limits, stop);
    if (!answer.ok() && stop.stop_requested()) return answer.error();
    if (!answer.ok()) {  // a suggestion that cannot be tried must not cost the explanation
      explanation.in_vain.push_back(alternative.name + ": " + answer.error().message);
      continue;
    }
    const Deployability& verdict = *answer;
    if (!verdict.computable) {
      explanation.in_vain.push_back(alternative.name + ": " + verdict.reason);
      continue;
    }
    std::string line = fmt::format("{}: {} flash, {} RAM", alternative.name, to_text(verdict.flash),
                                   to_text(verdict.ram));
    if (verdict.latency.value > 0) line += ", " + to_text(verdict.latency);
    (verdict.deployable() ? explanation.suggestions : explanation.in_vain).push_back(line);
  }
  return {};
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
  explanation.places = places_of(model, target, limits, verdict, full);
  ATML_TRY_STATUS(
      suggest_relaxed(oracle, model, target, limits, full, stop, explanation.suggestions));
  ATML_TRY_STATUS(suggest_alternatives(alternatives, model, target, limits, stop, explanation));
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

}  // namespace atml::deploy
