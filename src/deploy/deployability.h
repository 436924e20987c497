// Deployability: the verdict on a model for a target - measured use, per-limit margin, or not
// computable.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "base/units.h"
#include "quantize/model.h"
#include "target/target.h"

namespace atml::deploy {

enum class Limit { kFlash, kRam, kLatency, kEnergy };
std::string_view to_string(Limit limit);

/// One limit that does not hold, in the unit of the limit (bytes, seconds, joules).
struct Violation {
  Limit limit = Limit::kFlash;
  double used = 0;
  double allowed = 0;
  std::string text;  // "ram: 41.2 KiB used, 32.0 KiB allowed, 9.2 KiB too much"
};

struct CycleRange {
  Cycles low, mid, high;
};

/// Where flash goes; the sum is Deployability::flash.
struct FlashSplit {
  Bytes weights, tables, code, startup;
};

struct LayerCost {
  std::string name;  // of the operator
  std::string kind;
  Shape output;
  Macs macs;
  Bytes weights;  // flash of its weights and tables
  Instructions instructions;
  Cycles cycles;  // mid
};

struct Timings {
  Seconds generate{0}, compile{0}, link{0}, emulate{0};
  Seconds total() const { return generate + compile + link + emulate; }
};

struct Deployability {
  bool computable = false;
  std::string reason;  // why not computable: "the compiler exited with code 1: ..."
  std::string origin;  // "linked ELF, qemu-system-arm 7.2" or "analytic bound" or the command
  std::vector<Violation> violations;

  Bytes flash, ram;  // whole firmware; ram = arena + statics + stack
  Bytes arena, statics, stack;
  FlashSplit flash_split;
  Instructions instructions;  // one inference, mean of the emulated inputs
  CycleRange cycles;
  Seconds latency{0};             // mid cycles / clock
  Joules energy{0};               // latency x run power; 0 where the target has no current figure
  std::vector<LayerCost> layers;  // empty where the origin does not know
  Timings timings;

  bool deployable() const { return computable && violations.empty(); }
};

/// What answers deployability. Thread safe: workers share one.
class Oracle {
 public:
  virtual ~Oracle() = default;
  virtual std::string name() const = 0;
  /// An undeployable or not computable model is an answer; an Error means that the environment is
  /// broken (no compiler, full disk) and the search cannot go on.
  virtual Result<Deployability> check(const quantize::Int8Model& model,
                                      const target::Target& target, const target::Limits& limits,
                                      const StopToken& stop) = 0;
};

}  // namespace atml::deploy
