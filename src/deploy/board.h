// The emulated boards: which QEMU machine stands in for a core, and where its memory lies. A
// board's memory is larger than the part's; the linker script and the plugin enforce the part's.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "target/target.h"

namespace atml::deploy {

struct Board {
  std::string machine;   // of the emulator's -M
  target::Region flash;  // where the measured code and its constants go
  target::Region ram;    // where its static data and arena go
  target::Region stack;  // apart from ram, so that the depth is exact whatever the arena's size
  bool aligned_only = false;  // the core faults on unaligned accesses but the emulated one does not
  std::string emulator = "qemu-system-arm";
};

/// Fails (unsupported) for cores without a board.
Result<Board> board_for(target::Core core);

/// What the linker script of one measurement program must hold; flash and ram are upper bounds.
struct BoardNeeds {
  Bytes flash, ram;                   // of the measured code; ram: static data and arena
  Bytes arena, input, output;         // of the model
  Bytes input_offset, output_offset;  // in the arena
};

/// The linker script of the measurement program. Fails (unsupported) where the board has less
/// memory than needed.
Result<std::string> board_script(const Board& board, const BoardNeeds& needs);

}  // namespace atml::deploy
