#include "propose/models/gaussian_process.h"

#include <array>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "base/random.h"
#include "propose/models/power.h"

namespace atml::propose {
namespace {

double matern(double s2, double r2) {
  const double r = std::sqrt(r2), a = std::sqrt(5.0) * r;
  return s2 * (1 + a + 5.0 / 3 * r2) * std::exp(-a);
}

using Dense = std::vector<std::vector<double>>;

// Gauss-Jordan with row exchange: nothing shared with the code under test. Also gives log |A|.
Dense inverse(Dense a, double& log_determinant) {
  const std::size_t n = a.size();
  Dense out(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) out[i][i] = 1;
  log_determinant = 0;
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c; r < n; ++r) {
      if (std::abs(a[r][c]) > std::abs(a[pivot][c])) pivot = r;
    }
    std::swap(a[c], a[pivot]);
    std::swap(out[c], out[pivot]);
    log_determinant += std::log(std::abs(a[c][c]));
    const double d = a[c][c];
    for (std::size_t k = 0; k < n; ++k) a[c][k] /= d, out[c][k] /= d;
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c) continue;
      const double f = a[r][c];
      for (std::size_t k = 0; k < n; ++k) a[r][k] -= f * a[c][k], out[r][k] -= f * out[c][k];
    }
  }
  return out;
}

// Distances straight from the definition in the header's notation.
double delta(const Layout& layout, std::size_t i, double a, double b) {
  if (layout.words[i] > 0) return a == b ? 0 : 1;
  const bool in_a = a != -1, in_b = b != -1;
  if (in_a && in_b) return (a - b) * (a - b);
  if (!in_a && !in_b) return 0;
  const double x = in_a ? a : b;
  return (x - 0.5) * (x - 0.5) + 0.25;
}

double kernel(const Layout& layout, const Hyper& h, std::span<const double> a,
              std::span<const double> b) {
  double r2 = 0;
  for (std::size_t i = 0; i < layout.dimensions(); ++i)
    r2 += delta(layout, i, a[i], b[i]) * std::exp(-2 * h.log_length[i]);
  return matern(std::exp(h.log_scale), r2);
}

struct Case {
  Layout layout;
  Observations data;
  Hyper hyper;
};

// Two numbers (one conditional), a word of three (conditional) and a plain word of two.
Case random_case(std::size_t n, std::uint64_t seed) {
  Rng rng(seed);
  Case c;
  c.layout = {{0, 0, 3, 2}, {false, true, true, false}};
  c.data.x.dimensions = 4;
  for (std::size_t j = 0; j < n; ++j) {
    const bool active = rng.chance(0.6);
    const double point[] = {rng.uniform(), active ? rng.uniform() : -1.0,
                            rng.chance(0.7) ? static_cast<double>(rng.below(3)) : -1.0,
                            static_cast<double>(rng.below(2))};
    c.data.x.add(point);
    c.data.y.push_back(rng.normal());
    c.data.extra.push_back(0.1 * rng.uniform());
  }
  c.hyper = {{-0.4, 0.1, 0.3, -0.2}, 0.25, -2.5, 0.15};
  return c;
}

Dense covariance(const Case& c) {
  const std::size_t n = c.data.size();
  Dense k(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      k[i][j] = kernel(c.layout, c.hyper, c.data.x[i], c.data.x[j]);
      if (i == j)
        k[i][j] +=
            std::exp(c.hyper.log_noise) + c.data.extra[i] + 1e-8 * std::exp(c.hyper.log_scale);
    }
  }
  return k;
}

