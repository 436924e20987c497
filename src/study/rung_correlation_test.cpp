#include "study/rung_correlation.h"

#include <cmath>

#include <gtest/gtest.h>

namespace atml::study {
namespace {

TEST(RungCorrelation, ByHand) {
  // Ranks of b are 2, 1, 4, 3, 5: squared differences 1 + 1 + 1 + 1 + 0, rho = 1 - 6 * 4 / 120; two
  // of ten pairs are discordant, tau = (8 - 2) / 10.
  const std::vector<double> a = {0.1, 0.2, 0.3, 0.4, 0.5}, b = {0.7, 0.6, 0.9, 0.8, 1.0};
  EXPECT_NEAR(spearman(a, b), 0.8, 1e-12);
  EXPECT_NEAR(kendall(a, b), 0.6, 1e-12);
}

TEST(RungCorrelation, TiesShareTheirRank) {
  // Ranks 1.5, 1.5, 3 against 1, 2, 3: 1.5 / sqrt(1.5 * 2); tau-b = 2 / sqrt(2 * 3).
  const std::vector<double> a = {1, 1, 2}, b = {1, 2, 3}, same = {4, 4, 4};
  EXPECT_NEAR(spearman(a, b), 1.5 / std::sqrt(3.0), 1e-12);
  EXPECT_NEAR(kendall(a, b), 2 / std::sqrt(6.0), 1e-12);
  EXPECT_EQ(spearman(same, b), 0);
  EXPECT_EQ(kendall(same, b), 0);
}

TEST(RungCorrelation, PairsTrialsThatReachedBothRungs) {
  std::vector<Trial> trials(5);
  for (int i = 0; i < 5; ++i) {
    auto& t = trials[static_cast<std::size_t>(i)];
    t.rungs = {{.epochs = 1, .objective = 0.1 * i}};
    if (i >= 1) t.rungs.push_back({.epochs = 3, .objective = i == 2 ? std::nan("") : -0.1 * i});
  }
  const auto r = rung_correlations(trials);
  ASSERT_EQ(r.size(), 1u);
  EXPECT_EQ(r[0].trials, 3);
  EXPECT_NEAR(r[0].spearman, -1, 1e-12);
  EXPECT_EQ(rung_correlation_text(trials),
            "rung 1 -> 3 epochs: Spearman -1.00, Kendall -1.00 over 3 trials\n");
  EXPECT_EQ(rung_correlation_text({}), "");
}

}  // namespace
}  // namespace atml::study
