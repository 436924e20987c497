#include "space/space.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

namespace atml::space {
namespace {

Value word(const char* w) { return std::string(w); }
Value whole(std::int64_t n) { return n; }

Parameter integer(std::string name, double low, double high, std::int64_t preferred) {
  return {.name = std::move(name),
          .kind = Kind::kInteger,
          .low = low,
          .high = high,
          .preferred = preferred};
}
Parameter real(std::string name, double low, double high, bool log, double preferred) {
  return {.name = std::move(name),
          .kind = Kind::kReal,
          .low = low,
          .high = high,
          .log = log,
          .preferred = preferred};
}

// block decides about expansion; blocks >= 2 about width2, and width2 = 16 about extra.
Space tree() {
  auto space =
      Space::create("tree", {{.name = "block",
                              .kind = Kind::kCategorical,
                              .values = {word("conv"), word("wide"), word("thin")},
                              .preferred = word("conv")},
                             {.name = "expansion",
                              .kind = Kind::kOrdinal,
                              .values = {whole(2), whole(4), whole(6)},
                              .conditions = {{"block", {word("wide"), word("thin")}}},
                              .preferred = whole(4)},
                             integer("blocks", 1, 3, 2),
                             {.name = "width2",
                              .kind = Kind::kOrdinal,
                              .values = {whole(8), whole(16)},
                              .conditions = {{"blocks", {whole(2), whole(3)}}},
                              .preferred = whole(8)},
                             {.name = "extra",
                              .kind = Kind::kReal,
                              .low = 0,
                              .high = 1,
                              .conditions = {{"width2", {whole(16)}}, {"block", {word("wide")}}},
                              .preferred = 0.5},
                             real("rate", 1e-4, 1e-2, true, 1e-3)});
  EXPECT_TRUE(space.ok()) << space.error().message;
  return *space;
}

TEST(Space, DefaultIsAMemberWithExactlyTheActiveParameters) {
  const Configuration c = tree().default_configuration();
  EXPECT_EQ(c.text(), "block=conv blocks=2 rate=0.001 width2=8");
  EXPECT_TRUE(tree().contains(c).ok());
  EXPECT_EQ(tree().active(c), (std::vector<std::string>{"block", "blocks", "width2", "rate"}));
}

TEST(Space, ConditionsReachThroughInactiveParents) {
  const Space space = tree();
  // extra needs width2 = 16 (which needs blocks >= 2) and block = wide.
  const auto c =
      *Configuration::from_text("block=wide blocks=2 expansion=2 extra=0.25 rate=0.001 width2=16");
  EXPECT_TRUE(space.contains(c).ok());
  const auto d = *Configuration::from_text("block=wide blocks=1 expansion=2 extra=0.25 rate=0.001");
  EXPECT_EQ(space.contains(d).error().message,
            "parameter 'extra': has a value but is inactive here");
}

TEST(Space, SaysWhatIsWrongWithAConfiguration) {
  const Space space = tree();
  const auto message = [&](const char* text) {
    return space.contains(*Configuration::from_text(text)).error().message;
  };
  EXPECT_EQ(message("block=conv blocks=1"), "parameter 'rate': is active but has no value");
  EXPECT_EQ(message("block=conv blocks=9 rate=0.001"),
            "parameter 'blocks': 9 is not a whole number in [1, 3]");
  EXPECT_EQ(message("block=cone blocks=1 rate=0.001"),
            "parameter 'block': cone is not one of conv, wide, thin");
  EXPECT_EQ(message("block=conv blocks=1 rate=1"),
            "parameter 'rate': 1 is not a real number in [0.0001, 0.01]");
  EXPECT_EQ(message("bloc=conv blocks=1 rate=0.001"),
            "space 'tree' has no parameter 'bloc'; did you mean 'block'?");
}

TEST(Space, SamplesMembersAndCoversTheTree) {
  const Space space = tree();
  Rng rng(7);
  std::map<std::string, int> words;
  double log_sum = 0;
  const int n = 3000;
  for (int i = 0; i < n; ++i) {
    const Configuration c = space.sample(rng);
    ASSERT_TRUE(space.contains(c).ok()) << c.text();
    ++words[c.word("block", "")];
    log_sum += std::log10(c.real("rate", 0));
  }
  for (const auto& [name, count] : words) EXPECT_NEAR(count, n / 3, 120) << name;
  EXPECT_NEAR(log_sum / n, -3.0, 0.05);  // log-uniform between 1e-4 and 1e-2
}

TEST(Space, EncodingPutsNumbersInTheMiddleOfTheirStep) {
  const Space space = tree();
  const Encoding x = space.encode(
      *Configuration::from_text("block=thin blocks=3 expansion=4 rate=0.001 width2=8"));
  EXPECT_EQ(x[0], 2);               // index of the word
  EXPECT_DOUBLE_EQ(x[1], 0.5);      // second of three
  EXPECT_DOUBLE_EQ(x[2], 2.5 / 3);  // third of three
  EXPECT_DOUBLE_EQ(x[3], 0.25);     // first of two
  EXPECT_EQ(x[4], kInactive);
  EXPECT_NEAR(x[5], 0.5, 1e-9);  // middle of the logarithmic axis
}

TEST(Space, EncodingRoundTripsForRandomMembers) {
  const Space space = tree();
  Rng rng(3);
  for (int i = 0; i < 500; ++i) {
    const Configuration c = space.sample(rng);
    const Encoding x = space.encode(c);
    EXPECT_EQ(space.decode(x), c);
    Encoding again = x;
    space.snap(again);
    EXPECT_EQ(again, x);
  }
}

TEST(Space, LogarithmicIntegersRoundTrip) {
  Parameter p = integer("units", 1, 1000, 10);
  p.log = true;
  const Space space = *Space::create("log", {p});
  for (std::int64_t v = 1; v <= 1000; ++v) {
    Configuration c;
    c.set("units", v);
    EXPECT_EQ(space.decode(space.encode(c)), c);
  }
}

TEST(Space, SnapRepairsActivity) {
  const Space space = tree();
  Encoding x = space.encode(space.default_configuration());
  x[0] = 1;  // conv -> wide: expansion becomes active and takes its default
  space.snap(x);
  EXPECT_EQ(space.decode(x).integer("expansion", 0), 4);
  x[2] = 0.0;  // blocks = 1: width2 goes
  space.snap(x);
  EXPECT_EQ(x[3], kInactive);
  x[5] = std::nan("");
  space.snap(x);
  EXPECT_TRUE(space.contains(space.decode(x)).ok());
}

TEST(Space, NeighboursDifferInOneActiveParameterOfTheOther) {
  const Space space = tree();
  const Configuration c = space.default_configuration();
  const auto near = space.neighbours(c);
  // 2 other words, blocks 1 and 3, width2 16, 4 steps of rate.
  EXPECT_EQ(near.size(), 2u + 2u + 1u + 4u);
  for (const Configuration& n : near) {
    EXPECT_TRUE(space.contains(n).ok()) << n.text();
    EXPECT_NE(n, c);
    int changed = 0;
    for (const auto& [name, value] : n.values()) {
      const Value* before = c.find(name);
      if (before != nullptr && *before != value) ++changed;
    }
    EXPECT_EQ(changed, 1) << n.text();
  }
}

TEST(Space, DistanceCountsWordsAndActivityAsOne) {
  const Space space = tree();
  const auto a = *Configuration::from_text("block=conv blocks=1 rate=0.001");
  const auto b = *Configuration::from_text("block=wide blocks=1 expansion=4 rate=0.001");
  EXPECT_DOUBLE_EQ(space.distance(a, a), 0);
  EXPECT_DOUBLE_EQ(space.distance(a, b), std::sqrt(2.0 / 6));
  EXPECT_DOUBLE_EQ(space.distance(a, b), space.distance(b, a));
}

TEST(Space, CountsTheTree) {
  auto parameters = tree().parameters();
  parameters.pop_back();                     // rate
  parameters.erase(parameters.begin() + 4);  // extra
  // block: conv 1, wide 3, thin 3 = 7; blocks: 1, then width2 for 2 and 3: 1 + 2 + 2 = 5.
  EXPECT_EQ(Space::create("finite", parameters)->count(), 35);
  EXPECT_EQ(tree().count(1000), 1000);
}

TEST(Space, RefusesWhatCannotBe) {
  const auto message = [](std::vector<Parameter> parameters) {
    return Space::create("s", std::move(parameters)).error().message;
  };
  EXPECT_EQ(message({}), "space 's' has no parameters");
  EXPECT_EQ(message({real("x", 2, 1, false, 1)}),
            "parameter 'x': the range [2, 1] is empty; give low <= high");
  EXPECT_EQ(message({real("x", 0, 1, true, 1)}),
            "parameter 'x': a logarithmic range needs low > 0, not 0");
  EXPECT_EQ(message({real("x", 0, 1, false, 3)}),
            "parameter 'x': the default 3.0 is not a real number in [0, 1]");
  EXPECT_EQ(message({real("X", 0, 1, false, 0.5)}),
            "parameter 'X': a name has only a-z, 0-9 and _, and begins with a letter");
  EXPECT_EQ(message({integer("x", 0, 1, 1), integer("x", 0, 1, 1)}),
            "parameter 'x': is declared twice");
  Parameter child = integer("y", 0, 1, 1);
  child.conditions = {{"zebra", {whole(1)}}};
  EXPECT_EQ(
      message({integer("x", 0, 1, 1), child}),
      "parameter 'y': the condition names 'zebra', which is not declared before it; known: x");
  child.conditions = {{"x", {whole(5)}}};
  EXPECT_EQ(message({integer("x", 0, 1, 1), child}),
            "parameter 'y': the condition x = 5 can never hold: it is a whole number in [0, 1]");
}

}  // namespace
}  // namespace atml::space