TEST(GaussianProcess, ThreePointsByHand) {
  // Points 0, 1/2, 1 with length-scale 1/2: r = 1 between neighbours, 2 between the ends.
  // rho1 = (1 + sqrt5 + 5/3) e^-sqrt5, rho2 = (1 + 2 sqrt5 + 20/3) e^-2sqrt5; K =
  // [[v,a,b],[a,v,a],[b,a,v]].
  const double a = (1 + std::sqrt(5.0) + 5.0 / 3) * std::exp(-std::sqrt(5.0));
  const double b = (1 + 2 * std::sqrt(5.0) + 20.0 / 3) * std::exp(-2 * std::sqrt(5.0));
  const double v = 1 + 0.01 + 1e-8;
  // y = (1, 0, 1) is symmetric: alpha = (p, q, p) with (v + b) p + a q = 1 and 2 a p + v q = 0.
  const double p = v / (v * (v + b) - 2 * a * a), q = -2 * a * p / v;
  const Layout layout{{0}, {false}};
  Observations data;
  data.x = {1, {0, 0.5, 1}};
  data.y = {1, 0, 1};
  const Hyper h{{std::log(0.5)}, 0, std::log(0.01), 0};
  const GaussianProcess gp(layout, data, h);
  const Points at{1, {0.5, 0.25}};
  std::array<double, 2> mean{}, variance{};
  gp.predict(at, mean, variance);
  EXPECT_NEAR(mean[0], 2 * a * p + q, 1e-12);
  // Variance at the middle: k = (a, 1, a); K^-1 k = (s, t, s) with (v + b) s + a t = a, 2 a s + v t
  // = 1.
  const double s = (a * v - a) / (v * (v + b) - 2 * a * a), t = (1 - 2 * a * s) / v;
  EXPECT_NEAR(variance[0], 1 - (2 * a * s + t), 1e-12);
  const double h1 = matern(1, 0.25), h3 = matern(1, 2.25);  // r = 1/2, 1/2 and 3/2
  EXPECT_NEAR(mean[1], h1 * p + h1 * q + h3 * p, 1e-12);
  // Likelihood: y^T alpha = 2 p; |K| = (v - b) (v (v + b) - 2 a^2).
  const double determinant = (v - b) * (v * (v + b) - 2 * a * a);
  const double likelihood = p + 0.5 * std::log(determinant) + 1.5 * std::log(2 * std::numbers::pi);
  const double off = std::log(0.5) - std::numbers::sqrt2, noise = (std::log(0.01) + 6) / 2.5;
  const double prior = off * off / 6 + std::log(0.5) + noise * noise / 2;
  EXPECT_NEAR(negative_log_posterior(layout, data, h), likelihood + prior, 1e-11);
}

TEST(GaussianProcess, AgreesWithAnIndependentDenseComputation) {
  const Case c = random_case(25, 4);
  const std::size_t n = c.data.size();
  double log_determinant = 0;
  const Dense inv = inverse(covariance(c), log_determinant);
  std::vector<double> alpha(n, 0.0);
  double quadratic = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) alpha[i] += inv[i][j] * (c.data.y[j] - c.hyper.mean);
    quadratic += alpha[i] * (c.data.y[i] - c.hyper.mean);
  }
  double prior = 0;
  for (const double u : c.hyper.log_length) {
    const double off = u - (std::numbers::sqrt2 + 0.5 * std::log(4.0));
    prior += off * off / 6 + u;
  }
  prior += 0.5 * (std::pow(c.hyper.log_scale / 1.5, 2) +
                  std::pow((c.hyper.log_noise + 6) / 2.5, 2) + c.hyper.mean * c.hyper.mean);
  EXPECT_NEAR(negative_log_posterior(c.layout, c.data, c.hyper),
              quadratic / 2 + log_determinant / 2 +
                  0.5 * static_cast<double>(n) * std::log(2 * std::numbers::pi) + prior,
              1e-8);

  const GaussianProcess gp(c.layout, c.data, c.hyper);
  const Points at = random_case(10, 99).data.x;
  std::vector<double> mean(10), variance(10);
  gp.predict(at, mean, variance);
  for (std::size_t m = 0; m < 10; ++m) {
    std::vector<double> k(n);
    double expected_mean = c.hyper.mean, expected_variance = std::exp(c.hyper.log_scale);
    for (std::size_t i = 0; i < n; ++i) {
      k[i] = kernel(c.layout, c.hyper, at[m], c.data.x[i]);
      expected_mean += k[i] * alpha[i];
    }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) expected_variance -= k[i] * inv[i][j] * k[j];
    EXPECT_NEAR(mean[m], expected_mean, 1e-8);
    EXPECT_NEAR(variance[m], expected_variance, 1e-8);
  }
}

