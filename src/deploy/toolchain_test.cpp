#include "deploy/toolchain.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"
#include "deploy/driver_listing.h"
#include "deploy/elf.h"

namespace atml::deploy {
namespace {

const std::vector<std::string> kM4{"-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard",
                                   "-mfpu=fpv4-sp-d16"};

// A folder with two sources and a linker script of 1000 bytes of RAM and 4 KiB of flash.
class ToolchainTest : public testing::Test {
 protected:
  void SetUp() override {
    auto tools = Toolchain::find();
    ASSERT_TRUE(tools.ok()) << tools.error().message;
    tools_.emplace(std::move(*tools));
    auto scratch = ScratchFolder::create();
    ASSERT_TRUE(scratch.ok());
    scratch_.emplace(std::move(*scratch));
    write("small.ld", R"(MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 4K
  RAM (rw) : ORIGIN = 0x20000000, LENGTH = 1000 }
SECTIONS { .text : { KEEP(*(.text*)) *(.rodata*) } > FLASH
  .data : { *(.data*) } > RAM AT > FLASH
  .bss : { *(.bss*) } > RAM }
)");
  }
  std::filesystem::path at(const std::string& name) const { return scratch_->path() / name; }
  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(write_scratch_file(at(name), text).ok());
  }
  StepOutcome compile(const std::string& name) {
    auto step = tools_->compile({{at(name), at(name + ".o"), flags_, {scratch_->path()}}});
    EXPECT_TRUE(step.ok()) << step.error().message;
    return *step;
  }
  StepOutcome link(const std::vector<std::string>& objects, const std::string& script) {
    LinkJob job{.script = at(script), .output = at("out.elf"), .flags = kM4};
    job.flags.insert(job.flags.end(), {"-nostdlib", "-Wl,--entry=0", "-lgcc"});
    for (const std::string& object : objects) job.inputs.push_back(at(object));
    auto step = tools_->link(job);
    EXPECT_TRUE(step.ok()) << step.error().message;
    return *step;
  }
  std::vector<std::string> flags_ = [] {
    auto f = kM4;
    f.push_back("-O2");
    return f;
  }();
  std::optional<Toolchain> tools_;
  std::optional<ScratchFolder> scratch_;
};

TEST_F(ToolchainTest, DirectStepsGiveTheDriversBytes) {
  write("a.c",
        "#include <stdint.h>\nint32_t f(int32_t a, int32_t b) { return a / b + "
        "(int32_t)((int64_t)a * b >> 31); }\n");
  ASSERT_TRUE(compile("a.c").ok);
  const auto direct = read_file(at("a.c.o"));
  auto step = tools_->compile_with_driver({at("a.c"), at("driver.o"), flags_, {}});
  ASSERT_TRUE(step.ok() && step->ok);
  EXPECT_EQ(*direct, *read_file(at("driver.o")));
}

TEST_F(ToolchainTest, ReadsBinariesThroughTheIncludeFolder) {
  write("blob.bin", "12345");
  write("blob.S", ".section .rodata\n.global blob\nblob:\n.incbin \"blob.bin\"\n");
  ASSERT_TRUE(compile("blob.S").ok);
  const auto elf = ElfFile::parse(*read_file(at("blob.S.o")));
  ASSERT_TRUE(elf.ok());
}

TEST_F(ToolchainTest, AFailingSourceIsAnOutcomeWithItsFirstError) {
  write("bad.c", "int f(void) { return nothing; }\n");
  const StepOutcome step = compile("bad.c");
  EXPECT_FALSE(step.ok);
  EXPECT_NE(first_error(step.text).find("error: 'nothing' undeclared"), std::string::npos)
      << first_error(step.text);
}

TEST_F(ToolchainTest, OverflowsAreExactAndTheEnlargedMapGivesTheSizes) {
  write("big.c", "const char table[5000] = {1}; char ram[12400]; char *f(void) { return ram; }\n");
  ASSERT_TRUE(compile("big.c").ok);
  const StepOutcome step = link({"big.c.o"}, "small.ld");
  ASSERT_FALSE(step.ok);
  const std::vector<Overflow> overflows = parse_overflows(step.text);
  ASSERT_EQ(overflows.size(), 2u) << step.text;
  write("enlarged.ld", with_enlarged_regions(*read_file(at("small.ld")), Bytes(1 << 20)));
  ASSERT_TRUE(link({"big.c.o"}, "enlarged.ld").ok);
  const auto elf = ElfFile::parse(*read_file(at("out.elf")));
  ASSERT_TRUE(elf.ok());
  EXPECT_EQ(elf->static_ram_bytes(), Bytes(12400));
  for (const Overflow& o : overflows) {
    const Bytes expected =
        o.region == "RAM" ? Bytes(12400 - 1000) : elf->flash_bytes() - Bytes(4096);
    EXPECT_EQ(o.bytes, expected) << o.region;
  }
}

TEST(Toolchain, MissingCompilerNamesTheDebianPackage) {
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const auto tools = Toolchain::find();
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_FALSE(tools.ok());
  EXPECT_EQ(tools.error().message,
            "'arm-none-eabi-gcc' is not in PATH; install the Debian package gcc-arm-none-eabi");
}

TEST(DriverListing, SplitsQuotedAndEscapedWords) {
  const auto commands = parse_driver_listing(
      "Using built-in specs.\n /usr/lib/cc1 -quiet \"-mcpu=cortex-m4\" a\\ b -o x.s\n /bin/as -o "
      "x.o x.s\n");
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(command_named(commands, "cc1"),
            (Words{"/usr/lib/cc1", "-quiet", "-mcpu=cortex-m4", "a b", "-o", "x.s"}));
  EXPECT_TRUE(command_named(commands, "collect2").empty());
}

TEST(Linker, EnlargesOnlyTheMemoryRegions) {
  EXPECT_EQ(
      with_enlarged_regions("MEMORY { F : ORIGIN = 0x0, LENGTH = 64K }\nLENGTH = 4;", Bytes(99)),
      "MEMORY { F : ORIGIN = 0x0, LENGTH = 99 }\nLENGTH = 4;");
}

TEST(Elf, RefusesBrokenFiles) {
  EXPECT_FALSE(ElfFile::parse("").ok());
  EXPECT_FALSE(ElfFile::parse(std::string(200, '\x7f')).ok());
  std::string cut =
      "\x7f"
      "ELF\x01\x01";
  cut.resize(52, '\xff');
  EXPECT_FALSE(ElfFile::parse(cut).ok());
}

}  // namespace
}  // namespace atml::deploy
