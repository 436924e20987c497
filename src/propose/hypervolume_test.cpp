#include "propose/hypervolume.h"

#include <cmath>

#include <gtest/gtest.h>

#include "propose/models/sobol.h"
#include "propose/pareto.h"

namespace atml::propose {
namespace {

TEST(Hypervolume, ByHand) {
  // Boxes 1 x 3, 2 x 2 and 3 x 1 up to (4, 4), as a staircase: 3 + 2 + 1.
  EXPECT_NEAR(hypervolume({{1, 3}, {2, 2}, {3, 1}, {3, 3}, {5, 0}}, {4, 4}), 6, 1e-12);
  // Two boxes of 1 x 2 x 2 and 2 x 1 x 2 that share 1 x 1 x 2.
  EXPECT_NEAR(hypervolume({{1, 0, 0}, {0, 1, 0}}, {2, 2, 2}), 4 + 4 - 2, 1e-12);
  EXPECT_EQ(hypervolume({{5, 5}}, {4, 4}), 0);
}

space::Parameter real(std::string name, double low, double high) {
  return {.name = std::move(name), .low = low, .high = high, .preferred = (low + high) / 2};
}

// BNH (Binh and Korn 1997): two goals of which the second stands as a resource with a limit of 50;
// its two constraints are resources too.
const space::Space& bnh_space() {
  static const space::Space space =
      *space::Space::create("bnh", {real("x", 0, 5), real("y", 0, 3)});
  return space;
}
study::Trial bnh(const space::Configuration& c, int number) {
  const double x = c.real("x", 0), y = c.real("y", 0);
  study::Trial t;
  t.number = number;
  t.configuration = c;
  t.constraints = {{"cost", (x - 5) * (x - 5) + (y - 5) * (y - 5), 50}};
  const bool fits = t.constraints[0].margin() <= 0;
  t.outcome = fits ? study::Outcome::kMeasured : study::Outcome::kUndeployable;
  if (fits) t.objective = -(4 * x * x + 4 * y * y);
  return t;
}

double volume(const std::vector<study::Trial>& history) {
  std::vector<std::vector<double>> points;
  for (const study::Trial& t : history) {
    if (t.objective) points.push_back({-*t.objective, t.constraints[0].used});
  }
  return hypervolume(points, {140, 50});
}

std::vector<study::Trial> run(const std::string& name, int trials, std::uint64_t seed) {
  auto strategy = make_strategy(name).value();
  std::vector<study::Trial> history;
  for (int i = 0; i < trials; ++i) {
    const auto p = strategy->propose(
        {.space = bnh_space(), .history = history, .constraint_names = {"cost"}, .seed = seed});
    EXPECT_TRUE(p.ok());
    history.push_back(bnh(p->configuration, i));
  }
  return history;
}

TEST(Hypervolume, ParetoCoversMoreOfTheFrontThanChance) {
  double pareto = 0, random = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    pareto += volume(run("pareto", 25, seed)) / 3;
    random += volume(run("random", 25, seed)) / 3;
  }
  EXPECT_GT(pareto, random + 150);
  EXPECT_GT(pareto, 5050);  // the whole front, with both of the textbook constraints, has 5285
}

TEST(Hypervolume, GainsSlopeIsItsDerivative) {
  std::vector<study::Trial> history = run("sobol", 14, 4);
  for (int i = 0; i < 4; ++i) {  // so that the classifier has a part
    history[static_cast<std::size_t>(i)].outcome = study::Outcome::kBuildFailed;
    history[static_cast<std::size_t>(i)].objective.reset();
    history[static_cast<std::size_t>(i)].constraints.clear();
  }
  const Problem problem{
      .space = bnh_space(), .history = history, .constraint_names = {"cost"}, .seed = 1};
  const auto observed = observe(problem);
  ModelMemory memory;
  const Surrogates surrogates(problem, observed, observed, memory);
  const auto gain = HypervolumeGain::create(surrogates, observed, observed, memory);
  ASSERT_TRUE(gain);
  const std::vector<std::vector<double>> places = {{0.3, 0.6}, {0.8, 0.2}, {0.05, 0.9}};
  Points together{2, {}};
  for (const std::vector<double>& x : places) together.add(x);
  std::vector<double> all_slopes(6);
  const std::vector<double> all_values = gain->values_with_slopes(together, all_slopes);
  for (std::size_t place = 0; place < places.size(); ++place) {
    const std::vector<double>& x = places[place];
    std::vector<double> slope(2);
    const double value = gain->values_with_slopes({2, x}, slope)[0];
    EXPECT_EQ(value, all_values[place]);  // alone as together
    EXPECT_EQ(slope[0], all_slopes[2 * place]);
    EXPECT_EQ(slope[1], all_slopes[2 * place + 1]);
    EXPECT_NEAR(value, gain->values({2, x})[0], 1e-9);
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<double> up = x, down = x;
      up[i] += 1e-5, down[i] -= 1e-5;
      const double difference = (gain->values({2, up})[0] - gain->values({2, down})[0]) / 2e-5;
      EXPECT_NEAR(slope[i], difference, 1e-4 * (1 + std::abs(difference)));
    }
  }
}

}  // namespace
}  // namespace atml::propose
