#include "deploy/builtin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/files.h"
#include "base/random.h"
#include "deploy/cycles.h"
#include "deploy/limits.h"
#include "deploy/workbench.h"

namespace atml::deploy {
namespace {

Error cancelled() { return {Code::kCancelled, "deployability check cancelled"}; }

std::vector<std::int8_t> random_bytes(std::uint64_t seed, std::int64_t count) {
  Rng rng = Rng::derive(seed, "deploy inputs");
  std::vector<std::int8_t> bytes(static_cast<std::size_t>(count));
  for (std::int8_t& byte : bytes) byte = static_cast<std::int8_t>(rng.next() >> 56);
  return bytes;
}

// Functions of start-up and main loop: what runs beside the network.
bool is_startup(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames{"atml_reset", "atml_start", "atml_fault", "main",
                                                   "memcpy",     "memmove",    "memset"};
  return std::ranges::find(kNames, name) != kNames.end();
}

FlashSplit split_flash(const Production& production) {
  FlashSplit split;
  for (const codegen::OpInfo& op : production.firmware.ops) {
    split.weights += op.weights;
    split.tables += op.tables;
  }
  for (const Symbol& symbol : production.elf->symbols()) {
    if (symbol.function && symbol.section > 0 && !is_startup(symbol.name))
      split.code += Bytes(symbol.size);
  }
  // The rest: vectors, start-up, main, initial values of .data, alignment.
  split.startup = production.flash - split.weights - split.tables - split.code;
  return split;
}

// Names, shapes and sizes; instructions and cycles come from a run.
std::vector<LayerCost> layer_table(const quantize::Int8Model& model,
                                   const codegen::Firmware& firmware) {
  std::vector<LayerCost> layers;
  for (const codegen::OpInfo& info : firmware.ops) {
    const quantize::Op& op = model.ops[static_cast<std::size_t>(info.op)];
    layers.push_back({.name = op.name,
                      .kind = std::string(quantize::kind_name(op.kind)),
                      .output = model.output_of(op).shape,
                      .macs = model.macs(op),
                      .weights = info.weights + info.tables});
  }
  return layers;
}

// Layers of the emulation are the operators that have code, in order.
void add_layer_figures(const codegen::Firmware& firmware, const EmulationReport& report,
                       const CycleEstimate& cycles, std::vector<LayerCost>& layers) {
  const double runs = static_cast<double>(report.windows.size());
  std::vector<std::uint64_t> instructions(cycles.layers.size(), 0);
  for (const ExecutedBlock& block : report.blocks) {
    if (block.layer >= 0)
      instructions[static_cast<std::size_t>(block.layer)] += block.count * block.executions;
  }
  std::size_t measured = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (firmware.ops[i].symbol.empty()) continue;
    layers[i].instructions =
        Instructions(std::llround(static_cast<double>(instructions[measured]) / runs));
    layers[i].cycles = Cycles(std::llround(cycles.layers[measured] / runs));
    ++measured;
  }
}

std::size_t measured_layers(const codegen::Firmware& firmware) {
  return static_cast<std::size_t>(
      std::ranges::count_if(firmware.ops, [](const auto& op) { return !op.symbol.empty(); }));
}

Cycles divided(Cycles cycles, double runs) {
  return Cycles(std::llround(static_cast<double>(cycles.value) / runs));
}

Deployability not_computable(std::string reason, const Timings& timings) {
  Deployability d;
  d.reason = std::move(reason);
  d.timings = timings;
  return d;
}

Deployability linked_figures(const quantize::Int8Model& model, const Production& production,
                             const Toolchain& tools) {
  Deployability d;
  d.computable = true;
  d.origin = "linked ELF (" + tools.version() + ")";
  d.flash = production.flash;
  d.arena = production.arena;
  d.statics = production.statics;
  d.ram = d.arena + d.statics;
  d.flash_split = split_flash(production);
  d.layers = layer_table(model, production.firmware);
  d.timings = production.timings;
  return d;
}

Status add_run_figures(const Production& production, const MeasuredRun& run,
                       const target::Target& target, Deployability& d) {
  const auto runs = static_cast<double>(run.report.windows.size());
  ATML_TRY(const CycleEstimate cycles,
           estimate_cycles(*run.elf, run.report, target, measured_layers(production.firmware)));
  d.stack = run.stack;
  d.ram = d.arena + d.statics + d.stack;
  d.instructions =
      Instructions(std::llround(static_cast<double>(run.report.instructions()) / runs));
  d.cycles = {divided(cycles.total.low, runs), divided(cycles.total.mid, runs),
              divided(cycles.total.high, runs)};
  d.latency = Seconds(static_cast<double>(d.cycles.mid.value) / target.clock_hz);
  d.energy = Joules(d.latency.value * target.run_watts());
  add_layer_figures(production.firmware, run.report, cycles, d.layers);
  return {};
}

// Streaming makes a network deployable that is too large for the RAM limit otherwise.
codegen::Options firmware_options(const BuiltinOptions& options, const target::Limits& limits) {
  codegen::Options result;
  result.optimize = options.optimize;
  result.streaming = options.streaming;
  result.kernel = options.kernel;
  result.compress_weights = options.compress_weights;
  result.arena_limit = codegen::arena_limit(limits);
  return result;
}

}  // namespace

