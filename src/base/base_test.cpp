#include <gtest/gtest.h>

#include <cmath>

#include "base/files.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "base/toml.h"
#include "base/units.h"

namespace atml {
namespace {

TEST(Units, ReadWhatPeopleWrite) {
  EXPECT_EQ(parse_bytes("64KiB")->value, 65536);
  EXPECT_EQ(parse_bytes("96kB")->value, 96000);
  EXPECT_EQ(parse_bytes("1MiB")->value, 1048576);
  EXPECT_EQ(parse_bytes("512")->value, 512);
  EXPECT_DOUBLE_EQ(parse_seconds("25ms")->value, 0.025);
  EXPECT_DOUBLE_EQ(parse_seconds("10min")->value, 600);
  EXPECT_DOUBLE_EQ(parse_joules("300uJ")->value, 300e-6);
}

TEST(Units, RefuseWithTheTextAndTheForms) {
  for (const char* text : {"", "x", "-3KiB", "64KB ", "nan", "inf", "64 parsecs", "1e300"}) {
    EXPECT_FALSE(parse_bytes(text).ok()) << text;
  }
  EXPECT_EQ(parse_seconds("fast").error().message,
            "'fast' is not a time; write it like 30s, 10min, 25ms or 1h");
}

TEST(Units, PrintForPeople) {
  EXPECT_EQ(to_text(Bytes(812)), "812 B");
  EXPECT_EQ(to_text(Bytes(39117)), "38.2 KiB");
  EXPECT_EQ(to_text(Seconds(250)), "4 min 10 s");
  EXPECT_EQ(with_thousands(-1234567), "-1,234,567");
}

TEST(Rng, IsTheSameEverywhereAndRestores) {
  Rng rng(42);
  EXPECT_EQ(rng.next(), 1546998764402558742ull);  // xoshiro256** seeded by SplitMix64(42)
  const Rng::State state = rng.state();
  const double first = rng.normal();
  rng.restore(state);
  EXPECT_EQ(rng.normal(), first);
  EXPECT_NE(Rng::derive(1, "a").next(), Rng::derive(1, "b").next());
  EXPECT_NE(Rng::derive(1, "a", 0).next(), Rng::derive(1, "a", 1).next());
}

TEST(Rng, NormalHasMeanZeroAndVarianceOne) {
  Rng rng(7);
  double sum = 0;
  double squares = 0;
  const int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 0.02);
}

TEST(Text, DistanceCountsASwapAsOne) {
  EXPECT_EQ(edit_distance("flahs", "flash"), 1);
  EXPECT_EQ(edit_distance("kitten", "Sitting"), 3);
  EXPECT_EQ(edit_distance("", "abc"), 3);
}

TEST(Text, SuggestsTheNearestName) {
  const std::vector<std::string> parts{"stm32f401re", "stm32l476rg", "rp2040"};
  EXPECT_EQ(suggestion("stm32f410re", parts), "; did you mean 'stm32f401re'?");
  EXPECT_EQ(suggestion("rp2", parts), "; did you mean 'rp2040'?");
  EXPECT_EQ(suggestion("zzz", parts), "; known: stm32f401re, stm32l476rg, rp2040");
}

TEST(Files, WriteIsWholeAndErrorsNameThePath) {
  auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  const auto path = folder->path() / "a/b.txt";
  ASSERT_TRUE(write_file(path, "hello").ok());
  EXPECT_EQ(*read_file(path), "hello");
  const auto missing = read_file(folder->path() / "none");
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find("none'"), std::string::npos);
  EXPECT_FALSE(read_file(folder->path()).ok());
}

TEST(Files, FullDiskIsAnErrorWithARemedy) {
  const Status status = write_scratch_file("/dev/full", std::string(100000, 'x'));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("No space left"), std::string::npos);
  EXPECT_NE(status.error().message.find("free some space"), std::string::npos);
}

TEST(Json, RoundTripsInOrder) {
  Json json = Json::object();
  json.set("z", 1)
      .set("a", 2.5)
      .set("text", "a\"b")
      .set("list", Json::array().push(true).push(nullptr));
  EXPECT_EQ(json.dump(), R"({"z":1,"a":2.5,"text":"a\"b","list":[true,null]})");
  EXPECT_EQ(Json::parse(json.dump())->dump(), json.dump());
  EXPECT_FALSE(Json::parse("{").ok());
  EXPECT_EQ(Json(std::nan("")).dump(), "null");
}

TEST(Toml, ErrorsNameFileLineAndKey) {
  auto toml = Toml::parse_text("a = 1\nb = 'x'\n[t]\nc = 2.5\n", "f.toml");
  ASSERT_TRUE(toml.ok());
  EXPECT_EQ(*toml->integer("a"), 1);
  EXPECT_EQ(toml->integer("b").error().message, "f.toml:2: 'b' must be an integer, found a string");
  EXPECT_EQ(toml->at("t")->number("d").error().message, "f.toml:3: in [t] 'd' is missing");
  EXPECT_EQ(toml->only_keys({"a", "bb", "t"}).error().message.substr(0, 25),
            "f.toml:2: unknown key 'b'");
  EXPECT_EQ(toml->keys(), (std::vector<std::string>{"a", "b", "t"}));
  EXPECT_FALSE(Toml::parse_text("a = = 1", "f.toml").ok());
}

}  // namespace
}  // namespace atml
