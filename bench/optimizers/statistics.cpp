#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace atml::bench {
namespace {

/// Regularised lower incomplete gamma function by its series (Abramowitz and Stegun 6.5.29).
double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int n = 1; n < 10000 && term > 1e-17 * sum; ++n) sum += term *= x / (a + n);
  return sum * std::exp(-x + a * std::log(x) - std::lgamma(a));
}

/// Regularised upper incomplete gamma function by its continued fraction (Lentz's method).
double gamma_fraction(double a, double x) {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, h = d;
  for (int n = 1; n < 10000; ++n) {
    const double numerator = -n * (n - a);
    b += 2;
    d = numerator * d + b;
    c = b + numerator / c;
    if (std::abs(d) < kTiny) d = kTiny;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return h * std::exp(-x + a * std::log(x) - std::lgamma(a));
}

/// Sum of t^3 - t over groups of t equal values.
double tie_sum(const std::vector<double>& values) {
  std::map<double, double> count;
  for (const double v : values) ++count[v];
  double sum = 0;
  for (const auto& [v, t] : count) sum += t * t * t - t;
  return sum;
}

}  // namespace

double chi_square_tail(double x, double degrees) {
  const double a = degrees / 2, half = x / 2;
  if (half <= 0) return 1;
  return half < a + 1 ? 1 - gamma_series(a, half) : gamma_fraction(a, half);
}

Friedman friedman(const std::vector<std::vector<double>>& values) {
  Friedman f;
  if (values.empty()) return f;
  const auto n = static_cast<double>(values.size()), k = static_cast<double>(values[0].size());
  f.average_rank.assign(values[0].size(), 0);
  double ties = 0;
  for (const auto& row : values) {
    const std::vector<double> r = ranks(row);
    for (std::size_t j = 0; j < r.size(); ++j) f.average_rank[j] += r[j] / n;
    ties += tie_sum(row);
  }
  double spread = 0;
  for (const double r : f.average_rank) spread += (r - (k + 1) / 2) * (r - (k + 1) / 2);
  const double correction = 1 - ties / (n * k * (k * k - 1));
  if (k < 2 || correction <= 0) return f;
  f.chi_square = 12 * n / (k * (k + 1)) * spread / correction;
  f.p = chi_square_tail(f.chi_square, k - 1);
  return f;
}

double wilcoxon_p(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> size;
  std::vector<bool> positive;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;  // also two infinities
    size.push_back(std::abs(a[i] - b[i]));
    positive.push_back(a[i] > b[i]);
  }
  const auto n = static_cast<double>(size.size());
  if (n == 0) return 1;
  const std::vector<double> r = ranks(size);
  double sum = 0;
  for (std::size_t i = 0; i < r.size(); ++i) sum += positive[i] ? r[i] : 0;
  const double variance = n * (n + 1) * (2 * n + 1) / 24 - tie_sum(size) / 48;
  const double z = (sum - n * (n + 1) / 4) / std::sqrt(variance);
  return std::erfc(std::abs(z) / std::sqrt(2.0));
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return p[i] < p[j]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, static_cast<double>(p.size() - i) * p[order[i]]);
    adjusted[order[i]] = std::min(largest, 1.0);
  }
  return adjusted;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const double rest = at - static_cast<double>(low);
  if (rest == 0 || values[low] == values[low + 1]) return values[low];
  return values[low] + rest * (values[low + 1] - values[low]);
}

}  // namespace atml::bench
