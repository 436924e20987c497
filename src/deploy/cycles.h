// The cycle model: exact executions of basic blocks x a table of cycles an instruction.
//
//   table cycles = sum over blocks (executions x static cost) + taken branches x P
//   cycles       = table cycles x factor of the target (calibrated against boards, or said not to
//   be)
//
// low / mid / high: P = 1 / 2 / 3 with the target's low_factor / factor / high_factor (P = 1
// throughout on Armv6-M, where the manual leaves no choice). Tables: Cortex-M4 TRM (Arm 100166),
// "processor instructions", with the load pairing rule inside one block; Cortex-M3 TRM (DDI 0337)
// for its slower multiplications; Cortex-M0+ TRM (DDI 0484). To each comes what the core waits for
// data in flash (flash_wait.h). RV32IMC: the table of riscv_cycles.h, with its own low / mid / high.
// Not modelled: instruction fetch, dual issue. It is an estimate of cycles from exact counts, never
// a measured latency.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "deploy/deployability.h"
#include "deploy/elf.h"
#include "deploy/emulate.h"

namespace atml::deploy {

struct CycleEstimate {
  CycleRange total;            // of all windows together
  double table_cycles = 0;     // mid, before the target's factor
  double wait_cycles = 0;      // for data in flash, in all three figures of total
  std::vector<double> layers;  // mid cycles, one a layer, then one entry for code outside layers
};

/// Of one emulation of `elf`: its blocks and flash misses; layer indices below `layers`. Fails
/// (unsupported) when the disassembler cannot be opened.
Result<CycleEstimate> estimate_cycles(const ElfFile& elf, const EmulationReport& report,
                                      const target::Target& target, std::size_t layers);

/// Table cycles of one straight piece of code without taken branches (for tests and reports).
Result<double> static_cost(std::string_view code, target::Core core);

}  // namespace atml::deploy
