#include "propose/importance.h"

#include <cmath>

#include <gtest/gtest.h>

#include "propose/models/sobol.h"

namespace atml::propose {
namespace {

space::Parameter unit(std::string name) {
  return {.name = std::move(name), .low = 0, .high = 1, .preferred = 0.5};
}

TEST(Importance, AgreesWithTheAnalyticIndicesOfALinearFunction) {
  // f = 3 a + b + 0 c over the unit cube: variances 9/12 and 1/12, so the indices are 0.9, 0.1, 0.
  const auto space = *space::Space::create("cube", {unit("a"), unit("b"), unit("c")});
  std::vector<study::Trial> history;
  Sobol sobol(3, 5);
  for (int i = 0; i < 40; ++i) {
    study::Trial t;
    t.number = i;
    t.configuration = space.decode(space.from_unit(sobol.next()));
    const double a = t.configuration.real("a", 0), b = t.configuration.real("b", 0);
    t.outcome = study::Outcome::kMeasured;
    t.objective = 3 * a + b;
    t.constraints = {{"ram", 0.5 + 0.2 * t.configuration.real("c", 0), 1}};
    history.push_back(t);
  }
  const auto shares =
      importances({.space = space, .history = history, .constraint_names = {"ram"}});
  ASSERT_EQ(shares.size(), 3u);
  EXPECT_EQ(shares[1].parameter, "b");
  EXPECT_NEAR(shares[0].objective, 0.9, 0.06);  // the warp bends the lower half a little
  EXPECT_NEAR(shares[1].objective, 0.1, 0.06);
  EXPECT_LT(shares[2].objective, 0.02);
  EXPECT_GT(shares[2].constraints.at("ram"), 0.95);
  EXPECT_LT(shares[0].constraints.at("ram"), 0.02);
}

TEST(Importance, OfNothingIsNothing) {
  const auto space = *space::Space::create("line", {unit("a")});
  const auto shares = importances({.space = space, .history = {}, .constraint_names = {"ram"}});
  ASSERT_EQ(shares.size(), 1u);
  EXPECT_EQ(shares[0].objective, 0);
}

}  // namespace
}  // namespace atml::propose
