#include "propose/models/lanes.h"

#include <cmath>

#include <gtest/gtest.h>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/LU>

#include "base/random.h"
#include "propose/models/gaussian_process.h"
#include "propose/models/lanes_loops.h"

namespace atml::propose {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

MatrixXd random_covariance(std::size_t n, std::uint64_t seed) {
  Rng rng(seed);
  MatrixXd a(n, n);
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) a(i, j) = rng.normal();
  }
  return a * a.transpose() / static_cast<double>(n) + 0.01 * MatrixXd::Identity(a.rows(), a.cols());
}

// Rows begin .. begin + count - 1 of K as append() wants them.
std::vector<Lanes> columns_of(const MatrixXd& k, std::size_t begin, std::size_t count) {
  std::vector<Lanes> columns(begin + count);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t l = 0; l < count; ++l)
      columns[i].v[l] = k(static_cast<Index>(i), static_cast<Index>(begin + l));
  }
  return columns;
}

Factor grown(const MatrixXd& k, std::size_t block) {
  Factor factor;
  const auto n = static_cast<std::size_t>(k.rows());
  while (factor.size() < n) {
    const std::size_t count = std::min(block, n - factor.size());
    EXPECT_TRUE(factor.append(columns_of(k, factor.size(), count), count));
  }
  return factor;
}

TEST(Lanes, ExponentialIsThatOfTheLibrary) {
  Rng rng(3);
  for (int k = 0; k < 2000; ++k) {
    Lanes x;
    for (double& v : x.v) v = -std::pow(10.0, 4 * rng.uniform() - 2);
    x.v[0] = 0;
    x.v[1] = -std::exp2(-60);
    x.v[2] = -699.9;
    x.v[3] = -701;
    const Lanes e = exp_lanes(x);
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double expected = x.v[l] < -700 ? 0 : std::exp(x.v[l]);
      EXPECT_NEAR(e.v[l], expected, 4.5e-16 * expected) << x.v[l];
    }
  }
}

TEST(Factor, GrownRowByRowAgreesWithTheFullFactorisationTo1e8) {
  const MatrixXd k = random_covariance(61, 5);
  const MatrixXd full = Eigen::LLT<MatrixXd>(k).matrixL();
  const Factor factor = grown(k, 1);
  for (std::size_t i = 0; i < factor.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j)
      EXPECT_NEAR(factor.row(i)[j], full(static_cast<Index>(i), static_cast<Index>(j)), 1e-8);
  }
}

TEST(Factor, EqualsToTheLastBitHoweverItGrew) {
  const MatrixXd k = random_covariance(61, 6);
  const Factor by_one = grown(k, 1), by_three = grown(k, 3), by_eight = grown(k, 8);
  Factor cut = by_eight;  // and shrunk, then grown again
  cut.truncate(37);
  while (cut.size() < 61) EXPECT_TRUE(cut.append(columns_of(k, cut.size(), 1), 1));
  for (std::size_t i = 0; i < 61; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      EXPECT_EQ(by_one.row(i)[j], by_eight.row(i)[j]);
      EXPECT_EQ(by_three.row(i)[j], by_eight.row(i)[j]);
      EXPECT_EQ(cut.row(i)[j], by_eight.row(i)[j]);
    }
  }
}