// The hyper-parameters with one number, in the order of the gradients, moved.
Hyper perturbed(Hyper h, std::size_t index, double by) {
  const std::size_t d = h.log_length.size();
  if (index < d)
    h.log_length[index] += by;
  else
    (index == d       ? h.log_scale
     : index == d + 1 ? h.log_noise
     : index == d + 2 ? h.mean
                      : h.power) += by;
  return h;
}

// Richardson extrapolation of central differences: error O(h^4), about 1e-10.
template <class Value>
void expect_derivatives(const std::vector<double>& gradient, const Hyper& at, const Value& value) {
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const auto slope = [&](double h) {
      return (value(perturbed(at, i, h)) - value(perturbed(at, i, -h))) / (2 * h);
    };
    const double h = 2e-3;
    EXPECT_NEAR(gradient[i], (4 * slope(h / 2) - slope(h)) / 3, 1e-8 * (1 + std::abs(gradient[i])))
        << i << ", power " << at.power;
  }
}

TEST(GaussianProcess, LikelihoodGradientIsTheDerivative) {
  const Case c = random_case(30, 8);
  std::vector<double> gradient;
  negative_log_posterior(c.layout, c.data, c.hyper, &gradient);
  ASSERT_EQ(gradient.size(), 7u);
  expect_derivatives(gradient, c.hyper,
                     [&](const Hyper& h) { return negative_log_posterior(c.layout, c.data, h); });
}

TEST(GaussianProcess, PredictionSlopesAreDerivatives) {
  const Case c = random_case(20, 3);
  const GaussianProcess gp(c.layout, c.data, c.hyper);
  const std::vector<double> x = {0.37, 0.81, 1, 0};
  const auto local = gp.predict_with_slope(x);
  const auto value = [&](std::size_t i, double by) {
    Points p{4, x};
    p.values[i] += by;
    std::array<double, 1> mean{}, variance{};
    gp.predict(p, mean, variance);
    return std::pair(mean[0], variance[0]);
  };
  EXPECT_NEAR(local.mean, value(0, 0).first, 1e-12);
  EXPECT_NEAR(local.variance, value(0, 0).second, 1e-12);
  for (const std::size_t i : {0u, 1u}) {
    const double h = 1e-4;
    EXPECT_NEAR(local.mean_slope[i], (value(i, h).first - value(i, -h).first) / (2 * h), 1e-6);
    EXPECT_NEAR(local.variance_slope[i], (value(i, h).second - value(i, -h).second) / (2 * h),
                1e-6);
  }
  EXPECT_EQ(local.mean_slope[2], 0);
  EXPECT_EQ(local.mean_slope[3], 0);
  // An inactive number has no slope.
  EXPECT_EQ(gp.predict_with_slope(std::vector<double>{0.37, -1, 1, 0}).mean_slope[1], 0);
}

TEST(GaussianProcess, WarpedLikelihoodGradientIsTheDerivative) {
  for (const double power : {0.2, 1.0, 1.7}) {
    Case c = random_case(30, 8);
    c.hyper.power = power;
    std::vector<double> gradient;
    negative_log_warped_posterior(c.layout, c.data, c.hyper, &gradient);
    ASSERT_EQ(gradient.size(), 8u);
    expect_derivatives(gradient, c.hyper, [&](const Hyper& h) {
      return negative_log_warped_posterior(c.layout, c.data, h);
    });
  }
}

// The density of values is that of their images times the derivative of the transformation.
TEST(GaussianProcess, WarpedLikelihoodIsThatOfTheImagesWithTheirJacobian) {
  Case c = random_case(20, 5);
  c.hyper.power = 0.4;
  double jacobian = 0;
  for (const double y : c.data.y) jacobian += log_power_jacobian(y, 0.4);
  const double prior = 0.5 * std::pow((0.4 - 1) / 0.5, 2);
  EXPECT_NEAR(negative_log_warped_posterior(c.layout, c.data, c.hyper),
              negative_log_posterior(c.layout, warped(c.data, 0.4), c.hyper) - jacobian + prior,
              1e-9);
  c.hyper.power = 1;
  EXPECT_NEAR(negative_log_warped_posterior(c.layout, c.data, c.hyper),
              negative_log_posterior(c.layout, c.data, c.hyper), 1e-9);
}

