#include "propose/warp.h"

#include <algorithm>
#include <cmath>

#include "propose/models/power.h"

namespace atml::propose {
namespace {

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Moments {
  double mean = 0, deviation = 1;
};

Moments moments_of(std::span<const double> values) {
  if (values.empty()) return {};
  double mean = 0;
  for (const double v : values) mean += v;
  mean /= static_cast<double>(values.size());
  double square = 0;
  for (const double v : values) square += (v - mean) * (v - mean);
  const double deviation = std::sqrt(square / static_cast<double>(values.size()));
  return {mean, deviation > 1e-12 * (1 + std::abs(mean)) ? deviation : 1};
}

double compress(double z) { return z < -1 ? -1 - std::log(-z) : z; }
double expand(double z) { return z < -1 ? -std::exp(-1 - z) : z; }

double bilog(double x) { return std::copysign(std::log1p(std::abs(x)), x); }

}  // namespace

ObjectiveWarp::ObjectiveWarp(std::span<const double> values, double power) : power_(power) {
  median_ = median_of({values.begin(), values.end()});
  double square = 0;
  int better = 0;
  for (const double v : values) {
    if (v < median_) continue;
    square += (v - median_) * (v - median_);
    ++better;
  }
  spread_ = better > 0 ? std::sqrt(square / better) : 0;
  const Moments raw = moments_of(values);
  if (!(spread_ > 1e-9 * raw.deviation)) spread_ = raw.deviation;
  std::vector<double> compressed;
  for (const double v : values) compressed.push_back(compress((v - median_) / spread_));
  const Moments m = moments_of(compressed);
  mean_ = m.mean;
  deviation_ = m.deviation;
}

double ObjectiveWarp::operator()(double value) const {
  return power_transform((compress((value - median_) / spread_) - mean_) / deviation_, power_);
}

double ObjectiveWarp::inverse(double warped) const {
  return median_ + spread_ * expand(inverse_power_transform(warped, power_) * deviation_ + mean_);
}

MarginWarp::MarginWarp(std::span<const double> margins) {
  std::vector<double> sizes;
  for (const double m : margins) sizes.push_back(std::abs(m));
  if (!sizes.empty()) {
    const auto at = sizes.begin() + static_cast<std::ptrdiff_t>(3 * sizes.size() / 4);
    std::nth_element(sizes.begin(), at, sizes.end());
    scale_ = *at;
  }
  if (!(scale_ > 0)) scale_ = 1;
  std::vector<double> values;
  for (const double m : margins) values.push_back(bilog(m / scale_));
  const Moments m = moments_of(values);
  mean_ = m.mean;
  deviation_ = m.deviation;
}

double MarginWarp::operator()(double margin) const {
  return (bilog(margin / scale_) - mean_) / deviation_;
}

}  // namespace atml::propose
