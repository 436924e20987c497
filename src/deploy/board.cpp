#include "deploy/board.h"

#include <fmt/format.h>

#include "deploy/harness_sources.h"

namespace atml::deploy {
namespace {

using target::Core;
using target::Region;

constexpr Bytes mebibytes(std::int64_t n) { return Bytes(n << 20); }
constexpr Bytes kibibytes(std::int64_t n) { return Bytes(n << 10); }
constexpr Bytes kStackRoom = kibibytes(64);  // far more than any kernel takes; an overrun faults

// mps2-an385, -an386 and -an500: 4 MiB at 0 and 4 MiB at 0x20000000; the stack at the end of the
// latter.
Board mps2(const char* machine, bool aligned_only) {
  return {machine,
          {0, mebibytes(4)},
          {0x20000000u, mebibytes(4) - kStackRoom},
          {0x20400000u - 0x10000u, kStackRoom},
          aligned_only,
          "qemu-system-arm"};
}

void fill(std::string& text, std::string_view name, std::int64_t value) {
  const std::string hexadecimal = fmt::format("0x{:x}", value);
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
    text.replace(at, name.size(), hexadecimal);
  }
}

}  // namespace

Result<Board> board_for(Core core) {
  switch (core) {
    case Core::kCortexM0:
    case Core::kCortexM0Plus:
      // Armv6-M code runs unchanged on an M3; the microbit machine has only 16 KiB of RAM.
      return mps2("mps2-an385", true);
    case Core::kCortexM3:
      return mps2("mps2-an385", false);
    case Core::kCortexM4:
      return mps2("mps2-an386", false);
    case Core::kCortexM7:
      return mps2("mps2-an500", false);
    case Core::kCortexM33:
      return Board{"mps2-an505",
                   {0x10000000u, mebibytes(4)},
                   {0x38000000u, mebibytes(4) - kStackRoom},
                   {0x38400000u - 0x10000u, kStackRoom},
                   false,
                   "qemu-system-arm"};
    case Core::kCortexM55:
      return Board{"mps3-an547",
                   {0x00000000u, kibibytes(512)},
                   {0x20000000u, kibibytes(512) - kStackRoom},
                   {0x20080000u - 0x10000u, kStackRoom},
                   false,
                   "qemu-system-arm"};
    case Core::kRv32imc:
      // QEMU's generic machine: its core has more extensions than the part, so the instruction set
      // is kept by the compiler's flags. Its RAM begins at 0x80000000, where it also starts without
      // a boot loader; the devices below, and page 0, are outside every range. Small RISC-V cores
      // trap unaligned accesses or take many cycles for them.
      return Board{"virt",
                   {0x80000000u, mebibytes(16)},
                   {0x81000000u, mebibytes(8)},
                   {0x82000000u, kStackRoom},
                   true,
                   "qemu-system-riscv32"};
  }
  ATML_UNREACHABLE("unknown core");
}

Result<std::string> board_script(const Board& board, const BoardNeeds& needs) {
  if (needs.flash > board.flash.size || needs.ram > board.ram.size) {
    return Error{
        Code::kUnsupported,
        fmt::format("the emulated board {} has {} flash and {} RAM, the firmware needs {} and {}",
                    board.machine, to_text(board.flash.size), to_text(board.ram.size),
                    to_text(needs.flash), to_text(needs.ram))};
  }
  std::string script(harness::kBoardScript);
  fill(script, "@flash_origin@", board.flash.origin);
  fill(script, "@flash_length@", needs.flash.value);
  fill(script, "@ram_origin@", board.ram.origin);
  fill(script, "@ram_length@", needs.ram.value);
  fill(script, "@stack_origin@", board.stack.origin);
  fill(script, "@stack_length@", board.stack.size.value);
  fill(script, "@arena_bytes@", needs.arena.value);
  fill(script, "@input_bytes@", needs.input.value);
  fill(script, "@output_bytes@", needs.output.value);
  fill(script, "@input_offset@", needs.input_offset.value);
  fill(script, "@output_offset@", needs.output_offset.value);
  return script;
}

}  // namespace atml::deploy
