#include "deploy/analytic.h"

#include <cmath>

#include "base/clock.h"
#include "codegen/firmware.h"
#include "deploy/limits.h"

namespace atml::deploy {

using target::Core;

double fewest_cycles_per_mac(Core core) {
  switch (core) {
    // One load, one multiply and one addition serve at most two MACs (two weights in one register).
    case Core::kCortexM0:
    case Core::kCortexM0Plus:
    case Core::kCortexM3:
    case Core::kRv32imc:
      return 1.0;
    // SMLAD does two MACs a cycle: 0.875 instructions a MAC with all unpacking done offline.
    case Core::kCortexM4:
      return 0.8;
    case Core::kCortexM33:
      return 0.6;  // 0.75 of the M4 at best
    case Core::kCortexM7:
      return 0.35;  // dual issue: 0.48 of the M4 at best
    case Core::kCortexM55:
      return 0.1;  // MVE: up to 16 MACs an instruction of two beats
  }
  ATML_UNREACHABLE("unknown core");
}

Result<Deployability> AnalyticOracle::check(const quantize::Int8Model& model,
                                            const target::Target& target,
                                            const target::Limits& limits, const StopToken& stop) {
  if (stop.interrupted()) return Error{Code::kCancelled, "deployability check cancelled"};
  const double started = now_seconds();
  codegen::Options options;
  options.arena_limit = codegen::arena_limit(limits);
  options.optimize = optimize_;
  options.streaming = streaming_;
  const codegen::Estimate estimate = codegen::estimate(model, target, options);
  Deployability d;
  d.origin = "analytic bound";
  if (estimate.arena == Bytes(0)) {
    d.reason = "the runtime has no kernel for one of the operators; the built-in oracle names it";
    return d;
  }
  d.computable = true;
  d.flash = estimate.flash;
  d.arena = estimate.arena;
  d.ram = estimate.ram;
  d.statics = estimate.ram - estimate.arena;
  const Cycles cycles(
      std::llround(fewest_cycles_per_mac(target.core) * static_cast<double>(model.macs().value)));
  d.cycles = {cycles, cycles, cycles};
  d.latency = Seconds(static_cast<double>(cycles.value) / target.clock_hz);
  d.energy = Joules(d.latency.value * target.run_watts());
  d.violations = find_violations(d, limits);
  d.timings.generate = Seconds(now_seconds() - started);
  return d;
}

}  // namespace atml::deploy
