#include "propose/models/ascend.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace atml::propose {
namespace {

// Minus Rosenbrock's valley; its maximum 0 at (0.7, 0.49) in these units.
std::vector<double> valley(std::span<const double> points, std::span<double> slopes) {
  std::vector<double> values;
  for (std::size_t i = 0; i < points.size(); i += 2) {
    const double x = points[i], y = points[i + 1], bend = y - x * x;
    values.push_back(-100 * bend * bend - (x - 0.7) * (x - 0.7));
    slopes[i] = 400 * bend * x - 2 * (x - 0.7);
    slopes[i + 1] = -200 * bend;
  }
  return values;
}

TEST(Ascend, FollowsACurvedValleyFromSeveralStarts) {
  std::vector<Ascent> searches = {{{0.1, 0.9}, {true, true}}, {{0.95, 0.05}, {true, true}}};
  ascend(valley, searches, 80, 1e-12);
  for (const Ascent& a : searches) {
    EXPECT_NEAR(a.position[0], 0.7, 1e-3);
    EXPECT_NEAR(a.position[1], 0.49, 1e-3);
    EXPECT_NEAR(a.value, 0, 1e-6);
  }
}

TEST(Ascend, StaysInTheBoxAndLeavesFixedNumbersAlone) {
  const ManySlopes plane = [](std::span<const double> points, std::span<double> slopes) {
    std::vector<double> values;
    for (std::size_t i = 0; i < points.size(); i += 3) {
      values.push_back(2 * points[i] - 3 * points[i + 1] + points[i + 2]);
      slopes[i] = 2;
      slopes[i + 1] = -3;
      slopes[i + 2] = 1;
    }
    return values;
  };
  std::vector<Ascent> searches = {{{0.5, 0.5, 0.25}, {true, true, false}}};
  ascend(plane, searches, 40);
  EXPECT_EQ(searches[0].position, (std::vector<double>{1, 0, 0.25}));
  EXPECT_EQ(searches[0].value, 2.25);
}

TEST(Ascend, NeverEndsBelowItsStart) {
  const ManySlopes lying = [](std::span<const double> points, std::span<double> slopes) {
    std::vector<double> values;
    for (std::size_t i = 0; i < points.size(); ++i) {
      values.push_back(points[i] == 0.5   ? 1
                       : points[i] > 0.55 ? std::numeric_limits<double>::quiet_NaN()
                                          : 0);
      slopes[i] = 1;  // upwards, where nothing better is
    }
    return values;
  };
  std::vector<Ascent> searches = {{{0.5}, {true}}};
  ascend(lying, searches, 30);
  EXPECT_EQ(searches[0].position[0], 0.5);
  EXPECT_EQ(searches[0].value, 1);
}

TEST(Ascend, AsksNoMoreOftenThanAllowed) {
  int calls = 0;
  std::vector<Ascent> searches = {{{0.1, 0.9}, {true, true}}, {{0.2, 0.2}, {true, true}}};
  ascend(
      [&](std::span<const double> points, std::span<double> slopes) {
        ++calls;
        return valley(points, slopes);
      },
      searches, 7, 0);
  EXPECT_EQ(calls, 7);
}

}  // namespace
}  // namespace atml::propose
