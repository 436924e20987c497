#include "deploy/cycles.h"

#include <gtest/gtest.h>

#include "deploy/flash_wait.h"
#include "deploy/limits.h"
#include "deploy/riscv_cycles.h"
#include "deploy/test_program.h"

namespace atml::deploy {
namespace {

using target::Core;

// Thumb code as half-words.
double cost(std::initializer_list<unsigned> half_words, Core core) {
  std::string code;
  for (const unsigned h : half_words) {
    code.push_back(static_cast<char>(h & 255u));
    code.push_back(static_cast<char>(h >> 8));
  }
  const auto value = static_cost(code, core);
  EXPECT_TRUE(value.ok());
  return *value;
}

TEST(CycleTable, M4PairsLoads) {
  EXPECT_EQ(cost({0x6808}, Core::kCortexM4), 2);                  // ldr r0, [r1]
  EXPECT_EQ(cost({0x6808, 0x684a}, Core::kCortexM4), 3);          // two loads in a row
  EXPECT_EQ(cost({0x6808, 0x1840, 0x684a}, Core::kCortexM4), 5);  // an addition between them
  EXPECT_EQ(cost({0x6008, 0x684a}, Core::kCortexM4), 2);          // str, then a load
}

TEST(CycleTable, M4Instructions) {
  EXPECT_EQ(cost({0xfb01, 0x3002}, Core::kCortexM4), 1);  // mla
  EXPECT_EQ(cost({0xfb21, 0x3002}, Core::kCortexM4), 1);  // smlad
  EXPECT_EQ(cost({0xfb81, 0x3002}, Core::kCortexM4), 1);  // smull
  EXPECT_EQ(cost({0xfb91, 0xf0f2}, Core::kCortexM4), 7);  // sdiv
  EXPECT_EQ(cost({0xe9d0, 0x1200}, Core::kCortexM4), 3);  // ldrd
  EXPECT_EQ(cost({0xb5f0}, Core::kCortexM4), 6);          // push {r4-r7, lr}
  EXPECT_EQ(cost({0xe8bd, 0x83f0}, Core::kCortexM4), 8);  // pop.w {r4-r9, pc}: 1 + 7
  EXPECT_EQ(cost({0xe7fe}, Core::kCortexM4), 1);          // b, without the taken penalty
}

TEST(CycleTable, M3MultipliesSlower) {
  EXPECT_EQ(cost({0xfb01, 0x3002}, Core::kCortexM3), 2);  // mla
  EXPECT_EQ(cost({0xfb81, 0x3002}, Core::kCortexM3), 4);  // smull
  EXPECT_EQ(cost({0x4348}, Core::kCortexM3), 1);          // muls
}

TEST(CycleTable, M0PlusDoesNotPairLoads) {
  EXPECT_EQ(cost({0x6808, 0x684a}, Core::kCortexM0Plus), 4);
  EXPECT_EQ(cost({0xbdf0}, Core::kCortexM0Plus),
            7);  // pop {r4-r7, pc}: 3 + 5, one of it the taken branch
  EXPECT_EQ(cost({0xf000, 0xf800}, Core::kCortexM0Plus), 2);  // bl: 3, one of it the taken branch
  EXPECT_EQ(cost({0x4348}, Core::kCortexM0Plus), 1);          // muls
}

// 1000 rounds: ldr 2, add 1, subs 1, bne 1, taken 999 times; before: mov 1; behind: bx 1 and taken.
TEST(Cycles, OfALoopByHand) {
  auto run = run_program({.source = R"(
extern unsigned char atml_arena[];
__attribute__((naked, noinline)) void inner(void) {
  __asm__ volatile("mov.w r0, #1000\n" "ldr r1, =atml_arena\n" "1: ldr r2, [r1]\n" "adds r3, r2, r3\n" "subs r0, #1\n" "bne 1b\n" "bx lr\n" ".ltorg\n");
}
__attribute__((naked)) void measured(void) { __asm__ volatile("push {r4, lr}\n bl inner\n pop {r4, pc}\n"); })",
                          .layers = {"inner"}});
  ASSERT_TRUE(run.ok()) << run.error().message;
  ASSERT_EQ(run->report.failure, "");
  target::Target m4;
  m4.cost = {.factor = 1, .low_factor = 1, .high_factor = 1, .calibrated = true, .note = ""};
  const auto cycles = estimate_cycles(run->elf, run->report, m4, 1);
  ASSERT_TRUE(cycles.ok());
  // inner: mov 1, ldr literal 2; rounds 5 each (the first ldr of the first round follows a load: 1
  // less); bx lr 1; taken 999 + 1. Then, counted with inner as the last layer: pop {r4, pc} 3,
  // taken, bl stop 1, taken.
  const double straight = 1 + 2 + 5 * 1000 - 1 + 1 + 3 + 1;
  const double taken = 999 + 1 + 1 + 1;
  EXPECT_EQ(cycles->layers[0], straight + 2 * taken);
  // Outside: bl measured 1 + taken, push 3, bl inner 1 + taken.
  EXPECT_EQ(cycles->layers[1], 5 + 2 * 2);
  EXPECT_EQ(cycles->total.mid.value,
            static_cast<std::int64_t>(cycles->layers[0] + cycles->layers[1]));
  EXPECT_EQ(cycles->total.high.value - cycles->total.mid.value,
            static_cast<std::int64_t>(taken + 2));
  EXPECT_EQ(cycles->total.mid.value - cycles->total.low.value,
            static_cast<std::int64_t>(taken + 2));
}

// Little-endian halves.
std::string riscv_code(std::initializer_list<unsigned> halves) {
  std::string code;
  for (const unsigned half : halves) {
    code.push_back(static_cast<char>(half & 255));
    code.push_back(static_cast<char>(half >> 8));
  }
  return code;
}

TEST(RiscVCost, FollowsTheTable) {
  // Encodings as the assembler gives them (riscv64-unknown-elf-objdump -d).
  const auto expect = [](std::initializer_list<unsigned> halves, double low, double mid,
                         double high) {
    const RiscVCost cost = riscv_cost(riscv_code(halves));
    EXPECT_EQ(cost.low, low);
    EXPECT_EQ(cost.mid, mid);
    EXPECT_EQ(cost.high, high);
  };
  expect({0x0001}, 1, 1, 1);                  // c.nop
  expect({0x8513, 0x0015}, 1, 1, 1);          // addi a0, a1, 1
  expect({0x8503, 0x0005}, 1, 2, 2);          // lb a0, 0(a1)
  expect({0x4188}, 1, 2, 2);                  // c.lw a0, 0(a1)
  expect({0x4502}, 1, 2, 2);                  // c.lwsp a0, 0(sp)
  expect({0x8023, 0x00a5}, 1, 1, 2);          // sb a0, 0(a1)
  expect({0xc188}, 1, 1, 2);                  // c.sw a0, 0(a1)
  expect({0xc02a}, 1, 1, 2);                  // c.swsp a0, 0(sp)
  expect({0x8533, 0x02c5}, 1, 1, 3);          // mul a0, a1, a2
  expect({0x9533, 0x02c5}, 1, 2, 4);          // mulh a0, a1, a2
  expect({0xc533, 0x02c5}, 3, 19, 37);        // div a0, a1, a2
  expect({0x8533, 0x00c5}, 1, 1, 1);          // add a0, a1, a2
  expect({0x4188, 0x8533, 0x02c5}, 2, 3, 5);  // both
  expect({}, 0, 0, 0);
}

// 512 bytes of flash are read twice, a word at a time: 16 lines of 32 bytes. A cache of 256 bytes
// holds none of them until the second round; one of 1024 bytes all.
TEST(Cycles, WaitForDataInFlashByHand) {
  TestProgram program{.source = R"(
static const unsigned data[128] __attribute__((aligned(32), section(".rodata.data"))) = {1, 2, 3};
volatile unsigned sink;
__attribute__((noinline)) void inner(void) {
  const volatile unsigned *p = data;
  unsigned sum = 0;
  for (unsigned i = 0; i < 256; i++) sum += p[i & 127u];
  sink = sum;
}
void measured(void) { inner(); })",
                      .layers = {"inner"}};
  const auto misses = [&](int cache_bytes) {
    program.cache_bytes = cache_bytes;
    const auto run = run_program(program);
    EXPECT_TRUE(run.ok() && run->report.failure.empty());
    EXPECT_EQ(run->report.flash_misses.size(), 2u);
    return run->report.flash_misses[1];
  };
  // Beside the data: literals of inner, in one line or two.
  EXPECT_GE(misses(256), 32u);
  EXPECT_LE(misses(256), 36u);
  EXPECT_GE(misses(1024), 16u);
  EXPECT_LE(misses(1024), 18u);
}

