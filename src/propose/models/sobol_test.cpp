#include "propose/models/sobol.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace atml::propose {
namespace {

TEST(Sobol, EveryAxisIsStratifiedInBlocksOfPowersOfTwo) {
  Sobol sobol(70, 5);
  std::vector<std::vector<double>> points;
  for (int i = 0; i < 256; ++i) points.push_back(sobol.next());
  for (std::size_t d = 0; d < 70; ++d) {
    for (const std::size_t block : {64u, 256u}) {
      for (std::size_t start = 0; start + block <= 256; start += block) {
        std::set<int> cells;
        for (std::size_t i = start; i < start + block; ++i) {
          ASSERT_GE(points[i][d], 0);
          ASSERT_LT(points[i][d], 1);
          cells.insert(static_cast<int>(points[i][d] * static_cast<double>(block)));
        }
        EXPECT_EQ(cells.size(), block) << "axis " << d;
      }
    }
  }
}

TEST(Sobol, IntegratesBetterThanMonteCarlo) {
  // Mean of prod (1 + (x_i - 1/2)) over 8 dimensions is 1; Monte Carlo's error at 4096 points is
  // about 0.014.
  double worst = 0;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Sobol sobol(8, seed);
    double sum = 0;
    for (int i = 0; i < 4096; ++i) {
      double product = 1;
      for (const double x : sobol.next()) product *= 0.5 + x;
      sum += product;
    }
    worst = std::max(worst, std::abs(sum / 4096 - 1));
  }
  EXPECT_LT(worst, 0.003);
}

TEST(Sobol, SameSeedSamePointsOtherSeedOthers) {
  Sobol a(3, 1), b(3, 1), c(3, 2);
  const auto first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
}

}  // namespace
}  // namespace atml::propose
