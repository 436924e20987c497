#include "deploy/emulate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "deploy/test_program.h"

namespace atml::deploy {
namespace {

TestRun must_run(const TestProgram& program) {
  auto run = run_program(program);
  EXPECT_TRUE(run.ok()) << run.error().message;
  if (!run.ok()) std::abort();
  return std::move(run).value();
}

std::string failure_of(const std::string& source) {
  return must_run({.source = source}).report.failure;
}

// 1000 rounds of three instructions, one before and one behind the loop (bx lr). The window also
// has the caller's two calls (bl measured, bl stop); the start marker returns into the first.
constexpr const char* kLoop = R"(
__attribute__((naked)) void measured(void) {
  __asm__ volatile("mov.w r0, #1000\n" "1: nop\n" "subs r0, #1\n" "bne 1b\n" "bx lr\n");
})";

TEST(Emulate, CountsALoopExactly) {
  const TestRun run = must_run({.source = kLoop});
  ASSERT_EQ(run.report.failure, "");
  ASSERT_EQ(run.report.windows.size(), 1u);
  EXPECT_EQ(run.report.windows[0], 1u + 3 * 1000 + 1 + 2);
  std::uint64_t executed = 0, taken = 0;
  for (const ExecutedBlock& block : run.report.blocks) {
    executed += block.count * block.executions;
    taken += block.taken;
  }
  EXPECT_EQ(executed, run.report.windows[0]);
  EXPECT_EQ(taken, 999u + 3);  // the loop, the return, and the two calls
}

// On RISC-V: what the core traps, and what its map forbids.
TestProgram riscv(const std::string& source) {
  return {.source = source,
          .core = target::Core::kRv32imc,
          .flags = {"-march=rv32imc", "-mabi=ilp32", "-msmall-data-limit=0"}};
}

bool has_riscv() {
  return find_program("riscv64-unknown-elf-gcc").ok() && find_program("qemu-system-riscv32").ok();
}

TEST(EmulateRiscV, CountsALoopExactly) {
  if (!has_riscv()) GTEST_SKIP() << "needs gcc-riscv64-unknown-elf and qemu-system-misc";
  const TestRun run = must_run(riscv(R"(
__attribute__((naked)) void measured(void) {
  __asm__ volatile("li a0, 1000\n" "1: nop\n" "addi a0, a0, -1\n" "bnez a0, 1b\n" "ret\n");
})"));
  ASSERT_EQ(run.report.failure, "");
  ASSERT_EQ(run.report.windows.size(), 1u);
  EXPECT_EQ(run.report.windows[0], 1u + 3 * 1000 + 1 + 2);  // as on Cortex-M
  std::uint64_t taken = 0;
  for (const ExecutedBlock& block : run.report.blocks) taken += block.taken;
  EXPECT_EQ(taken, 999u + 3);
}

TEST(EmulateRiscV, FaultsAndTheMapEndTheRun) {
  if (!has_riscv()) GTEST_SKIP() << "needs gcc-riscv64-unknown-elf and qemu-system-misc";
  const auto failure = [](const char* statement) {
    return must_run(riscv(std::string(
                              "extern unsigned char atml_arena[]; int x;\nvoid measured(void) { ") +
                          statement + " }"))
        .report.failure;
  };
  EXPECT_EQ(failure("((volatile unsigned char *)atml_arena)[1023] = 1;"), "");
  EXPECT_EQ(failure("__asm__ volatile(\".half 0\");"), "illegal instruction while running");
  EXPECT_NE(failure("*(volatile int *)0x80000400 = 1;").find("write of 0x80000400"),
            std::string::npos);
  EXPECT_EQ(failure("x = *(volatile int *)8;"),
            "load access fault while running");  // nothing there
  EXPECT_NE(failure("x = ((volatile unsigned char *)atml_arena)[1024 + 16];")
                .find("outside the memory that the firmware has"),
            std::string::npos);
  EXPECT_NE(
      failure("__asm__ volatile(\"la a0, atml_arena + 1\\n lw a1, 0(a0)\" ::: \"a0\", \"a1\");")
          .find("unaligned access"),
      std::string::npos);
  EXPECT_NE(failure("for (;;) {}").find("runaway"), std::string::npos);
  EXPECT_NE(failure("((void (*)(void))atml_arena)();").find("jumped outside flash"),
            std::string::npos);
}

TEST(Emulate, GivesEachLayerItsInstructions) {
  const TestRun run = must_run({.source = R"(
__attribute__((naked, noinline)) void first(void) { __asm__ volatile("nop\n nop\n nop\n bx lr\n"); }
__attribute__((naked, noinline)) void second(void) {
  __asm__ volatile("mov.w r0, #10\n" "1: subs r0, #1\n" "bne 1b\n" "bx lr\n");
}
void measured(void) { first(); second(); first(); })",
                                .layers = {"first", "second"}});
  ASSERT_EQ(run.report.failure, "");
  std::uint64_t by_layer[3] = {0, 0, 0};
  for (const ExecutedBlock& block : run.report.blocks)
    by_layer[block.layer + 1] += block.count * block.executions;
  EXPECT_EQ(by_layer[0], 3u);               // bl measured; push; bl first
  EXPECT_EQ(by_layer[2], 1u + 20 + 1 + 1);  // second, and the next call of first
  EXPECT_EQ(by_layer[1], 2u * 4 + 1 + 2);   // first twice; bl second; pop and bl stop
}

TEST(Emulate, CatchesAStoreToFlash) {
  EXPECT_NE(failure_of("void measured(void) { *(volatile int *)0x400 = 1; }")
                .find("write of 0x00000400 at 0x"),
            std::string::npos);
}

TEST(Emulate, CatchesALoadPastTheRamOfTheProgram) {
  const std::string text = failure_of(
      "extern unsigned char atml_arena[]; int x; void measured(void) { x = ((volatile unsigned "
      "char *)atml_arena)[1024 + 16]; }");
  EXPECT_NE(text.find("read of 0x2000"), std::string::npos) << text;
  EXPECT_NE(text.find("outside the memory that the firmware has"), std::string::npos) << text;
}

TEST(Emulate, AcceptsTheLastByteOfTheRam) {
  EXPECT_EQ(failure_of("extern unsigned char atml_arena[]; void measured(void) { ((volatile "
                       "unsigned char *)atml_arena)[1023] = 1; }"),
            "");
}

TEST(Emulate, CatchesALoadThroughANullPointer) {
  const std::string text =
      failure_of("int x; void measured(void) { int *volatile p = 0; x = *(volatile int *)p; }");
  EXPECT_NE(text.find("read of 0x00000000"), std::string::npos) << text;
}

TEST(Emulate, CatchesCodeInRam) {
  const std::string text = failure_of(
      "extern unsigned char atml_arena[]; void measured(void) { *(volatile unsigned short "
      "*)atml_arena = 0x4770; ((void (*)(void))(atml_arena + 1))(); }");
  EXPECT_NE(text.find("the code jumped outside flash, to 0x2000"), std::string::npos) << text;
}

TEST(Emulate, StopsAnEndlessLoopAtTheInstructionLimit) {
  const TestRun run =
      must_run({.source = "void measured(void) { for (;;) { __asm__ volatile(\"nop\"); } }",
                .instruction_limit = 123'456});
  EXPECT_NE(run.report.failure.find("runaway: more than 123,456 instructions"), std::string::npos)
      << run.report.failure;
}

TEST(Emulate, NamesAnUndefinedInstruction) {
  const std::string text = failure_of("void measured(void) { __asm__ volatile(\"udf #0\"); }");
  EXPECT_NE(text.find("usage fault"), std::string::npos) << text;
}

TEST(Emulate, NamesAnUnmappedLoad) {
  const std::string text =
      failure_of("int x; void measured(void) { x = *(volatile int *)0x90000000; }");
  EXPECT_FALSE(text.empty());
}

TEST(Emulate, CatchesAStackThatIsTooDeep) {
  const std::string text = failure_of(R"(
__attribute__((noinline)) int deep(int n) { volatile char a[256]; a[0] = (char)n; return n == 0 ? 0 : deep(n - 1) + a[0]; }
int x; void measured(void) { x = deep(1000); })");
  EXPECT_NE(text.find("outside the memory"), std::string::npos) << text;
}

TEST(Emulate, ReportsTheLowestStackAddress) {
  const TestRun run =
      must_run({.source = "void measured(void) { __asm__ volatile(\"sub sp, #512\\n str r0, "
                          "[sp]\\n add sp, #512\" ::: \"memory\"); }"});
  ASSERT_EQ(run.report.failure, "");
  const std::uint32_t depth = run.job.stack.high - run.report.lowest_stack;
  EXPECT_GE(depth, 512u);
  EXPECT_LE(depth, 512u + 64);
}

TEST(Emulate, UnalignedAccessesAreCountedOnM4AndRefusedOnM0Plus) {
  const char* source = R"(extern unsigned char atml_arena[]; void measured(void) {
  __asm__ volatile("ldr r1, [%0]" :: "r"(atml_arena + 2) : "r1", "memory"); })";
  EXPECT_EQ(must_run({.source = source}).report.unaligned, 1u);
  const TestRun run = must_run({.source = source,
                                .core = target::Core::kCortexM0Plus,
                                .flags = {"-mcpu=cortex-m0plus", "-mthumb"}});
  EXPECT_NE(run.report.failure.find("which this core cannot do"), std::string::npos)
      << run.report.failure;
}

TEST(Emulate, RunsOnTheBoardOfEveryCore) {
  using target::Core;
  struct Case {
    Core core;
    std::vector<std::string> flags;
  };
  for (const Case& c :
       {Case{Core::kCortexM0, {"-mcpu=cortex-m0", "-mthumb"}},
        Case{Core::kCortexM3, {"-mcpu=cortex-m3", "-mthumb"}},
        Case{Core::kCortexM7,
             {"-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"}},
        Case{Core::kCortexM33,
             {"-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"}},
        Case{Core::kCortexM55, {"-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"}}}) {
    SCOPED_TRACE(to_string(c.core));
    const TestRun run = must_run({.source = R"(
extern unsigned char atml_arena[];
void measured(void) { volatile unsigned *p = (volatile unsigned *)atml_arena; for (int i = 0; i < 256; i++) { p[i] = (unsigned)i * 3u; } })",
                                  .core = c.core,
                                  .flags = c.flags});
    EXPECT_EQ(run.report.failure, "");
    ASSERT_EQ(run.report.windows.size(), 1u);
    EXPECT_GE(run.report.windows[0], 256u * 3);
    EXPECT_LE(run.report.windows[0], 256u * 8);
  }
}

TEST(Report, NamesTheLineThatItDoesNotUnderstand) {
  const auto report = parse_report("atml-count 1\nend exit\nblock 0 0x10 x\n");
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().message,
            "line 3 of the emulator plugin's report is not understood: 'block 0 0x10 x'");
  EXPECT_FALSE(parse_report("").ok());
  EXPECT_FALSE(parse_report("atml-count 1\nwindow 5\n").ok());
}

TEST(Emulate, MissingElfIsAnErrorWithQemusWords) {
  auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  const auto report = emulate({.machine = "mps2-an386",
                               .elf = "/nonexistent.elf",
                               .folder = folder->path(),
                               .mark_start = 2,
                               .mark_stop = 4});
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message.find("qemu-system-arm does not start"), std::string::npos)
      << report.error().message;
}

}  // namespace
}  // namespace atml::deploy
