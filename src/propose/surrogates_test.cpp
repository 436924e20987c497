// Surrogates of histories in which trials stand at different rungs.
#include "propose/surrogates.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"

namespace atml::propose {
namespace {

using study::Outcome;
using study::Trial;

// Full trainings, and what two epochs already say: the same landscape, less of its height, and a
// tilt that late learners make.
double full_value(double a, double b) {
  return std::sin(6 * a) * (0.5 + b) - (b - 0.6) * (b - 0.6);
}
double early_value(double a, double b) { return 0.8 * full_value(a, b) - 0.4 - 0.15 * a; }

class Rungs : public ::testing::Test {
 protected:
  Rungs()
      : space_(*space::Space::create(
            "plane",
            {{.name = "a", .kind = space::Kind::kReal, .low = 0, .high = 1, .preferred = 0.5},
             {.name = "b", .kind = space::Kind::kReal, .low = 0, .high = 1, .preferred = 0.5}})) {}

  void add(double a, double b, bool full) {
    Trial t;
    t.number = static_cast<int>(trials_.size());
    t.configuration.set("a", a);
    t.configuration.set("b", b);
    t.constraints = {{"flash", 0.5, 1}};
    t.rungs = {{.epochs = 2, .objective = early_value(a, b)}};
    t.outcome = full ? Outcome::kMeasured : Outcome::kPruned;
    if (full) {
      t.rungs.push_back({.epochs = 18, .objective = full_value(a, b)});
      t.objective = full_value(a, b);
    }
    trials_.push_back(t);
  }

  // Root mean square error of the warped objective at the top rung over a grid.
  double error(const std::vector<Trial>& history) {
    const Problem problem{.space = space_, .history = history};
    const std::vector<Observed> observed = observe(problem);
    ModelMemory memory;
    const Surrogates surrogates(problem, observed, observed, memory);
    double square = 0;
    for (int i = 0; i < 100; ++i) {
      const double a = (i % 10 + 0.5) / 10, b = (i / 10 + 0.5) / 10;
      double mean = 0, variance = 0;
      surrogates.objective()->predict({2, {a, b}}, {&mean, 1}, {&variance, 1});
      const double off = surrogates.objective_warp()->inverse(mean) - full_value(a, b);
      square += off * off;
    }
    return std::sqrt(square / 100);
  }

  space::Space space_;
  std::vector<Trial> trials_;
};

TEST_F(Rungs, EarlyValuesImproveThePredictionOfFullOnes) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    trials_.clear();
    Rng rng(seed);
    std::vector<Trial> full_only, flat;
    for (int i = 0; i < 40; ++i) {
      add(rng.uniform(), rng.uniform(), i % 5 == 0);
      if (i % 5 == 0) full_only.push_back(trials_.back());
    }
    for (Trial& t : full_only) t.rungs.clear();
    // What the model did before it knew the rung: the last value plus the median gain, as if full.
    const std::vector<Observed> observed = observe({.space = space_, .history = trials_});
    for (std::size_t i = 0; i < trials_.size(); ++i) {
      flat.push_back(trials_[i]);
      flat[i].objective = observed[i].objective;
      flat[i].outcome = Outcome::kMeasured;
      flat[i].rungs.clear();
    }
    const double aware = error(trials_), ignoring = error(full_only), unaware = error(flat);
    EXPECT_LT(aware, 0.6 * ignoring) << seed;
    EXPECT_LT(aware, unaware) << seed;
  }
}

TEST_F(Rungs, PartialValuesStandAtTheirFidelityAndAtTheLevelOfFullOnes) {
  add(0.2, 0.5, true);
  add(0.4, 0.5, true);
  add(0.7, 0.5, false);
  const std::vector<Observed> observed = observe({.space = space_, .history = trials_});
  const double gains[] = {full_value(0.2, 0.5) - early_value(0.2, 0.5),
                          full_value(0.4, 0.5) - early_value(0.4, 0.5)};
  ASSERT_EQ(observed[2].partials.size(), 1u);
  EXPECT_NEAR(observed[2].partials[0].fidelity, std::log(3.0) / std::log(19.0), 1e-12);
  EXPECT_NEAR(observed[2].partials[0].objective, early_value(0.7, 0.5) + (gains[0] + gains[1]) / 2,
              1e-12);
  const ObjectiveWarp warp(objectives(observed));
  const Observations data = staged_data(observed, warp);
  ASSERT_EQ(data.size(), 5u);  // two of each measured trial, one of the pruned
  EXPECT_EQ(data.x.dimensions, 3u);
  EXPECT_EQ(data.x[1][2], 1);
  EXPECT_EQ(data.y[1], warp(full_value(0.2, 0.5)));
}

TEST_F(Rungs, HistoriesOfOneRungKeepTheirModel) {
  add(0.2, 0.5, true);
  trials_[0].rungs.erase(trials_[0].rungs.begin());
  EXPECT_FALSE(is_staged(observe({.space = space_, .history = trials_})));
}

TEST_F(Rungs, OfManyValuesTheOldPartialOnesGo) {
  Rng rng(3);
  for (int i = 0; i < 200; ++i) add(rng.uniform(), rng.uniform(), true);
  const std::vector<Observed> observed = observe({.space = space_, .history = trials_});
  const ObjectiveWarp warp(objectives(observed));
  const Observations data = staged_data(observed, warp);
  EXPECT_EQ(data.size(), 300u);
  EXPECT_EQ(data.x[0][2], 1);                // of the first trial only the full value
  EXPECT_LT(data.x[data.size() - 2][2], 1);  // of the last one both
}

TEST(FittedHyper, FollowFromTheDataAlone) {
  Rng rng(6);
  const Layout layout{{0, 0}, {false, false}};
  Observations data;
  data.x.dimensions = 2;
  ModelMemory warm;
  for (int i = 0; i < 130; ++i) {
    const double x[] = {rng.uniform(), rng.uniform()};
    data.x.add(x);
    data.y.push_back(std::sin(7 * x[0]) + 0.2 * x[1]);
    if (i % 30 == 29) warm.fitted(layout, data);  // an uninterrupted study
  }
  ModelMemory cold;  // a resumed one
  EXPECT_EQ(warm.fitted(layout, data).log_length, cold.fitted(layout, data).log_length);
  // Warm starts end where long fits do.
  const Hyper longer = fit(layout, data, prior_mode(2), 200);
  EXPECT_NEAR(negative_log_posterior(layout, data, cold.fitted(layout, data)),
              negative_log_posterior(layout, data, longer), 1);
}

// Values whose logarithm is smooth get a power, smooth ones none; either way a resumed study
// agrees.
TEST(FittedHyper, APowerIsTakenWhereItPays) {
  const Layout layout{{0, 0}, {false, false}};
  const auto data_of = [&](bool skewed) {
    Rng rng(9);
    Observations data;
    data.x.dimensions = 2;
    for (int i = 0; i < 40; ++i) {
      const double x[] = {rng.uniform(), rng.uniform()};
      data.x.add(x);
      const double smooth = std::sin(5 * x[0]) + 0.5 * x[1];
      data.y.push_back(skewed ? std::exp(3 * smooth) / 10 - 1 : smooth);
    }
    return data;
  };
  ModelMemory memory;
  const Hyper skewed = memory.fitted_with_power(layout, data_of(true));
  EXPECT_LT(skewed.power, 0.6);
  EXPECT_EQ(memory.fitted_with_power(layout, data_of(false)).power, 1);
  EXPECT_EQ(ModelMemory().fitted_with_power(layout, data_of(true)).power, skewed.power);
}

}  // namespace
}  // namespace atml::propose
