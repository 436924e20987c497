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

// The same for QEMU's RISC-V machine and a compiler without a C library: start-up, semihosting, and
// as much of <stdio.h> and <string.h> as the programs use.
inline constexpr const char* kRiscVScript = R"(ENTRY(board_reset)
MEMORY { FLASH : ORIGIN = @flash@, LENGTH = @flash_length@  RAM : ORIGIN = @ram@, LENGTH = @ram_length@ }
SECTIONS {
  .text : { KEEP(*(.board_start)) *(.text*) *(.rodata*) *(.srodata*) . = ALIGN(8); } > FLASH
  .data : { *(.data*) *(.sdata*) } > RAM
  .bss : { *(.sbss*) *(.bss*) *(COMMON) } > RAM
  board_stack = ORIGIN(RAM) + LENGTH(RAM);
})";

inline constexpr const char* kRiscVStart = R"code(#include <stdint.h>
#include "stdio.h"
#include "string.h"
__asm__(".section .board_start, \"ax\"\n.globl board_reset\nboard_reset:\n  la sp, board_stack\n  call board_main\n"
        ".text\n.balign 16\nhost_call:\n.option push\n.option norvc\n"
        "  slli zero, zero, 0x1f\n  ebreak\n  srai zero, zero, 7\n  ret\n.option pop\n");
int32_t host_call(uint32_t operation, const void *argument);
int main(void);
void board_main(void);
static int32_t in, out;
static int32_t open_console(uint32_t mode) {
  const uint32_t block[3] = {(uint32_t)(uintptr_t)":tt", mode, 3};
  return host_call(1, block);
}
static size_t transfer(uint32_t operation, int32_t file, const void *bytes, size_t count) {
  const uint32_t block[3] = {(uint32_t)file, (uint32_t)(uintptr_t)bytes, count};
  return count - (size_t)host_call(operation, block);
}
size_t fread(void *bytes, size_t size, size_t count, FILE *file) {
  size_t got = 0, more = 1;
  (void)file;
  for (; got < size * count && more != 0; got += more)
    more = transfer(6, in, (uint8_t *)bytes + got, size * count - got);
  return got / size;
}
size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file) {
  (void)file;
  return transfer(5, out, bytes, size * count) / size;
}
#define PLAIN __attribute__((optimize("no-tree-loop-distribute-patterns")))
PLAIN void *memcpy(void *to, const void *from, size_t count) {
  for (size_t i = 0; i < count; i++) ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
  return to;
}
PLAIN void *memmove(void *to, const void *from, size_t count) {
  if ((uintptr_t)to <= (uintptr_t)from) return memcpy(to, from, count);
  while (count-- != 0) ((uint8_t *)to)[count] = ((const uint8_t *)from)[count];
  return to;
}
PLAIN void *memset(void *to, int value, size_t count) {
  for (size_t i = 0; i < count; i++) ((uint8_t *)to)[i] = (uint8_t)value;
  return to;
}
void board_main(void) {
  in = open_console(0);
  out = open_console(4);
  const uint32_t block[2] = {0x20026u, (uint32_t)main()};
  for (;;) host_call(0x20, block);
}
)code";

inline constexpr const char* kRiscVStdio = R"(#pragma once
#include <stddef.h>
typedef struct no_file FILE;
#define stdin ((FILE *)0)
#define stdout ((FILE *)0)
size_t fread(void *bytes, size_t size, size_t count, FILE *file);
size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file);
)";

inline constexpr const char* kRiscVString = R"(#pragma once
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
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
    {"Rv32imc", "virt", target::Core::kRv32imc, false, false, "0x80000000", "0x81000000"},
};

inline bool is_riscv(const Board& board) { return board.core == target::Core::kRv32imc; }

/// What can_emulate() looks for, in words.
inline constexpr const char* kEmulationNeeds =
    "needs gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm, or for RISC-V "
    "gcc-riscv64-unknown-elf and qemu-system-misc";

inline bool can_emulate(const Board& board) {
  return is_riscv(board)
             ? find_program("riscv64-unknown-elf-gcc").ok() &&
                   find_program("qemu-system-riscv32").ok()
             : find_program("arm-none-eabi-gcc").ok() && find_program("qemu-system-arm").ok();
}

inline std::string board_script(const Board& board) {
  std::string text = is_riscv(board) ? kRiscVScript : kBoardScript;
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
  program.target = target;
  program.compiler = {"arm-none-eabi-gcc", "--specs=rdimon.specs"};
  if (is_riscv(board)) {
    program.compiler = {"riscv64-unknown-elf-gcc", "-ffreestanding", "-nostartfiles", "-nolibc"};
  }
  program.flags = machine_flags(target);
  program.flags.emplace_back("-O2");
  program.runner = {is_riscv(board) ? "qemu-system-riscv32" : "qemu-system-arm",
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
  if (is_riscv(board)) {
    program.runner.insert(program.runner.begin() + 1, {"-bios", "none"});
    program.extra_files = {{"stdio.h", kRiscVStdio},
                           {"string.h", kRiscVString},
                           {"board.ld", board_script(board)},
                           {"board.c", kRiscVStart}};
  }
  return program;
}

}  // namespace atml::codegen::testing
