// AnalyticOracle: sizes without a compiler, in microseconds, to skip what cannot fit. It rejects;
// only the built-in oracle accepts.
#pragma once

#include "codegen/firmware.h"
#include "deploy/deployability.h"

namespace atml::deploy {

/// flash, ram and arena are codegen's estimate: the arena is exact, the rest a bound from below
/// (bench/deployability prints the error against linked firmware), so that what is refused here
/// does not fit. Cores whose kernels were never measured have weights, tables and arena alone.
/// Cycles are a lower bound: multiply-accumulates x the fewest cycles that any known kernel takes
/// for one on the core; low, mid and high are equal, instructions are not known. Latency and energy
/// follow from the bound, so a violation of them is certain and "deployable" means no more than
/// "not excluded". Not computable where the runtime has no kernel for an operator.
class AnalyticOracle : public Oracle {
 public:
  explicit AnalyticOracle(codegen::Optimize optimize = codegen::Optimize::kBalanced,
                          codegen::Streaming streaming = codegen::Streaming::kAuto)
      : optimize_(optimize), streaming_(streaming) {}
  std::string name() const override { return "analytic"; }
  Result<Deployability> check(const quantize::Int8Model& model, const target::Target& target,
                              const target::Limits& limits, const StopToken& stop) override;

 private:
  codegen::Optimize optimize_;
  codegen::Streaming streaming_;
};

/// The fewest cycles for one multiply-accumulate on a core, over kernels that are known (published
/// engines and our own), rounded down.
double fewest_cycles_per_mac(target::Core core);

}  // namespace atml::deploy
