// "agp" on a function with a cheaper, biased source.
#include <cmath>

#include <gtest/gtest.h>

#include "propose/strategy.h"

namespace atml::propose {
namespace {

// The Forrester function (Forrester, Sobester and Keane 2007) and its cheap form
// 0.5 f + 10 (x - 0.5) - 5 over two parameters, the second of which adds a bowl. Minimum -6.0207.
double truth(double x, double y) {
  return (6 * x - 2) * (6 * x - 2) * std::sin(12 * x - 4) + 10 * (y - 0.3) * (y - 0.3);
}
double cheap(double x, double y) { return 0.5 * truth(x, y) + 10 * (x - 0.5) - 5; }

struct Course {
  double cost = 0, best = 1e9;
  int cheap = 0, full = 0;
};

Course run(const std::string& name, std::uint64_t seed, double budget) {
  const auto space = *space::Space::create(
      "forrester", {{.name = "x", .preferred = 0.5}, {.name = "y", .preferred = 0.5}});
  auto strategy = make_strategy(name).value();
  std::vector<study::Trial> history;
  Course r;
  while (r.cost < budget && history.size() < 60) {
    const auto p =
        strategy->propose({.space = space, .history = history, .seed = seed, .sources = {1, 10}});
    EXPECT_TRUE(p.ok());
    study::Trial t;
    t.number = static_cast<int>(history.size());
    t.configuration = p->configuration;
    const double x = t.configuration.real("x", 0), y = t.configuration.real("y", 0);
    t.rungs = {{.epochs = 1, .objective = -cheap(x, y)}};
    if (p->epochs == 0) {
      t.outcome = study::Outcome::kMeasured;
      t.objective = -truth(x, y);
      r.best = std::min(r.best, truth(x, y));
      r.cost += 1;
      ++r.full;
    } else {
      EXPECT_EQ(p->epochs, 1);
      t.outcome = study::Outcome::kPruned;
      r.cost += 0.1;
      ++r.cheap;
    }
    history.push_back(t);
  }
  return r;
}

TEST(MultiSource, AsksTheCheapSourceAndFindsTheTrueOptimum) {
  int found = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
    const Course r = run("agp", seed, 16);
    EXPECT_GT(r.cheap, 3) << seed;
    EXPECT_GT(r.full, 5) << seed;
    found += r.best < -5.5;
  }
  EXPECT_GE(found, 3);  // the published bound (beta = 1) may stay in the local minimum at -0.99
}

TEST(MultiSource, WithoutCheaperSourcesEverythingIsFull) {
  const auto space = *space::Space::create("line", {{.name = "x", .preferred = 0.5}});
  const auto p = make_strategy("agp").value()->propose({.space = space, .history = {}, .seed = 1});
  ASSERT_TRUE(p.ok());
  EXPECT_EQ(p->epochs, 0);
}

}  // namespace
}  // namespace atml::propose