// A smooth function seen through the inverse of a transformation: its power comes back; without
// any it stays near 1.
TEST(GaussianProcess, FitFindsThePower) {
  const Layout layout{{0, 0}, {false, false}};
  for (const double power : {0.0, 1.0, 2.0}) {
    Rng rng(4);
    Observations data;
    data.x.dimensions = 2;
    for (int j = 0; j < 40; ++j) {
      const double point[] = {rng.uniform(), rng.uniform()};
      data.x.add(point);
      data.y.push_back(
          inverse_power_transform(std::sin(4 * point[0]) + std::cos(5 * point[1]), power));
    }
    const Hyper h = fit_warped(layout, data, prior_mode(2), 60);
    EXPECT_NEAR(h.power, power, 0.35) << power;
    Hyper without = fit(layout, data, prior_mode(2), 60);
    EXPECT_EQ(without.power, 1);
    EXPECT_LE(negative_log_warped_posterior(layout, data, h),
              negative_log_warped_posterior(layout, data, without) + 1e-3);
  }
}

TEST(GaussianProcess, FitFindsTheParameterThatMatters) {
  Rng rng(2);
  Observations data;
  data.x.dimensions = 3;
  for (int j = 0; j < 40; ++j) {
    const double point[] = {rng.uniform(), rng.uniform(), rng.uniform()};
    data.x.add(point);
    data.y.push_back(std::sin(7 * point[1]) * 1.4);
  }
  const Layout layout{{0, 0, 0}, {false, false, false}};
  const Hyper start = prior_mode(3);
  const Hyper h = fit(layout, data, start, 60);
  EXPECT_LT(negative_log_posterior(layout, data, h), negative_log_posterior(layout, data, start));
  EXPECT_LT(h.log_length[1] + 1, h.log_length[0]);
  EXPECT_LT(h.log_length[1] + 1, h.log_length[2]);
  EXPECT_LT(h.log_noise, -8);
  std::vector<double> gradient;
  negative_log_posterior(layout, data, h, &gradient);
  for (const std::size_t i : {1u, 3u})
    EXPECT_LT(std::abs(gradient[i]), 0.5) << i;  // the others lie at a bound
}

TEST(GaussianProcess, SurvivesEqualPointsAndConstantValues) {
  const Layout layout{{0, 0}, {false, false}};
  Observations data;
  data.x.dimensions = 2;
  for (int j = 0; j < 12; ++j) {
    data.x.add(std::array{0.5, 0.5});
    data.y.push_back(j % 2 == 0 ? 1.0 : -1.0);
  }
  const Hyper h = fit(layout, data, prior_mode(2), 40);
  const GaussianProcess gp(layout, data, h);
  std::array<double, 1> mean{}, variance{};
  gp.predict(Points{2, {0.5, 0.5}}, mean, variance);
  EXPECT_NEAR(mean[0], 0, 0.05);
  EXPECT_GT(variance[0], 0);
  std::fill(data.y.begin(), data.y.end(), 0.0);
  gp.predict(Points{2, {0.1, 0.9}}, mean, variance);
  EXPECT_TRUE(std::isfinite(mean[0]));
}

TEST(GaussianProcess, SamplesHaveThePosteriorsMoments) {
  const Case c = random_case(8, 6);
  const GaussianProcess gp(c.layout, c.data, c.hyper);
  const Points at = random_case(3, 17).data.x;
  std::vector<double> mean(3), variance(3), sum(3, 0.0), square(3, 0.0);
  gp.predict(at, mean, variance);
  Rng rng(1);
  const int draws = 20000;
  for (int k = 0; k < draws; ++k) {
    const double normals[] = {rng.normal(), rng.normal(), rng.normal()};
    const auto draw = gp.sample(at, normals);
    for (std::size_t i = 0; i < 3; ++i) sum[i] += draw[i], square[i] += draw[i] * draw[i];
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const double m = sum[i] / draws, v = square[i] / draws - m * m;
    EXPECT_NEAR(m, mean[i], 4 * std::sqrt(variance[i] / draws));
    EXPECT_NEAR(v, variance[i], 0.06 * variance[i] + 1e-5);
  }
}

}  // namespace
}  // namespace atml::propose
