#include "deploy/flash_wait.h"

namespace atml::deploy {
namespace {

using target::Core;

// (latency with weights in flash - latency with weights in RAM) / (264,192 / 32 lines): Bosch,
// MLPerf Tiny v1.2, STM32L4R5 5.84 and 4.73 ms; STM32U575 3.80 and 3.09 ms; STM32F746 1.71 and
// 1.42 ms and STM32H7A3 1.36 and 1.08 ms, of which the mean.
constexpr double kM4Line = 134.4e-9;
constexpr double kM33Line = 86.0e-9;
constexpr double kM7Line = 34.5e-9;

FlashWait of_core(Core core) {
  switch (core) {
    case Core::kCortexM4:
      return {kM4Line, 256};  // the data cache of ST's accelerator: 8 lines of 32 bytes
    case Core::kCortexM33:
      return {kM33Line, 8192};
    case Core::kCortexM7:
      return {kM7Line, 16384};
    case Core::kCortexM0:
    case Core::kCortexM0Plus:
    case Core::kCortexM3:
    case Core::kCortexM55:
    case Core::kRv32imc:
      return {};
  }
  ATML_UNREACHABLE("unknown core");
}

bool has_own_cost(const target::Target& target) {
  const target::CostModel usual = target::default_cost(target.core);
  return target.cost.factor != usual.factor || target.cost.note != usual.note;
}

}  // namespace

FlashWait flash_wait(const target::Target& target) {
  FlashWait wait = of_core(target.core);
  if (has_own_cost(target)) wait.line_seconds = 0;
  return wait;
}

}  // namespace atml::deploy
