#include "propose/pareto.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "propose/penalty.h"

namespace atml::propose {
namespace {

Observed point(int number, double objective, double ram, bool feasible = true) {
  Observed o;
  o.number = number;
  o.objective = objective;
  o.uses["ram"] = ram;
  o.computable = true;
  o.feasible = feasible;
  o.violation = feasible ? 0 : ram - 1;
  return o;
}

TEST(Pareto, DominanceNeedsOneBetterAndNoWorse) {
  EXPECT_TRUE(dominates(std::vector<double>{1, 2}, std::vector<double>{1, 3}));
  EXPECT_FALSE(dominates(std::vector<double>{1, 2}, std::vector<double>{1, 2}));
  EXPECT_FALSE(dominates(std::vector<double>{0, 3}, std::vector<double>{1, 2}));
}

TEST(Pareto, FrontHoldsFeasibleUnbeatenTrials) {
  std::vector<study::Trial> history(4);
  const double objective[] = {0.9, 0.8, 0.85, 0.99}, ram[] = {0.9, 0.5, 0.95, 1.2};
  for (int i = 0; i < 4; ++i) {
    auto& t = history[static_cast<std::size_t>(i)];
    t.number = i;
    t.outcome = study::Outcome::kMeasured;
    t.objective = objective[i];
    t.constraints = {{"ram", ram[i], 1}};
  }
  EXPECT_EQ(feasible_front(history),
            (std::vector<int>{0, 1}));  // 2 is beaten by 0, 3 breaks the limit
}

TEST(Pareto, Nsga2OrdersByFrontThenCrowdingThenViolation) {
  const std::vector<Observed> observed = {point(0, 0.80, 0.80),      point(1, 0.90, 0.90),
                                          point(2, 0.50, 0.20),      point(3, 0.79, 0.79),
                                          point(4, 0.70, 0.95),      point(5, 0.99, 1.5, false),
                                          point(6, 0.95, 1.1, false)};
  const auto order = nsga2_order(observed);
  ASSERT_EQ(order.size(), 7u);
  // The first front is 0, 1, 2, 3 with the ends 1 and 2 first; then 4; then infeasible ones by
  // violation.
  EXPECT_EQ((std::vector<std::size_t>{std::min(order[0], order[1]), std::max(order[0], order[1])}),
            (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(order[4], 4u);
  EXPECT_EQ(order[5], 6u);
  EXPECT_EQ(order[6], 5u);
}

TEST(Pareto, ScalarisationFollowsItsWeights) {
  const std::vector<Observed> observed = {point(0, 0.9, 0.9), point(1, 0.5, 0.1)};
  const auto accuracy = scalarised(observed, std::vector<double>{0.99, 0.01});
  const auto memory = scalarised(observed, std::vector<double>{0.01, 0.99});
  EXPECT_GT(*accuracy[0].objective, *accuracy[1].objective);
  EXPECT_LT(*memory[0].objective, *memory[1].objective);
  Rng rng(1);
  const auto w = random_weights(4, rng);
  EXPECT_NEAR(w[0] + w[1] + w[2] + w[3], 1, 1e-12);
}

TEST(Penalty, MakesEveryAnswerAnObjective) {
  std::vector<Observed> observed = {point(0, 0.9, 0.9), point(1, 0.5, 0.9),
                                    point(2, 0.99, 1.5, false)};
  Observed failed;
  failed.computable = false;
  failed.violation = 10;
  observed.push_back(failed);
  const auto penalty = treated(observed, Treatment::kPenalty),
             constant = treated(observed, Treatment::kConstant);
  EXPECT_NEAR(*penalty[2].objective, 0.99 - 0.4 * 0.5, 1e-12);
  EXPECT_NEAR(*penalty[3].objective, 0.5 - 0.4 * 10, 1e-12);
  EXPECT_NEAR(*constant[2].objective, 0.1, 1e-12);
  EXPECT_NEAR(*constant[3].objective, 0.1, 1e-12);
  EXPECT_EQ(constant[0].objective, observed[0].objective);
}

}  // namespace
}  // namespace atml::propose
