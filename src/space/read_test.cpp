#include <filesystem>

#include <gtest/gtest.h>

#include "base/files.h"
#include "space/space.h"

namespace atml::space {
namespace {

class Read : public ::testing::Test {
 protected:
  void SetUp() override { setenv("AUTOTINYML_HOME", ATML_SOURCE_DIR, 1); }
  static std::string error(const std::string& toml) {
    const auto space = parse_space(toml, "my.toml");
    return space.ok() ? "no error" : space.error().message;
  }
};

TEST_F(Read, BuiltInSpacesAreValidAndOfTheExpectedSize) {
  for (const std::string& name : space_names()) {
    const auto space = load_space(name);
    ASSERT_TRUE(space.ok()) << space.error().message;
    EXPECT_EQ(space->name(), name);
    EXPECT_GE(space->size(), 10u);
    EXPECT_LE(space->size(), 30u);  // 25 and, with 4-bit weights, one a stage and more
    EXPECT_TRUE(space->contains(space->default_configuration()).ok());
  }
}

TEST_F(Read, UnknownNamesGetASuggestion) {
  EXPECT_EQ(load_space("imag").error().message, "unknown space 'imag'; did you mean 'image'?");
  EXPECT_FALSE(load_space("/no/such/file.toml").ok());
}

TEST_F(Read, AFileCanNarrowFixAndAdd) {
  const auto space = parse_space(R"(
extends = "image"
[parameters.block]
fixed = "conv"
[parameters.stages]
high = 3
[parameters.stage1_width]
values = [8, 16]
[parameters.learning_rate]
low = 1e-3
high = 2e-3
[parameters.mixup]
kind = "real"
low = 0.0
high = 0.5
default = 0.2
)",
                                 "my.toml");
  ASSERT_TRUE(space.ok()) << space.error().message;
  EXPECT_EQ(space->find("block")->values.size(), 1u);
  EXPECT_EQ(space->find("expansion"), nullptr);  // its condition can no longer hold
  EXPECT_EQ(space->find("stage4_width"), nullptr);
  ASSERT_NE(space->find("stage3_width"), nullptr);
  EXPECT_EQ(space->find("stage3_width")->conditions[0].values.size(), 1u);
  EXPECT_EQ(space->find("stage1_width")->preferred, Value(std::int64_t{16}));  // nearest to 32
  EXPECT_EQ(space->find("learning_rate")->preferred, Value(2e-3));  // clamped from 1.2e-2
  EXPECT_NE(space->find("mixup"), nullptr);
}

TEST_F(Read, AFileCanExtendAFile) {
  auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  const auto first = folder->path() / "first.toml";
  ASSERT_TRUE(
      write_scratch_file(first, "extends = \"table\"\n[parameters.layers]\nhigh = 2\n").ok());
  const auto space =
      parse_space("extends = \"" + first.string() + "\"\n[parameters.layers]\nlow = 2\n", "b.toml");
  ASSERT_TRUE(space.ok()) << space.error().message;
  EXPECT_EQ(space->find("layers")->low, 2);
  EXPECT_EQ(space->find("layers")->high, 2);
  ASSERT_TRUE(write_scratch_file(first, "extends = \"" + first.string() + "\"\n").ok());
  EXPECT_NE(load_space(first.string()).error().message.find("is there a circle?"),
            std::string::npos);
}

TEST_F(Read, ErrorsNameFileLineKeyAndRemedy) {
  EXPECT_EQ(error("extends = \"image\"\n[parameters.blok]\nfixed = \"conv\"\n"),
            "my.toml:2: parameter 'blok' needs a kind (integer, real, categorical, ordinal); did "
            "you mean 'block'?");
  EXPECT_EQ(error("extends = \"image\"\n[parameters.block]\nfixed = \"convv\"\n"),
            "my.toml:2: parameter 'block' has no value 'convv'; did you mean 'conv'?");
  EXPECT_NE(error("extends = \"image\"\n[parameters.block]\nlow = 3\n")
                .find("my.toml:3: parameter 'block' is categorical: it has no 'low'; use values"),
            std::string::npos);
  EXPECT_NE(error("[parameters.x]\nkind = \"reel\"\nlow = 0\nhigh = 1\ndefault = 0.5\n")
                .find("my.toml:2"),
            std::string::npos);
  EXPECT_NE(error("[parameters.x]\nkind = \"real\"\nlow = 0\nhigh = 1\ndefaut = 0.5\n")
                .find("did you mean 'default'?"),
            std::string::npos);
  EXPECT_NE(error("[parameters.x]\nkind = \"real\"\nlow = 3\nhigh = 1\ndefault = 1\n")
                .find("my.toml:1: parameter 'x': the range [3, 1] is empty"),
            std::string::npos);
  EXPECT_NE(error("extends = \"image\"\n[parameters.stages]\nfixed = 2.5\n").find("my.toml:3"),
            std::string::npos);
  EXPECT_NE(error("name = \"empty\"\n").find("has no parameters"), std::string::npos);
  EXPECT_NE(error("[parameters]\nx = 3\n").find("'x' must be a table"), std::string::npos);
}

}  // namespace
}  // namespace atml::space