struct BuiltinOracle::State {
  BuiltinOptions options;
  Workbench workbench;
};

BuiltinOracle::BuiltinOracle(std::unique_ptr<State> state) : state_(std::move(state)) {}
BuiltinOracle::~BuiltinOracle() = default;

Result<std::unique_ptr<BuiltinOracle>> BuiltinOracle::create(const BuiltinOptions& options) {
  ATML_ASSERT(options.inputs >= 1, "a check needs at least one input");
  ATML_TRY(Workbench workbench, Workbench::create());
  ATML_TRY_STATUS(find_plugin());
  return std::unique_ptr<BuiltinOracle>(
      new BuiltinOracle(std::make_unique<State>(State{options, std::move(workbench)})));
}

Result<Deployability> BuiltinOracle::check(const quantize::Int8Model& model,
                                           const target::Target& target,
                                           const target::Limits& limits, const StopToken& stop) {
  const BuiltinOptions& options = state_->options;
  if (stop.interrupted()) return cancelled();
  ATML_TRY(const ScratchFolder folder, ScratchFolder::create());
  ATML_TRY(
      const Production production,
      state_->workbench.build(model, target, firmware_options(options, limits), folder.path()));
  if (!production.failure.empty()) return not_computable(production.failure, production.timings);
  ATML_TRY(const ToolKit* kit, state_->workbench.kit(target.core));
  Deployability d = linked_figures(model, production, kit->tools);
  d.violations = find_violations(d, limits);
  if (!d.violations.empty() && !options.full_figures) {
    d.origin +=
        ", not emulated: its size alone is too much, so stack, cycles and energy are unknown";
    return d;
  }
  if (stop.interrupted()) return cancelled();
  const std::int64_t input_bytes = model.tensor(model.input).shape.elements();
  const RunSettings settings{
      static_cast<std::uint64_t>(std::max(1e6, options.slowest_seconds * target.clock_hz)),
      options.emulator_timeout};
  ATML_TRY(const MeasuredRun run,
           state_->workbench.run(target, production,
                                 random_bytes(options.seed, input_bytes * options.inputs), settings,
                                 folder.path()));
  d.timings.link += Seconds(run.link_seconds);
  d.timings.emulate = run.report.duration;
  if (!run.failure.empty()) return not_computable("emulation: " + run.failure, d.timings);
  d.origin += ", " + kit->emulator;
  ATML_TRY_STATUS(add_run_figures(production, run, target, d));
  d.violations = find_violations(d, limits);
  return d;
}

}  // namespace atml::deploy