TEST(Cycles, OfFlashLinesByHand) {
  target::Target part;
  part.core = Core::kCortexM4;
  part.clock_hz = 120e6;
  part.cost = target::default_cost(part.core);
  // (5.84 - 4.73) ms x 120 MHz / (264192 / 32) lines
  EXPECT_NEAR(flash_wait(part).line_cycles(part), 1.11e-3 * 120e6 / 8256, 0.01);
  const auto elf = run_program({.source = "void measured(void) {}"});
  ASSERT_TRUE(elf.ok());
  EmulationReport report;
  report.flash_misses = {0, 100};  // of layer 0
  const auto cycles = estimate_cycles(elf->elf, report, part, 1);
  ASSERT_TRUE(cycles.ok());
  EXPECT_NEAR(cycles->wait_cycles, 1612.8, 0.5);
  EXPECT_NEAR(cycles->layers[0], 1612.8, 0.5);
  EXPECT_EQ(cycles->total.mid.value, 1613);
  part.cost.note = "my own board";  // calibrated as a whole: no term beside its factor
  EXPECT_EQ(flash_wait(part).line_cycles(part), 0);
}

TEST(Limits, SayByHowMuch) {
  Deployability d;
  d.flash = Bytes(65537);
  d.ram = Bytes(100);
  d.latency = Seconds(0.1013);
  target::Limits limits;
  limits.flash = Bytes(65536 + 1024);
  limits.reserve_flash = Bytes(1024);
  limits.ram = Bytes(100);
  limits.latency = Seconds(0.1);
  const auto found = find_violations(d, limits);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text, "flash: 64.0 KiB used, 64.0 KiB allowed, 1 bytes too much");
  EXPECT_EQ(found[1].limit, Limit::kLatency);
  EXPECT_EQ(found[1].text, "latency: 101.3 ms used, 100.0 ms allowed, 1.3 ms too much");
}

}  // namespace
}  // namespace atml::deploy
