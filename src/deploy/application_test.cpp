#include "deploy/application.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/process.h"
#include "base/random.h"
#include "base/text.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;

// The firmware of a user: initialised and cleared data, code in RAM, a heap and a stack. Sizes are
// chosen, so that the expected figures are additions.
constexpr const char* kSource = R"(
__attribute__((section(".isr_vector"), used)) const unsigned vectors[16] = {1};
__attribute__((used)) const unsigned char table[1000] = {1, 2, 3};
__attribute__((used)) unsigned char initialised[200] = {1};
__attribute__((used)) unsigned char cleared[3000];
__attribute__((used, section(".noinit,\"aw\",%nobits@"))) unsigned char kept[64];
)";

constexpr const char* kScript = R"(
ENTRY(vectors)
MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 512K  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 96K
         CCM (rw) : ORIGIN = 0x10000000, LENGTH = 64K }
SECTIONS {
  .isr_vector : { KEEP(*(.isr_vector)) } > FLASH
  .text : { *(.text*) *(.rodata*) } > FLASH
  .data : { *(.data*) } > RAM AT > FLASH
  .bss (NOLOAD) : { *(.bss*) } > RAM
  .noinit (NOLOAD) : { *(.noinit*) } > RAM
  STACKS
}
)";

struct Built {
  std::string bytes;
  std::string error;
};

Built build(std::vector<std::string> flags, const std::string& stacks = "",
            const std::string& more = "", bool link = true) {
  const ScratchFolder folder = ScratchFolder::create().value();
  const fs::path path = folder.path();
  std::string script = kScript;
  script.replace(script.find("STACKS"), 6, stacks);
  EXPECT_TRUE(write_file(path / "app.c", kSource + more).ok());
  EXPECT_TRUE(write_file(path / "app.ld", script).ok());
  Command command{.argv = {"arm-none-eabi-gcc"}, .working_folder = path};
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  const std::vector<std::string> tail =
      link ? std::vector<std::string>{"-mthumb", "-nostdlib", "-Wl,--no-warn-rwx-segments",
                                      "-T",      "app.ld",    "app.c",
                                      "-o",      "app.elf"}
           : std::vector<std::string>{"-mthumb", "-c", "app.c", "-o", "app.elf"};
  command.argv.insert(command.argv.end(), tail.begin(), tail.end());
  const auto result = run_process(command);
  EXPECT_TRUE(result.ok() && result->succeeded()) << (result.ok() ? result->err : "");
  const auto bytes = read_file(path / "app.elf");
  EXPECT_TRUE(bytes.ok());
  return {bytes.ok() ? *bytes : "", ""};
}

const std::vector<std::string> kM4{"-mcpu=cortex-m4"};

target::Target part(const char* name = "stm32f401re") { return target::find_target(name).value(); }

std::string error_of(std::string bytes, const target::Target& target = part()) {
  const auto app = parse_application(std::move(bytes), "app.elf", target);
  EXPECT_FALSE(app.ok());
  return app.ok() ? "" : app.error().message;
}

TEST(Application, CountsFlashAndRam) {
  const auto app = parse_application(build(kM4).bytes, "app.elf", part());
  ASSERT_TRUE(app.ok()) << app.error().message;
  EXPECT_EQ(app->flash, Bytes(64 + 1000 + 200));  // vectors, table, initial values
  EXPECT_EQ(app->ram, Bytes(200 + 3000 + 64));
  EXPECT_EQ(app->text,
            "application app.elf: 1.2 KiB flash, 3.2 KiB RAM (.data, .bss, .noinit); no section is "
            "its stack, which is not counted: add it with --reserve-ram");
}

TEST(Application, HeapAndStackCountWhereSectionsAreTheirs) {
  const Built cube = build(kM4, "._user_heap_stack (NOLOAD) : { . += 1536; } > RAM");
  const auto app = parse_application(cube.bytes, "app.elf", part());
  ASSERT_TRUE(app.ok());
  EXPECT_EQ(app->ram, Bytes(200 + 3000 + 64 + 1536));
  EXPECT_EQ(app->text.find("no section is its stack"), std::string::npos) << app->text;
  // CMSIS's scripts mark them COPY: not loaded, but they take the room.
  const Built cmsis =
      build(kM4, ".heap (COPY) : { . += 512; } > RAM .stack_dummy (COPY) : { . += 1024; } > RAM");
  const auto marked = parse_application(cmsis.bytes, "app.elf", part());
  ASSERT_TRUE(marked.ok());
  EXPECT_EQ(marked->ram, Bytes(200 + 3000 + 64 + 512 + 1024));
  EXPECT_EQ(marked->flash, Bytes(64 + 1000 + 200));
}