TEST(Factor, SolvesBothTriangles) {
  const MatrixXd k = random_covariance(45, 7);
  const MatrixXd l = Eigen::LLT<MatrixXd>(k).matrixL();
  const Factor factor = grown(k, 8);
  Rng rng(8);
  std::vector<Lanes> columns(45);
  MatrixXd right(45, 8);
  for (Index i = 0; i < 45; ++i) {
    for (Index c = 0; c < 8; ++c) {
      right(i, c) = rng.normal();
      columns[static_cast<std::size_t>(i)].v[c] = right(i, c);
    }
  }
  const auto expect_near = [&](const MatrixXd& expected, Index from) {
    for (Index i = from; i < 45; ++i) {
      for (Index c = 0; c < 8; ++c)
        EXPECT_NEAR(columns[static_cast<std::size_t>(i)].v[c], expected(i, c), 1e-8);
    }
  };
  std::vector<Lanes> leading(columns.begin(), columns.begin() + 20);
  factor.forward(columns);
  const MatrixXd forward = l.triangularView<Eigen::Lower>().solve(right);
  expect_near(forward, 0);
  factor.forward(leading);  // the same as the rows of the whole
  for (std::size_t i = 0; i < leading.size(); ++i) EXPECT_EQ(leading[i].v[3], columns[i].v[3]);
  factor.backward(columns);
  expect_near(k.llt().solve(right), 0);
  // Columns of the identity from row 16 on: the lower part of K^-1.
  std::vector<Lanes> inverse(45);
  for (std::size_t c = 0; c < 8; ++c) inverse[16 + c].v[c] = 1;
  factor.forward(inverse, 16);
  factor.backward(inverse, 16);
  const MatrixXd full = k.inverse();
  for (std::size_t i = 16; i < 45; ++i) {
    for (std::size_t c = 0; c < 8; ++c)
      EXPECT_NEAR(inverse[i].v[c], full(static_cast<Index>(i), static_cast<Index>(16 + c)), 1e-8);
  }
}

TEST(Factor, RefusesWhatIsNotPositiveDefinite) {
  MatrixXd k = random_covariance(10, 9);
  k.row(9) = k.row(4);
  k.col(9) = k.col(4);
  k(9, 9) = k(4, 4) - 1e-3;
  Factor factor = grown(k.topLeftCorner(9, 9), 8);
  EXPECT_FALSE(factor.append(columns_of(k, 9, 1), 1));
  EXPECT_EQ(factor.size(), 9u);
}

// A process that was given a shorter one predicts what a new one does, to the last bit: also where
// later points are others, or where the noise-free matrix needs jitter.
TEST(GaussianProcess, ExtendedEqualsAnew) {
  Rng rng(4);
  const Layout layout{{0, 3, 0}, {false, true, true}};
  Observations data;
  data.x.dimensions = 3;
  for (int i = 0; i < 50; ++i) {
    const bool active = rng.chance(0.5);
    const double x[] = {rng.uniform(), active ? static_cast<double>(rng.below(3)) : -1,
                        active ? rng.uniform() : -1};
    data.x.add(x);
    data.y.push_back(rng.normal());
  }
  const auto first = [&](std::size_t n) {
    Observations part;
    part.x = {3, {data.x.values.begin(), data.x.values.begin() + static_cast<long>(3 * n)}};
    part.y.assign(data.y.begin(), data.y.begin() + static_cast<long>(n));
    return part;
  };
  for (const double log_noise : {-3.0, -60.0}) {
    const Hyper hyper{{0.3, 0.1, 2.5}, 0.2, log_noise, 0.1};
    Observations other = data;
    other.x.values[3 * 40] = 0.123;  // point 40 on is another
    const GaussianProcess whole(layout, data, hyper), shorter(layout, first(31), hyper),
        diverging(layout, other, hyper);
    const Points at{3, {0.2, 1, 0.7, 0.9, -1, -1}};
    double mean[2], variance[2], mean2[2], variance2[2];
    whole.predict(at, mean, variance);
    for (const GaussianProcess* earlier : {&shorter, &diverging, &whole}) {
      const GaussianProcess extended(layout, data, hyper, earlier);
      extended.predict(at, mean2, variance2);
      for (int k = 0; k < 2; ++k) {
        EXPECT_EQ(mean[k], mean2[k]);
        EXPECT_EQ(variance[k], variance2[k]);
      }
    }
  }
}

