#include <cmath>

#include <gtest/gtest.h>

#include "autotinyml/optimizer.h"

namespace autotinyml {
namespace {

Space small() {
  return Space()
      .categorical("kind", {"thin", "wide"}, "thin")
      .ordinal("width", {8, 16, 32}, 16)
      .when("kind", {std::string("wide")})
      .integer("depth", 1, 4, 2)
      .real("rate", 1e-4, 1e-1, 1e-2, true);
}

double score(const Point& p) {
  const double rate = std::log10(std::get<double>(p.at("rate"))) + 2.5;
  return 0.1 * static_cast<double>(std::get<std::int64_t>(p.at("depth"))) - rate * rate +
         (p.count("width") ? 0.01 * static_cast<double>(std::get<std::int64_t>(p.at("width"))) : 0);
}
double ram(const Point& p) {
  return 4.0 * static_cast<double>(std::get<std::int64_t>(p.at("depth"))) +
         (p.count("width") ? static_cast<double>(std::get<std::int64_t>(p.at("width"))) : 4);
}

void step(Optimizer& optimizer) {
  const auto trial = optimizer.ask();
  ASSERT_TRUE(trial.ok()) << trial.error();
  ASSERT_TRUE(optimizer.tell_constraint(trial->number, "ram", ram(trial->point), 30).ok());
  if (ram(trial->point) <= 30)
    ASSERT_TRUE(optimizer.tell_objective(trial->number, score(trial->point)).ok());
  else
    ASSERT_TRUE(optimizer.tell_infeasible(trial->number).ok());
}

TEST(AskTell, FindsTheBestFeasibleCorner) {
  auto optimizer = Optimizer::create(small(), {.seed = 3, .constraints = {"ram"}});
  ASSERT_TRUE(optimizer.ok()) << optimizer.error();
  for (int i = 0; i < 25; ++i) step(*optimizer);
  const auto best = optimizer->best();
  ASSERT_TRUE(best);
  // wide, 16 and depth 3 use 28 of 30: 0.3 + 0.16; anything better uses more.
  EXPECT_GT(best->objective, 0.45);
  EXPECT_FALSE(optimizer->front().empty());
}

TEST(AskTell, ResumeContinuesAsIfNothingHadHappened) {
  for (const std::string& strategy : Optimizer::strategies()) {
    const Options options{.strategy = strategy, .seed = 7, .constraints = {"ram"}};
    auto whole = Optimizer::create(small(), options), part = Optimizer::create(small(), options);
    for (int i = 0; i < 13; ++i) step(*whole);
    for (int i = 0; i < 9; ++i) step(*part);
    auto resumed = Optimizer::resume(small(), options, part->save());
    ASSERT_TRUE(resumed.ok()) << resumed.error();
    for (int i = 9; i < 13; ++i) step(*resumed);
    EXPECT_EQ(resumed->save(), whole->save()) << strategy;
  }
}

TEST(AskTell, RefusesWhatMakesNoSense) {
  auto optimizer = Optimizer::create(small(), {.constraints = {"ram"}});
  EXPECT_EQ(optimizer->tell_objective(0, 1).error(), "trial 0 was never asked for; there are 0");
  const int n = optimizer->ask()->number;
  EXPECT_EQ(optimizer->tell_constraint(n, "rom", 1, 2).error(),
            "unknown constraint 'rom'; did you mean 'ram'?");
  EXPECT_EQ(optimizer->tell_constraint(n, "ram", 1, 0).error(),
            "constraint 'ram': allowed must be above 0, not 0");
  EXPECT_TRUE(optimizer->cancel(n).ok());
  EXPECT_EQ(optimizer->tell_objective(n, 1).error(), "trial 0 has ended already");
  EXPECT_FALSE(Optimizer::create(Space(), {}).ok());
  EXPECT_FALSE(Optimizer::create(small(), {.strategy = "baye"}).ok());
  EXPECT_EQ(Optimizer::resume(small(), {}, "{\"number\":0,\"point\":\"kind=blue\",\"outcome\":1}\n")
                .error(),
            "saved line 1: parameter 'kind': blue is not one of thin, wide; was it saved with "
            "another space?");
  EXPECT_FALSE(Optimizer::resume(small(), {}, "not json").ok());
}

TEST(AskTell, SaysInNumbersWhyItProposes) {
  auto optimizer = Optimizer::create(small(), {.seed = 3, .constraints = {"ram"}});
  EXPECT_EQ(optimizer->ask()->explanation.kind, "default");
  EXPECT_TRUE(optimizer->cancel(0).ok());
  for (int i = 0; i < 12; ++i) step(*optimizer);
  for (int i = 0; i < 3; ++i) {
    const auto trial = optimizer->ask();
    const Explanation& e = trial->explanation;
    EXPECT_FALSE(e.kind.empty());
    EXPECT_FALSE(e.acquisition.empty());
    ASSERT_TRUE(e.mean && e.deviation && e.best);
    EXPECT_GT(*e.deviation, 0);
    ASSERT_EQ(e.feasible.size(), 1u);
    EXPECT_GE(e.feasible.at("ram"), 0);
    EXPECT_LE(e.feasible.at("ram"), 1);
  }
}

TEST(AskTell, ExactLimitsAreNeverBroken) {
  Options options{.seed = 1};
  options.exact = [](const Point& p) { return Exact{ram(p) <= 12, ram(p) / 12 - 1, "ram"}; };
  auto optimizer = Optimizer::create(small(), options);
  for (int i = 0; i < 15; ++i) {
    const auto trial = optimizer->ask();
    EXPECT_TRUE(trial->allowed);
    EXPECT_LE(ram(trial->point), 12);
    EXPECT_TRUE(optimizer->tell_objective(trial->number, score(trial->point)).ok());
  }
}

}  // namespace
}  // namespace autotinyml
