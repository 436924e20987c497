#include "propose/models/forest.h"

#include <cmath>

#include <gtest/gtest.h>

namespace atml::propose {
namespace {

// A word decides the level; the number matters only where it is active (word 0).
Observations branched(std::size_t n) {
  Rng rng(4);
  Observations data;
  data.x.dimensions = 2;
  for (std::size_t j = 0; j < n; ++j) {
    const auto word = static_cast<double>(rng.below(3));
    const double x = word == 0 ? rng.uniform() : -1.0;
    const double point[] = {word, x};
    data.x.add(point);
    data.y.push_back(word == 0 ? 2 * x : word == 1 ? -3.0 : 5.0);
  }
  return data;
}

TEST(Forest, LearnsBranches) {
  const Layout layout{{3, 0}, {false, true}};
  const Forest forest(layout, branched(150), 1);
  const Points at{2, {0, 0.1, 0, 0.9, 1, -1, 2, -1}};
  std::vector<double> mean(4), variance(4);
  forest.predict(at, mean, variance);
  EXPECT_NEAR(mean[0], 0.2, 0.3);
  EXPECT_NEAR(mean[1], 1.8, 0.3);
  EXPECT_NEAR(mean[2], -3, 0.6);  // the levels are 5 and 8 apart
  EXPECT_NEAR(mean[3], 5, 0.6);
  for (const double v : variance) EXPECT_GT(v, 0);
}

TEST(Forest, IsDeterministicAndSurvivesOnePoint) {
  const Layout layout{{3, 0}, {false, true}};
  const Points at{2, {0, 0.4}};
  double a[1], b[1], v[1];
  Forest(layout, branched(40), 3).predict(at, a, v);
  Forest(layout, branched(40), 3).predict(at, b, v);
  EXPECT_EQ(a[0], b[0]);
  Forest(layout, branched(1), 3).predict(at, a, v);
  EXPECT_EQ(a[0], branched(1).y[0]);
}

}  // namespace
}  // namespace atml::propose