TEST(GaussianProcess, PartOfTheDataGivesTheVarianceOfThatPart) {
  Rng rng(5);
  const Layout layout{{0, 0}, {false, false}};
  Observations data, part;
  data.x.dimensions = part.x.dimensions = 2;
  for (int i = 0; i < 20; ++i) {
    const double x[] = {rng.uniform(), rng.uniform()};
    data.x.add(x);
    data.y.push_back(rng.normal());
    if (i >= 12) continue;
    part.x.add(x);
    part.y.push_back(data.y.back());
  }
  const Hyper hyper{{-0.5, 0.2}, 0.1, -4, 0};
  const GaussianProcess whole(layout, data, hyper), small(layout, part, hyper);
  const Points at{2, {0.3, 0.4}};
  double mean = 0, variance = 0, mean2 = 0, variance2 = 0, mean3 = 0, variance3 = 0;
  whole.predict(at, {&mean, 1}, {&variance, 1}, 12);
  small.predict(at, {&mean2, 1}, {&variance2, 1});
  whole.predict(at, {&mean3, 1}, {&variance3, 1});
  EXPECT_EQ(variance, variance2);
  EXPECT_EQ(mean, mean3);
  EXPECT_LT(variance3, variance);
}

// What every loop says of the same random numbers, one after the other.
std::vector<Lanes> all_results(const Loops& loops) {
  constexpr std::size_t n = 45, numbers = 7, words = 3, features = numbers + words;
  Rng rng(11);
  const auto lanes = [&](std::size_t count) {
    std::vector<Lanes> random(count);
    for (Lanes& r : random)
      for (double& v : r.v) v = rng.normal();
    return random;
  };
  std::vector<double> points(n * features), weights(words), column(n);
  for (double& v : points) v = rng.normal();
  for (double& v : weights) v = rng.uniform();
  for (double& v : column) v = rng.normal();
  std::vector<Lanes> others = lanes(features), k(n), pull(n), sums = lanes(features);
  for (std::size_t f = numbers; f < features; ++f) {
    for (double& v : others[f].v) v = static_cast<double>(rng.below(3));
    for (std::size_t i = 0; i < n; ++i)
      points[i * features + f] = static_cast<double>(rng.below(3));
  }
  std::vector<Lanes> results;
  const auto keep = [&](const std::vector<Lanes>& more) {
    results.insert(results.end(), more.begin(), more.end());
  };
  loops.covariances(points.data(), n, numbers, weights.data(), words, others.data(), 1.7, k.data(),
                    pull.data());
  keep(k);
  keep(pull);
  loops.weigh_offsets(points.data(), n, numbers, features, others.data(), k.data(), sums.data());
  keep(sums);
  loops.weigh_squares(points.data(), n, numbers, weights.data(), words, others.data(), k.data(),
                      sums.data());
  keep(sums);
  std::vector<double> packed(n * (n + 1) / 2);
  for (double& v : packed) v = 0.1 * rng.normal();
  for (std::size_t i = 0; i < n; ++i) packed[i * (i + 1) / 2 + i] = 1 + rng.uniform();
  std::vector<Lanes> columns = lanes(n), own = lanes(8), one(3);
  loops.forward(packed.data(), 2, n, columns.data());
  keep(columns);
  loops.backward(packed.data(), n, 1, columns.data());
  keep(columns);
  for (std::size_t l = 0; l < own.size(); ++l) own[l].v[l] = 400;
  EXPECT_TRUE(loops.factor_own(k.data(), n, own.size(), own.data()));
  keep(own);
  loops.dot_lanes(k.data(), columns.data(), n, &one[0]);
  loops.dot_column(k.data(), column.data(), n, &one[1]);
  Lanes argument = lanes(1)[0];
  for (double& v : argument.v) v = -std::abs(300 * v);
  argument.v[0] = -1000;
  loops.exponential(&argument, &one[2]);
  keep(one);
  return results;
}

TEST(Loops, GiveTheSameBitsOnEveryKindOfProcessor) {
  const std::vector<Lanes> expected = all_results(*runnable_loops().back());
  EXPECT_GT(expected.size(), 200u);
  for (const Loops* loops : runnable_loops()) {
    const std::vector<Lanes> results = all_results(*loops);
    ASSERT_EQ(results.size(), expected.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        ASSERT_TRUE(std::isfinite(results[i].v[l])) << i;
        EXPECT_EQ(results[i].v[l], expected[i].v[l]) << i << ", lane " << l;
      }
    }
  }
}

}  // namespace
}  // namespace atml::propose
