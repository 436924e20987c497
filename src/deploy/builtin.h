// BuiltinOracle: generates the firmware of a model, compiles and links it for the part, runs it in
// the emulator and reads flash, RAM, instructions and cycles from there. Nothing it reports is an
// estimate.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "codegen/firmware.h"
#include "deploy/deployability.h"

namespace atml::deploy {

struct BuiltinOptions {
  codegen::Optimize optimize = codegen::Optimize::kBalanced;
  codegen::Streaming streaming = codegen::Streaming::kAuto;  // kAuto: what the RAM limit asks for
  std::string kernel;                                        // of codegen::Options
  bool compress_weights = false;                             // see codegen::Options
  int inputs = 2;  // emulated inferences, on seeded random input bytes; instructions are their mean
  std::uint64_t seed = 1;     // of those bytes
  bool full_figures = false;  // true: emulate although the linked sizes already violate a limit
  double slowest_seconds =
      20;  // an inference that would take longer than this on the part is a runaway
  Seconds emulator_timeout{60};  // wall time of one emulation
};

/// Thread safe: one oracle serves all workers; they share its cache of compiled runtime kernels.
/// check() answers
///  - computable, with every figure, when the firmware was linked and ran;
///  - computable with violations but without cycles (origin says "not emulated") when the linked
///  sizes
///    alone already break a limit and full_figures is off; the RAM figure then has no stack in it,
///    so it is a lower bound;
///  - not computable with the reason when the generator refuses the model, the compiler or linker
///  fails
///    for a reason other than size, or the run ends by fault, lock-up, runaway or time-out;
/// and an Error (with the Debian package to install) only when a tool is missing or the disk is
/// full.
class BuiltinOracle : public Oracle {
 public:
  static Result<std::unique_ptr<BuiltinOracle>> create(const BuiltinOptions& options = {});
  ~BuiltinOracle() override;

  std::string name() const override { return "builtin"; }
  Result<Deployability> check(const quantize::Int8Model& model, const target::Target& target,
                              const target::Limits& limits, const StopToken& stop) override;

 private:
  struct State;
  explicit BuiltinOracle(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace atml::deploy
