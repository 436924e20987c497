#include "space/configuration.h"

#include <gtest/gtest.h>

namespace atml::space {
namespace {

Configuration example() {
  Configuration c;
  c.set("stem", std::string("conv"));
  c.set("blocks", std::int64_t{3});
  c.set("lr", 0.01);
  c.set("one", 1.0);
  c.set("tiny", 1.0 / 3);
  c.set("minus", std::int64_t{-4});
  return c;
}

TEST(Configuration, PrintsInTheOrderOfNamesWithTypesKept) {
  EXPECT_EQ(example().text(),
            "blocks=3 lr=0.01 minus=-4 one=1.0 stem=conv tiny=0.3333333333333333");
}

TEST(Configuration, ReadsBackEqual) {
  const auto back = Configuration::from_text(example().text());
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, example());
  EXPECT_EQ(back->hash(), example().hash());
}

TEST(Configuration, AnswersTheFallbackForInactiveParameters) {
  EXPECT_EQ(example().integer("blocks", 7), 3);
  EXPECT_EQ(example().integer("depth", 7), 7);
  EXPECT_EQ(example().word("stem", "x"), "conv");
  EXPECT_DOUBLE_EQ(example().real("lr", 0), 0.01);
}

TEST(Configuration, RefusesMalformedText) {
  EXPECT_EQ(Configuration::from_text("a=1 b").error().message,
            "'b' in a configuration is not name=value");
  EXPECT_EQ(Configuration::from_text("a=1 a=2").error().message,
            "parameter 'a' appears twice in a configuration");
  EXPECT_EQ(Configuration::from_text("a=1x2").error().message,
            "parameter 'a': '1x2' is not a number");
  EXPECT_EQ(Configuration::from_text("a=").error().message, "parameter 'a': empty value");
  EXPECT_TRUE(Configuration::from_text("").ok());
}

}  // namespace
}  // namespace atml::space
