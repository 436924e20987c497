// Test support: HostProgram for real cores, in the emulator, one board a core.
#pragma once

#include "codegen/host_program_test.h"

namespace atml::codegen::testing {

inline constexpr const char* kBoardScript = R"(ENTRY(board_reset)
MEMORY { FLASH : ORIGIN = @flash@, LENGTH = @flash_length@  RAM : ORIGIN = @ram@, LENGTH = @ram_length@ }
SECTIONS {
  .text : { KEEP(*(.board_vectors)) *(.text*) *(.rodata*) *(.init) *(.fini) *(.eh_frame*) KEEP(*(.init_array*))
            KEEP(*(.fini_array*)) . = ALIGN(8); } > FLASH
  .ARM.exidx : { __exidx_start = .; *(.ARM.exidx*) __exidx_end = .; } > FLASH
  .data : { data_start = .; *(.data*) . = ALIGN(8); data_end = .; } > RAM AT > FLASH
  data_load = LOADADDR(.data);
  .bss : { __bss_start__ = .; *(.bss*) *(COMMON) . = ALIGN(8); __bss_end__ = .; } > RAM
  end = .; __end__ = .;
  __stack = ORIGIN(RAM) + LENGTH(RAM);
})";

// Copies .data, switches the floating point unit on, then newlib's start-up with semihosting takes
// over.
inline constexpr const char* kBoardStart = R"(#include <stdint.h>
extern uint32_t data_load[], data_start[], data_end[], __stack[];
void _start(void);
void board_reset(void);
/* No vector instruction before the unit is on. */
__attribute__((optimize("no-tree-vectorize"))) void board_reset(void) {
  for (uint32_t *to = data_start, *from = data_load; to < data_end;) *to++ = *from++;
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
  __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
  _start();
}
static void hang(void) { for (;;) {} }
__attribute__((section(".board_vectors"), used)) void *const vectors[16] = {
    (void *)__stack, (void *)board_reset, (void *)hang, (void *)hang, (void *)hang, (void *)hang, (void *)hang};
)";

struct Board {
  const char* name;
  const char* machine;
  target::Core core;
  bool fpu, dsp;
  const char* flash;
  const char* ram;
  const char* flash_length = "4M";
  const char* ram_length = "2M";
};

inline constexpr Board kBoards[] = {
    {"CortexM0Plus", "mps2-an385", target::Core::kCortexM0Plus, false, false, "0", "0x20000000"},
    {"CortexM3", "mps2-an385", target::Core::kCortexM3, false, false, "0", "0x20000000"},
    {"CortexM4", "mps2-an386", target::Core::kCortexM4, true, true, "0", "0x20000000"},
    {"CortexM7", "mps2-an500", target::Core::kCortexM7, true, true, "0", "0x20000000"},
    {"CortexM33", "mps2-an505", target::Core::kCortexM33, true, true, "0x10000000", "0x38000000"},
    {"CortexM55", "mps3-an547", target::Core::kCortexM55, true, true, "0", "0x20000000", "512K",
     "512K"},
};

inline bool can_emulate() {
  return find_program("arm-none-eabi-gcc").ok() && find_program("qemu-system-arm").ok();
}

inline std::string board_script(const Board& board) {
  std::string text = kBoardScript;
  for (const auto& [mark, value] : {std::pair{"@flash@", board.flash},
                                    {"@ram@", board.ram},
                                    {"@flash_length@", board.flash_length},
                                    {"@ram_length@", board.ram_length}}) {
    text.replace(text.find(mark), std::string_view(mark).size(), value);
  }
  return text;
}

/// Compiles for the board's core and runs in the emulator.
inline HostProgram emulated_program(const Board& board) {
  target::Target target = some_target();
  target.core = board.core;
  target.fpu = board.fpu;
  target.dsp = board.dsp;
  HostProgram program;
  program.compiler = {"arm-none-eabi-gcc", "--specs=rdimon.specs"};
  program.flags = machine_flags(target);
  program.flags.emplace_back("-O2");
  program.runner = {"qemu-system-arm",
                    "-M",
                    board.machine,
                    "-nographic",
                    "-monitor",
                    "none",
                    "-serial",
                    "none",
                    "-semihosting-config",
                    "enable=on,target=native",
                    "-kernel"};
  program.extra_files = {{"board.ld", board_script(board)}, {"board.c", kBoardStart}};
  return program;
}

}  // namespace atml::codegen::testing
