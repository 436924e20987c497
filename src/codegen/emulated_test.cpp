// The kernels for real cores, in the emulator: every layer's bytes. The core decides which kernels
// are built (assembly with the DSP extension, C without).
#include <gtest/gtest.h>

#include "codegen/chain_models_test.h"

namespace atml::codegen {
namespace {

using namespace testing;

constexpr const char* kBoardScript = R"(ENTRY(board_reset)
MEMORY { FLASH : ORIGIN = @flash@, LENGTH = 4M  RAM : ORIGIN = @ram@, LENGTH = 2M }
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
constexpr const char* kBoardStart = R"(#include <stdint.h>
extern uint32_t data_load[], data_start[], data_end[], __stack[];
void _start(void);
void board_reset(void);
void board_reset(void) {
  for (uint32_t *to = data_start, *from = data_load; to < data_end;) *to++ = *from++;
#if defined(__ARM_FP)
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
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
};

std::string script(const Board& board) {
  std::string text = kBoardScript;
  text.replace(text.find("@flash@"), 7, board.flash);
  text.replace(text.find("@ram@"), 5, board.ram);
  return text;
}

class Emulated : public ::testing::TestWithParam<Board> {};

TEST_P(Emulated, EveryLayersBytesAreThoseOfTheInterpreter) {
  if (!find_program("arm-none-eabi-gcc").ok() || !find_program("qemu-system-arm").ok()) {
    GTEST_SKIP() << "needs gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm";
  }
  const Board& board = GetParam();
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
  program.extra_files = {{"board.ld", script(board)}, {"board.c", kBoardStart}};
  for (const auto rounding : {quantize::Rounding::kDouble, quantize::Rounding::kSingle}) {
    expect_same_layers(random_models(30, 500 + static_cast<std::uint64_t>(board.core), rounding),
                       program);
    expect_same_layers(chain_models(20, 40 + static_cast<std::uint64_t>(board.core), rounding),
                       program, streamed());
  }
}

constexpr Board kBoards[] = {
    {"CortexM4", "mps2-an386", target::Core::kCortexM4, true, true, "0", "0x20000000"},
    {"CortexM0Plus", "mps2-an385", target::Core::kCortexM0Plus, false, false, "0", "0x20000000"},
    {"CortexM33", "mps2-an505", target::Core::kCortexM33, true, true, "0x10000000", "0x38000000"},
};
INSTANTIATE_TEST_SUITE_P(Cores, Emulated, ::testing::ValuesIn(kBoards),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace atml::codegen
