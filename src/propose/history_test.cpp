#include "propose/history.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "propose/warp.h"

namespace atml::propose {
namespace {

using study::Outcome;
using study::Trial;

class History : public ::testing::Test {
 protected:
  History()
      : space_(*space::Space::create(
            "line",
            {{.name = "x", .kind = space::Kind::kReal, .low = 0, .high = 1, .preferred = 0.5}})) {}

  Trial& add(double x, Outcome outcome, std::optional<double> objective = {},
             std::optional<double> ram_margin = {}) {
    Trial t;
    t.number = static_cast<int>(trials_.size());
    t.configuration.set("x", x);
    t.outcome = outcome;
    t.objective = objective;
    if (ram_margin) t.constraints.push_back({"ram", 1 + *ram_margin, 1});
    trials_.push_back(t);
    return trials_.back();
  }
  Problem problem() const {
    return {.space = space_, .history = trials_, .constraint_names = {"ram"}};
  }

  space::Space space_;
  std::vector<Trial> trials_;
};

TEST_F(History, UndeployableTrialsTeachConstraintsButNoObjective) {
  add(0.1, Outcome::kMeasured, 0.8, -0.2);
  add(0.2, Outcome::kUndeployable, {}, 0.5);
  add(0.3, Outcome::kBuildFailed);
  const auto o = observe(problem());
  EXPECT_TRUE(o[0].feasible);
  EXPECT_DOUBLE_EQ(*o[1].margins[0], 0.5);
  EXPECT_FALSE(o[1].objective);
  EXPECT_DOUBLE_EQ(o[1].violation, 0.5);
  EXPECT_EQ(o[2].computable, std::optional<bool>(false));
  EXPECT_FALSE(o[2].margins[0]);
  EXPECT_EQ(best_feasible(o), std::optional<std::size_t>(0));
}

TEST_F(History, PrunedTrialsStandWithTheGainOfTheOthers) {
  for (int i = 0; i < 3; ++i) {
    Trial& t = add(0.1 * i, Outcome::kMeasured, 0.80 + 0.05 * i, -0.2);
    t.rungs = {{.epochs = 2, .objective = 0.70 + 0.05 * i},
               {.epochs = 6, .objective = 0.80 + 0.05 * i}};
  }
  Trial& slow = add(0.5, Outcome::kPruned, {}, -0.2);
  slow.rungs = {{.epochs = 2, .objective = 0.55}};
  Trial& fast = add(0.6, Outcome::kPruned, {}, -0.2);
  fast.rungs = {{.epochs = 2, .objective = 0.85}};
  Trial& running = add(0.7, Outcome::kRunning, {}, -0.2);
  running.rungs = {{.epochs = 2, .objective = 0.65}};
  const auto o = observe(problem());
  EXPECT_NEAR(*o[3].objective, 0.65, 1e-12);
  EXPECT_NEAR(*o[4].objective, 0.95, 1e-12);
  EXPECT_NEAR(*o[5].objective, 0.75, 1e-12);
  EXPECT_TRUE(o[5].pending);
  EXPECT_GT(o[3].objective_spread, 0);
  EXPECT_FALSE(o[3].feasible);  // an estimate is no incumbent
}

TEST_F(History, NumbersThatAreNotFiniteAreMissing) {
  add(0.1, Outcome::kMeasured, std::nan(""), -0.2);
  add(0.2, Outcome::kMeasured, std::numeric_limits<double>::infinity(),
      std::numeric_limits<double>::infinity());
  add(0.3, Outcome::kDiverged, {}, -0.1);
  const auto o = observe(problem());
  EXPECT_FALSE(o[0].objective);
  EXPECT_FALSE(o[1].objective);
  EXPECT_FALSE(o[1].margins[0]);
  EXPECT_DOUBLE_EQ(o[1].violation, 10);
  EXPECT_FALSE(o[2].objective);
}

TEST_F(History, GateRefusesRepeatsAndRemembersAnswers) {
  add(0.25, Outcome::kRunning);
  int calls = 0;
  Problem p = problem();
  p.exact = [&](const space::Configuration& c) {
    ++calls;
    const double margin = c.real("x", 0) - 0.5;
    return ExactCheck{margin <= 0, margin, "x too large"};
  };
  Gate gate(p);
  EXPECT_FALSE(gate.passes({0.25}));
  EXPECT_EQ(calls, 0);
  EXPECT_FALSE(gate.passes({0.9}));
  EXPECT_FALSE(gate.passes({0.7}));
  EXPECT_FALSE(gate.passes({0.7}));
  EXPECT_TRUE(gate.passes({0.3}));
  EXPECT_EQ(calls, 3);
  EXPECT_NEAR(gate.least_check().worst_margin, 0.2, 1e-12);
}

TEST(ObjectiveWarp, IsMonotoneInvertibleAndTamesFailures) {
  const std::vector<double> values = {0.90, 0.88, 0.91, 0.89, 0.10, -1e6};
  const ObjectiveWarp warp(values);
  double before = -1e300;
  for (const double v : {-1e6, 0.1, 0.88, 0.89, 0.90, 0.91, 0.95}) {
    EXPECT_GT(warp(v), before);
    EXPECT_NEAR(warp.inverse(warp(v)), v, 1e-9 * std::max(1.0, std::abs(v)));
    before = warp(v);
  }
  EXPECT_GT(warp(0.91) - warp(0.88), 0.1);  // an outlier must not flatten the good ones
}

TEST(ObjectiveWarp, IsMonotoneAndInvertibleWithAPowerToo) {
  const std::vector<double> values = {0.90, 0.88, 0.91, 0.89, 0.10, -1e6, 3};
  for (const double power : {0.0, 0.3, 1.6, 2.0}) {
    const ObjectiveWarp warp(values, power);
    double before = -1e300;
    for (const double v : {-1e6, 0.1, 0.88, 0.9, 0.95, 3.0, 100.0}) {
      EXPECT_GT(warp(v), before) << power;
      EXPECT_NEAR(warp.inverse(warp(v)), v, 1e-8 * std::max(1.0, std::abs(v))) << power;
      before = warp(v);
    }
  }
}

TEST(ObjectiveWarp, ConstantValuesStayFinite) {
  const std::vector<double> same(5, 0.7);
  EXPECT_EQ(ObjectiveWarp(same)(0.7), 0);
  EXPECT_TRUE(std::isfinite(ObjectiveWarp(std::vector<double>{0.3})(0.4)));
}

TEST(MarginWarp, KeepsTheSideOfTheLimitInAnyUnit) {
  for (const double unit : {1e-3, 1.0, 1e6}) {
    const std::vector<double> margins = {-0.5 * unit, 0.1 * unit, 3 * unit, -0.2 * unit};
    const MarginWarp warp(margins);
    EXPECT_LT(warp(-1e-3 * unit), warp.limit());
    EXPECT_GT(warp(1e-3 * unit), warp.limit());
    EXPECT_NEAR(warp(0.1 * unit), MarginWarp(std::vector<double>{-0.5, 0.1, 3, -0.2})(0.1), 1e-9);
  }
}

}  // namespace
}  // namespace atml::propose