TEST(Application, CodeInRamCountsTwiceAndOtherMemoriesAreNamed) {
  const Built built = build(
      kM4, ".fast : { *(.fast*) } > RAM AT > FLASH .ccm (NOLOAD) : { *(.ccm*) } > CCM",
      "__attribute__((used, section(\".fast\"))) unsigned char code[40] = {1};\n"
      "__attribute__((used, section(\".ccm,\\\"aw\\\",%nobits@\"))) unsigned char ccm[2048];\n");
  const auto app = parse_application(built.bytes, "app.elf", part());
  ASSERT_TRUE(app.ok());
  EXPECT_EQ(app->flash, Bytes(64 + 1000 + 200 + 40));
  EXPECT_EQ(app->ram, Bytes(200 + 3000 + 64 + 40));
  EXPECT_NE(app->text.find("not counted: 0 B flash and 2.0 KiB RAM in other memories"),
            std::string::npos)
      << app->text;
}

TEST(Application, AnotherArchitectureIsRefused) {
  EXPECT_EQ(error_of(build(kM4).bytes, part("rp2040")),
            "application 'app.elf' is built for Armv7E-M, which core cortex-m0plus of target "
            "'rp2040' does not run");
  EXPECT_EQ(error_of(build({"-mcpu=cortex-m55"}).bytes),
            "application 'app.elf' is built for Armv8.1-M mainline, which core cortex-m4 of target "
            "'stm32f401re' does not run");
  // A small core's code runs on the larger ones.
  for (const char* core : {"-mcpu=cortex-m0", "-mcpu=cortex-m3", "-mcpu=cortex-m4"})
    EXPECT_TRUE(parse_application(build({core}).bytes, "app.elf", part()).ok()) << core;
}

TEST(Application, AFloatingPointUnitMustBeThere) {
  const Built hard = build({"-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"});
  EXPECT_TRUE(parse_application(hard.bytes, "app.elf", part()).ok());
  target::Target without = part();
  without.fpu = false;
  EXPECT_EQ(error_of(hard.bytes, without),
            "application 'app.elf' uses a floating-point unit, which target 'stm32f401re' does not "
            "have");
}

TEST(Application, WhatIsNoFirmwareIsRefused) {
  EXPECT_EQ(error_of("hello"),
            "application 'app.elf' is no ELF file (5 bytes); give the linked firmware, not its "
            ".bin or .hex");
  EXPECT_EQ(error_of(""),
            "application 'app.elf' is no ELF file (0 bytes); give the linked "
            "firmware, not its .bin or .hex");
  EXPECT_EQ(error_of(build(kM4).bytes.substr(0, 30)), "application 'app.elf' is cut: 30 bytes");
  EXPECT_EQ(error_of(build(kM4, "", "", false).bytes),
            "application 'app.elf' is no linked firmware (an object file or a library); link it "
            "first");
  const auto host = read_file("/proc/self/exe");
  ASSERT_TRUE(host.ok());
  EXPECT_NE(error_of(*host).find("(64 bits, little endian), target 'stm32f401re' is Arm (32 bits, "
                                 "little endian); give the part's firmware"),
            std::string::npos);
  const auto missing = read_application("/nonexistent/fw.elf", part());
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("/nonexistent/fw.elf"), std::string::npos);
}

TEST(Application, AFirmwareOfAnotherMemoryMapIsRefused) {
  EXPECT_EQ(error_of(build({"-mcpu=cortex-m0"}).bytes, part("rp2040")),
            "application 'app.elf' has no byte in the flash of target 'rp2040' (0x10000000, 2.00 "
            "MiB); link it for this part, or give --reserve-flash and --reserve-ram instead");
}

TEST(Application, CutAndDamagedFilesNeverCrash) {
  const std::string good = build(kM4).bytes;
  for (std::size_t size = 0; size < good.size(); size += 1 + size / 40)
    EXPECT_FALSE(parse_application(good.substr(0, size), "app.elf", part()).ok()) << size;
  Rng rng(9);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = good;
    for (int i = 0; i < 4; ++i) damaged[rng.below(damaged.size())] = static_cast<char>(rng.next());
    const auto app = parse_application(damaged, "app.elf", part());
    if (app.ok()) {
      EXPECT_GT(app->flash.value, 0);
    }
  }
}

}  // namespace
}  // namespace atml::deploy
