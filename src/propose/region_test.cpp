// The trust region by hand, and the proposals that are made in it.
#include "propose/region.h"

#include <cmath>

#include <gtest/gtest.h>

#include "propose/design.h"
#include "propose/maximise.h"
#include "propose/polish.h"

namespace atml::propose {
namespace {

using space::Kind;
using space::Parameter;
using space::Space;

Parameter real(std::string name) {
  return {.name = std::move(name), .kind = Kind::kReal, .low = 0, .high = 1, .preferred = 0.5};
}

Observed feasible_at(space::Encoding x, double objective) {
  Observed o;
  o.x = std::move(x);
  o.objective = objective;
  o.computable = true;
  o.feasible = true;
  return o;
}

TEST(Region, GrowsWithSuccessShrinksWithFailureAndBeginsAnew) {
  std::vector<Observed> observed;
  for (int i = 0; i < 5; ++i) observed.push_back(feasible_at({0.5, 0.5}, -1));  // the design
  EXPECT_EQ(replay(observed, 2, 5).side, 0.8);
  for (int i = 0; i < 3; ++i) observed.push_back(feasible_at({0.5, 0.5}, i));
  EXPECT_EQ(replay(observed, 2, 5).side, 1.6);
  EXPECT_EQ(replay(observed, 2, 5).centre, 7u);
  for (int i = 0; i < 4; ++i) observed.push_back(feasible_at({0.5, 0.5}, 0));
  EXPECT_EQ(replay(observed, 2, 5).side, 0.8);
  EXPECT_EQ(replay(observed, 6, 5).side, 1.6) << "six parameters wait for six failures";
  while (replay(observed, 2, 5).first == 0) {
    ASSERT_LT(observed.size(), 100u);
    observed.push_back(feasible_at({0.5, 0.5}, 0));
  }
  EXPECT_EQ(observed.size(), 12u + 7 * 4);  // 0.8 / 2^7 is below 2^-7
  EXPECT_EQ(replay(observed, 2, 5).side, 0.8);
  EXPECT_EQ(replay(observed, 2, 5).first, observed.size());
  EXPECT_FALSE(replay(observed, 2, 5).centre);
}

TEST(Region, NearestCountsInStretchesAndKeepsTheOrderOfTrials) {
  const Layout layout{{0, 0, 3}, {false, true, false}};
  const std::vector<Observed> observed = {
      feasible_at({0.9, 0.5, 0}, 0),              // 0.2 stretches of the first
      feasible_at({0.5, 0.6, 0}, 1),              // 0.4 of the second
      feasible_at({0.5, 0.5, 1}, 2),              // another word: 0.5
      feasible_at({0.5, space::kInactive, 0}, 3)  // inactive here alone: 0.5
  };
  const auto near = nearest(observed, layout, std::vector<double>{0.5, 0.5, 0},
                            std::vector<double>{2, 0.25, 1}, 3);
  ASSERT_EQ(near.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(*near[i].objective, i);
  EXPECT_EQ(nearest(observed, layout, observed[1].x, std::vector<double>{2, 0.25, 1}, 9).size(),
            4u);
}

struct Bowl {
  Space space = *Space::create("bowl", {real("x"),
                                        real("y"),
                                        {.name = "kind",
                                         .kind = Kind::kCategorical,
                                         .values = {std::string("a"), std::string("b")},
                                         .preferred = std::string("a")}});
  std::vector<study::Trial> history;
  Problem problem() const {
    return {.space = space, .history = history, .constraint_names = {"g"}, .seed = 3};
  }
  // The optimum is at (0.7, 0.3); the limit x + y >= 0.4 holds nearly everywhere.
  void add(const space::Configuration& c) {
    const double x = c.real("x", 0), y = c.real("y", 0), g = 0.4 - x - y;
    study::Trial t{.number = static_cast<int>(history.size()), .configuration = c};
    t.outcome = g <= 0 ? study::Outcome::kMeasured : study::Outcome::kUndeployable;
    t.constraints = {{"g", 1 + g, 1}};
    if (g <= 0)
      t.objective =
          -std::pow(x - 0.7, 2) - std::pow(y - 0.3, 2) - (c.word("kind", "") == "b" ? 1.0 : 0.0);
    history.push_back(t);
  }
};

TEST(Maximise, ABoxHoldsNumbersAndTheGradientStopsAtItsEnd) {
  const Bowl bowl;
  const Problem problem = bowl.problem();
  Gate gate(problem);
  const Scorer scorer{[](const Points& x) {
                        std::vector<double> v;
                        for (std::size_t i = 0; i < x.size(); ++i) v.push_back(x[i][0] - x[i][1]);
                        return v;
                      },
                      [](const Points& x, std::span<double> slopes) {
                        std::vector<double> v;
                        for (std::size_t i = 0; i < x.size(); ++i) {
                          v.push_back(x[i][0] - x[i][1]);
                          slopes[3 * i] = 1;
                          slopes[3 * i + 1] = -1;
                        }
                        return v;
                      }};
  const Box box{{0.5, 0.1, 0}, {0.2, 0.3, 1}};
  Rng rng(1);
  const auto x = maximise(problem, gate, scorer, {&box.centre, 1}, rng, {}, &box);
  ASSERT_TRUE(x);
  EXPECT_NEAR((*x)[0], 0.7, 1e-12);
  EXPECT_NEAR((*x)[1], 0.0, 1e-12);
}

TEST(Polish, WaitsForNeighboursThenStaysInTheRegionAndClimbs) {
  Bowl bowl;
  ModelMemory memory, near;
  Rng rng(5);
  std::size_t first = 0;
  for (int i = 0; i < 60; ++i) {
    const Problem problem = bowl.problem();
    const std::vector<Observed> observed = observe(problem);
    const Surrogates everywhere(problem, observed, observed, memory);
    const auto p =
        everywhere.models() == 0 ? std::nullopt : polish(problem, observed, everywhere, near);
    if (!p) {
      bowl.add(bowl.space.sample(rng));
      continue;
    }
    if (first == 0) first = observed.size();
    const Region region = replay(observed, 3, design_size(bowl.space));
    const space::Encoding to = bowl.space.encode(p->configuration),
                          &at = observed[*region.centre].x;
    const std::vector<double> stretch = stretches(everywhere);
    for (std::size_t k = 0; k < 2; ++k)  // texts of numbers are rounded
      EXPECT_LE(std::abs(to[k] - at[k]), stretch[k] * region.side / 2 + 1e-5);
    EXPECT_EQ(p->explanation.kind, "trust region");
    EXPECT_NE(p->why.find("by models of the 20 nearest trials"), std::string::npos) << p->why;
    bowl.add(p->configuration);
  }
  EXPECT_EQ(first, 26u);  // 1.3 x 5 (d + 1)
  double best = -1;
  for (const study::Trial& t : bowl.history) best = std::max(best, t.objective.value_or(-1));
  EXPECT_GT(best, -1e-6);
}

TEST(Polish, HasNothingToSayWhileNothingIsFeasible) {
  Bowl bowl;
  Rng rng(5);
  for (int i = 0; i < 40; ++i) {
    bowl.add(bowl.space.sample(rng));
    bowl.history.back().objective.reset();
    bowl.history.back().outcome = study::Outcome::kUndeployable;
    bowl.history.back().constraints = {{"g", 1.1 + 0.01 * i, 1}};
  }
  const Problem problem = bowl.problem();
  const std::vector<Observed> observed = observe(problem);
  ModelMemory memory, near;
  const Surrogates everywhere(problem, observed, observed, memory);
  EXPECT_FALSE(polish(problem, observed, everywhere, near));
}

}  // namespace
}  // namespace atml::propose
