#include "target/target.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "base/files.h"

namespace atml::target {
namespace {

using ::testing::Test;

constexpr std::string_view kGood = R"(
name = "mine"
title = "My board"
core = "cortex-m4"
fpu = true
clock_mhz = 48
[flash]
origin = 0x08000000
size = "64KiB"
[ram]
origin = 0x20000000
size = 16384
[power]
volts = 3.0
microamps_per_mhz = 100
)";

class UsersFile : public Test {
 protected:
  UsersFile() : folder_(ScratchFolder::create().value()) {}

  // The good file with one piece of text replaced.
  Result<Target> with(std::string_view piece, std::string_view replacement) {
    std::string text(kGood);
    const std::size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    text.replace(at, piece.size(), replacement);
    return read(text);
  }
  Result<Target> read(const std::string& text) {
    const auto path = folder_.path() / "mine.toml";
    std::ofstream(path) << text;
    return find_target(path.string());
  }

  ScratchFolder folder_;
};

TEST(Catalogue, KnowsTheF401AsItsDataSheetDoes) {
  const auto target = find_target("stm32f401re");
  ASSERT_TRUE(target.ok()) << target.error().message;
  EXPECT_EQ(target->core, Core::kCortexM4);
  EXPECT_TRUE(target->fpu);
  EXPECT_TRUE(target->dsp);
  EXPECT_EQ(target->flash.origin, 0x08000000u);
  EXPECT_EQ(target->flash.size, Bytes(512 * 1024));
  EXPECT_EQ(target->ram.origin, 0x20000000u);
  EXPECT_EQ(target->ram.size, Bytes(96 * 1024));
  EXPECT_DOUBLE_EQ(target->clock_hz, 84e6);
  EXPECT_NEAR(target->run_watts(), 3.3 * 146e-6 * 84, 1e-12);  // 40.5 mW
  EXPECT_DOUBLE_EQ(target->cost.factor, 1.104);
}

TEST(Catalogue, EveryFileParsesAndIsSane) {
  const auto targets = catalogue();
  ASSERT_TRUE(targets.ok()) << targets.error().message;
  ASSERT_GE(targets->size(), 20u);
  for (const Target& t : *targets) {
    SCOPED_TRACE(t.name);
    EXPECT_FALSE(t.title.empty());
    EXPECT_FALSE(t.sources.empty()) << "every figure needs its source";
    EXPECT_GE(t.clock_hz, 16e6);
    EXPECT_LE(t.clock_hz, 600e6);
    EXPECT_GE(t.flash.size.value, 16 * 1024);
    EXPECT_LE(t.flash.size.value, 16 << 20);
    EXPECT_GE(t.ram.size.value, 4 * 1024);
    EXPECT_LE(t.ram.size.value, 2 << 20);
    EXPECT_LT(t.ram.size, t.flash.size + Bytes(1));
    EXPECT_EQ(t.flash.origin % 1024, 0u);
    EXPECT_EQ(t.ram.origin % 1024, 0u);
    if (t.microamps_per_mhz > 0) {
      // Between a subthreshold part and an old M3 at full speed.
      EXPECT_GE(t.run_watts(), 0.5e-3);
      EXPECT_LE(t.run_watts(), 0.5);
      EXPECT_LT(t.sleep_microamps, t.microamps_per_mhz * t.clock_hz * 1e-6 / 100);
    }
    EXPECT_LE(t.cost.low_factor, t.cost.factor);
    EXPECT_LE(t.cost.factor, t.cost.high_factor);
    EXPECT_FALSE(t.cost.note.empty());
    EXPECT_EQ(t.dsp, t.core == Core::kCortexM4 || t.core == Core::kCortexM7 ||
                         t.core == Core::kCortexM33 || t.core == Core::kCortexM55);
  }
}

TEST(Catalogue, IsSortedWithoutDuplicatesAndCoversTheCores) {
  const auto targets = catalogue();
  ASSERT_TRUE(targets.ok());
  std::set<Core> cores;
  for (std::size_t i = 0; i < targets->size(); ++i) {
    cores.insert((*targets)[i].core);
    if (i > 0) {
      EXPECT_LT((*targets)[i - 1].name, (*targets)[i].name);
    }
  }
  for (const Core core : {Core::kCortexM0Plus, Core::kCortexM3, Core::kCortexM4, Core::kCortexM7,
                          Core::kCortexM33, Core::kCortexM55, Core::kRv32imc}) {
    EXPECT_TRUE(cores.contains(core)) << to_string(core);
  }
}

TEST(Catalogue, HasThePartsOfTheMainJob) {
  for (const char* name : {"stm32f401re", "stm32l4r5zi", "stm32f746ng", "stm32l476rg",
                           "stm32l053r8", "nrf52840", "rp2040"}) {
    const auto target = find_target(name);
    EXPECT_TRUE(target.ok()) << target.error().message;
  }
}

TEST(Catalogue, SuggestsTheNearestNameOnAMiss) {
  const auto target = find_target("stm32f410re");
  ASSERT_FALSE(target.ok());
  EXPECT_EQ(target.error().code, Code::kNotFound);
  EXPECT_TRUE(
      target.error().message.starts_with("unknown target 'stm32f410re'; did you mean 'stm32f4"))
      << target.error().message;
  EXPECT_EQ(find_target("STM32F401RE").value().name, "stm32f401re") << "case does not matter";
}

TEST(Catalogue, AskedForAFileThatIsNotThereNamesIt) {
  const auto target = find_target("/nowhere/board.toml");
  ASSERT_FALSE(target.ok());
  EXPECT_NE(target.error().message.find("/nowhere/board.toml"), std::string::npos);
}

TEST(Core, NamesGoBothWays) {
  for (const char* name : {"cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7",
                           "cortex-m33", "cortex-m55", "rv32imc"}) {
    EXPECT_EQ(to_string(parse_core(name).value()), name);
  }
  const auto miss = parse_core("cortex-m5");
  ASSERT_FALSE(miss.ok());
  EXPECT_NE(miss.error().message.find("did you mean 'cortex-m"), std::string::npos)
      << miss.error().message;
}

TEST(Cost, OnlyM4M7AndM33AreCalledCalibrated) {
  EXPECT_TRUE(default_cost(Core::kCortexM4).calibrated);
  EXPECT_TRUE(default_cost(Core::kCortexM7).calibrated);
  EXPECT_TRUE(default_cost(Core::kCortexM33).calibrated);
  for (const Core core :
       {Core::kCortexM0, Core::kCortexM0Plus, Core::kCortexM3, Core::kCortexM55, Core::kRv32imc}) {
    EXPECT_FALSE(default_cost(core).calibrated);
    EXPECT_DOUBLE_EQ(default_cost(core).factor, 1.0);
    EXPECT_NE(default_cost(core).note.find("uncalibrated"), std::string::npos);
  }
  EXPECT_NEAR(default_cost(Core::kCortexM7).factor, 0.6624, 1e-9);    // 1.104 x 0.60
  EXPECT_NEAR(default_cost(Core::kCortexM33).factor, 0.94944, 1e-9);  // 1.104 x 0.86
}

TEST(Limits, OfAPartAreItsOwnSizes) {
  Limits limits = full_limits(find_target("stm32f401re").value());
  EXPECT_EQ(limits.flash, Bytes(524288));
  EXPECT_EQ(limits.ram, Bytes(98304));
  EXPECT_FALSE(limits.latency.has_value());
  limits.reserve_ram = Bytes(1000);
  EXPECT_EQ(limits.usable_ram(), Bytes(97304));
}

TEST_F(UsersFile, WorksLikeOneOfTheCatalogue) {
  const auto target = read(std::string(kGood));
  ASSERT_TRUE(target.ok()) << target.error().message;
  EXPECT_EQ(target->name, "mine");
  EXPECT_EQ(target->ram.size, Bytes(16384));
  EXPECT_DOUBLE_EQ(target->volts, 3.0);
  EXPECT_EQ(target->sleep_microamps, 0);
  EXPECT_EQ(target->cost.note, default_cost(Core::kCortexM4).note);
}

TEST_F(UsersFile, MayBringItsOwnCalibration) {
  const auto target =
      read(std::string(kGood) +
           "[cost]\nfactor = 1.1\nlow_factor = 1.05\nhigh_factor = 1.2\ncalibrated = true\n"
           "note = \"measured on 5 networks\"\n");
  ASSERT_TRUE(target.ok()) << target.error().message;
  EXPECT_DOUBLE_EQ(target->cost.factor, 1.1);
  EXPECT_TRUE(target->cost.calibrated);
  EXPECT_EQ(target->cost.note, "measured on 5 networks");
}

TEST_F(UsersFile, ErrorsNameFileLineKeyAndRemedy) {
  struct Case {
    std::string_view piece, replacement, expected;
  };
  const Case cases[] = {
      {"clock_mhz = 48", "clock_mzh = 48",
       "mine.toml:6: unknown key 'clock_mzh'; did you mean 'clock_mhz'?"},
      {"clock_mhz = 48", "", "'clock_mhz' is missing"},
      {"clock_mhz = 48", "clock_mhz = -1",
       "mine.toml:6: 'clock_mhz' is -1, but must be from 0.1 to 2000"},
      {"clock_mhz = 48", "clock_mhz = nan", "mine.toml:6: 'clock_mhz' is nan, but must be"},
      {"clock_mhz = 48", "clock_mhz = \"48\"",
       "mine.toml:6: 'clock_mhz' must be a number, found a string"},
      {"\"cortex-m4\"", "\"cortex-m44\"",
       "mine.toml:4: 'core' names an unknown core 'cortex-m44'; did you mean 'cortex-m4'?"},
      {"fpu = true", "fpu = 1", "mine.toml:5: 'fpu' must be true or false"},
      {"fpu = true", "fpu = true\ndsp = 3", "'dsp' must be true or false"},
      {"\"mine\"", "\"yours\"",
       "mine.toml:2: 'name' is 'yours', but the file is called 'mine.toml'; make them equal"},
      {"\"64KiB\"", "\"64 kilo\"",
       "mine.toml:9: 'size': '64 kilo' is not a size; write it like 64KiB"},
      {"\"64KiB\"", "12", "mine.toml:9: 'size' is 12 bytes, but must be at least 1024"},
      {"\"64KiB\"", "0xF8000001", "mine.toml:9: 'size' is 4160749569 bytes"},
      {"0x08000000", "0x108000000",
       "mine.toml:8: 'origin' is 4429185024, but an address has 32 bits"},
      {"0x08000000", "-1", "mine.toml:8: 'origin' is -1, but an address has 32 bits"},
      {"0x20000000", "0x08000000", "mine.toml:10: 'ram' overlaps 'flash'"},
      {"[ram]", "[rom]", "mine.toml:10: unknown key 'rom'"},
      {"volts = 3.0", "volts = 33", "mine.toml:14: 'volts' is 33, but must be from 0.5 to 6"},
      {"[power]", "[cost]\nfactor = 1\n[power]", "'low_factor' is missing"},
      {"[flash]", "[flash", "mine.toml:7"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.replacement);
    const auto target = with(c.piece, c.replacement);
    ASSERT_FALSE(target.ok());
    EXPECT_NE(target.error().message.find(c.expected), std::string::npos) << target.error().message;
  }
}

TEST_F(UsersFile, BinaryRubbishAndEmptyFilesAreErrorsNotCrashes) {
  EXPECT_FALSE(read("").ok());
  EXPECT_FALSE(read(std::string("\0\xff\xfe\x01", 4)).ok());
  EXPECT_FALSE(
      read("flash = 3\nname = \"mine\"\ntitle = \"t\"\ncore = \"cortex-m3\"\nclock_mhz = 8\n")
          .ok());
  EXPECT_FALSE(read(std::string(kGood) + "sources = 5\n").ok());
}

}  // namespace
}  // namespace atml::target
