#include "propose/models/parzen.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace atml::propose {
namespace {

constexpr double kInactiveMark = -1;

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

}  // namespace

Parzen::Parzen(const Layout& layout, Points points, std::vector<double> weights)
    : layout_(layout), points_(std::move(points)), weights_(std::move(weights)) {
  const auto n = static_cast<double>(points_.size());
  const auto d = static_cast<double>(layout_.dimensions());
  if (n > 0) width_ = std::max(0.2 * std::pow(n, -1 / (d + 4)), 1 / std::min(100.0, n + 1));
  weights_.push_back(1);
  double sum = 0;
  for (const double w : weights_) sum += w;
  for (double& w : weights_) w /= sum;
}

double Parzen::log_kernel(std::size_t i, double at, double centre) const {
  if (layout_.words[i] > 0) {
    const double words = layout_.words[i];
    if (centre == kInactiveMark) return -std::log(words);
    const double smear = 1 / (static_cast<double>(points_.size()) * words);
    return std::log(((at == centre ? 1 : 0) + smear) / (1 + words * smear));
  }
  if (centre == kInactiveMark) return 0;
  const double z = (at - centre) / width_;
  const double mass = normal_cdf((1 - centre) / width_) - normal_cdf(-centre / width_);
  return -0.5 * z * z - std::log(width_ * std::sqrt(2 * std::numbers::pi) * mass);
}

double Parzen::log_density(std::span<const double> x) const {
  std::vector<double> terms;
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    double sum = std::log(weights_[k]);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] == kInactiveMark) continue;
      sum += log_kernel(i, x[i], k < points_.size() ? points_[k][i] : kInactiveMark);
    }
    terms.push_back(sum);
  }
  const double largest = *std::max_element(terms.begin(), terms.end());
  double sum = 0;
  for (const double t : terms) sum += std::exp(t - largest);
  return largest + std::log(sum);
}

std::vector<double> Parzen::sample(Rng& rng) const {
  double pick = rng.uniform();
  std::size_t k = 0;
  while (k + 1 < weights_.size() && pick >= weights_[k]) pick -= weights_[k++];
  std::vector<double> x(layout_.dimensions());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double centre = k < points_.size() ? points_[k][i] : kInactiveMark;
    if (layout_.words[i] > 0) {
      const bool keep =
          centre != kInactiveMark && !rng.chance(1 / (1 + static_cast<double>(points_.size())));
      x[i] = keep ? centre
                  : static_cast<double>(rng.below(static_cast<std::uint64_t>(layout_.words[i])));
    } else if (centre == kInactiveMark) {
      x[i] = rng.uniform();
    } else {
      do x[i] = centre + width_ * rng.normal();
      while (x[i] < 0 || x[i] > 1);
    }
  }
  return x;
}

}  // namespace atml::propose
