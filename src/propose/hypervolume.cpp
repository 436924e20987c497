#include "propose/hypervolume.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "propose/models/normal.h"
#include "propose/models/sobol.h"
#include "propose/pareto.h"

namespace atml::propose {
namespace {

constexpr std::size_t kSamples = 4096;  // of the box; those that are free are kept, up to
constexpr std::size_t kKept = 256;
constexpr double kBeyond = 0.25;  // of each goal's range: how far past the ideal the box reaches
constexpr double kLeastUse = 1e-6;
constexpr double kUnderflow = 1e-250;  // of a sum of products: below, logarithms are added instead
constexpr double kNegligible = 1e-12;  // part of a derivative
constexpr double kHalfLogTwoPi = 0.91893853320467274178;

struct Box {
  Goals low, high;
};

// From beyond the ideal point to the reference: the worst objective of the front, every limit.
Box box_of(const std::vector<Goals>& front, const std::vector<Goals>& feasible) {
  Box box{feasible[0], feasible[0]};
  for (const Goals& g : feasible) {
    for (std::size_t k = 0; k < g.size(); ++k) {
      box.low[k] = std::min(box.low[k], g[k]);
      box.high[k] = std::max(box.high[k], g[k]);
    }
  }
  const double range = box.high[0] > box.low[0] ? box.high[0] - box.low[0] : 1;
  double worst = front[0][0];
  for (const Goals& g : front) worst = std::max(worst, g[0]);
  box.high[0] = worst + 0.1 * range;
  box.low[0] -= kBeyond * range;
  for (std::size_t k = 1; k < box.low.size(); ++k) {
    box.low[k] = std::max(kLeastUse, box.low[k] - kBeyond * (1 - box.low[k]));
    box.high[k] = 1;
  }
  return box;
}

std::vector<Goals> free_points(const std::vector<Goals>& front, const Box& box) {
  std::vector<Goals> kept;
  Sobol sobol(static_cast<int>(box.low.size()), 1);
  for (std::size_t i = 0; i < kSamples && kept.size() < kKept; ++i) {
    Goals z = sobol.next();
    for (std::size_t k = 0; k < z.size(); ++k)
      z[k] = box.low[k] + z[k] * (box.high[k] - box.low[k]);
    const bool beaten = std::any_of(front.begin(), front.end(), [&](const Goals& p) {
      for (std::size_t k = 0; k < z.size(); ++k) {
        if (p[k] > z[k]) return false;
      }
      return true;
    });
    if (!beaten) kept.push_back(std::move(z));
  }
  return kept;
}

// Mean and deviation of log uses, so that a Gaussian process sees standard values.
struct Standard {
  double mean = 0, deviation = 1;
  explicit Standard(const std::vector<double>& values) {
    double sum = 0, square = 0;
    for (const double v : values) sum += v, square += v * v;
    const auto n = static_cast<double>(values.size());
    mean = sum / n;
    const double variance = square / n - mean * mean;
    if (variance > 1e-12) deviation = std::sqrt(variance);
  }
  double operator()(double v) const { return (v - mean) / deviation; }
};

// log(used / allowed) of one resource, of all trials that know it.
Observations use_data(std::span<const Observed> observed, const std::string& name,
                      std::size_t dimensions) {
  Observations data;
  data.x.dimensions = dimensions;
  for (const Observed& o : observed) {
    const auto use = o.uses.find(name);
    if (use == o.uses.end() || !std::isfinite(use->second)) continue;
    data.x.add(o.x);
    data.y.push_back(std::log(std::max(use->second, kLeastUse)));
  }
  return data;
}

Standard standardise(Observations& data) {
  const Standard standard(data.y);
  for (double& y : data.y) y = standard(y);
  return standard;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

}  // namespace

std::optional<HypervolumeGain> HypervolumeGain::create(const Surrogates& surrogates,
                                                       std::span<const Observed> observed,
                                                       std::span<const Observed> basis,
                                                       ModelMemory& memory) {
  std::vector<Goals> feasible, front;
  for (const Observed& o : observed) {
    if (!o.feasible) continue;
    feasible.push_back(goals_of(o));
    if (feasible.back().empty() || feasible.back().size() != feasible[0].size())
      return std::nullopt;
  }
  if (feasible.empty() || !surrogates.objective()) return std::nullopt;
  for (const Goals& g : feasible) {
    if (std::none_of(feasible.begin(), feasible.end(),
                     [&](const Goals& other) { return dominates(other, g); }))
      front.push_back(g);
  }
  std::vector<Goals> free = free_points(front, box_of(front, feasible));
  if (free.empty()) return std::nullopt;
  HypervolumeGain gain(surrogates);
  for (Goals& z : free) z[0] = -(*surrogates.objective_warp())(-z[0]);
  std::map<std::string, double> names;
  for (const Observed& o : observed) {
    if (o.feasible) names = o.uses;
  }
  std::size_t k = 0;
  for (const auto& [name, unused] : names) {
    ++k;
    Observations data = use_data(observed, name, surrogates.layout().dimensions());
    Observations first = use_data(basis, name, surrogates.layout().dimensions());
    if (first.size() == 0) first = data;
    const Standard standard = standardise(data);
    standardise(first);
    for (Goals& z : free) z[k] = standard(std::log(z[k]));
    const Hyper hyper = memory.fitted(surrogates.layout(), first);
    gain.uses_.push_back(
        memory.process("use of " + name, surrogates.layout(), std::move(data), hyper));
  }
  gain.free_ = std::move(free);
  return gain;
}

// Where every product would underflow: log sum_z exp(sum_k log Phi(...)).
double HypervolumeGain::log_gain_far(std::span<const double> mean,
                                     std::span<const double> deviation, std::size_t step) const {
  std::vector<double> logs;
  double top = -std::numeric_limits<double>::infinity();
  for (std::size_t s = 0; s < free_.size(); s += step) {
    double sum = 0;
    for (std::size_t k = 0; k < mean.size(); ++k)
      sum += log_normal_cdf((free_[s][k] - mean[k]) / deviation[k]);
    logs.push_back(sum);
    top = std::max(top, sum);
  }
  double sum = 0;
  for (const double l : logs) sum += std::exp(l - top);
  return top + std::log(sum * static_cast<double>(step) / static_cast<double>(kSamples));
}

double HypervolumeGain::log_gain(std::span<const double> mean, std::span<const double> variance,
                                 std::size_t step) const {
  std::vector<double> deviation;
  for (const double v : variance) deviation.push_back(std::sqrt(v));
  double sum = 0;
  for (std::size_t s = 0; s < free_.size(); s += step) {
    double product = 1;
    for (std::size_t k = 0; k < mean.size() && product > 0; ++k)
      product *= normal_cdf((free_[s][k] - mean[k]) / deviation[k]);
    sum += product;
  }
  if (!(sum > kUnderflow)) return log_gain_far(mean, deviation, step);
  return std::log(sum * static_cast<double>(step) / static_cast<double>(kSamples));
}

// Derivatives by the goals' means and variances: of each z its product times phi / Phi of a goal.
double HypervolumeGain::log_gain_with_slopes(std::span<const double> mean,
                                             std::span<const double> variance,
                                             std::span<double> by_mean,
                                             std::span<double> by_variance) const {
  const std::size_t m = mean.size();
  std::vector<double> deviation, z(m), log_cdf(m);
  for (const double v : variance) deviation.push_back(std::sqrt(v));
  const double value = log_gain(mean, variance, 1);
  const double log_sum = value + std::log(static_cast<double>(kSamples));
  for (const Goals& point : free_) {
    double log_product = 0;
    for (std::size_t k = 0; k < m; ++k) {
      z[k] = (point[k] - mean[k]) / deviation[k];
      log_cdf[k] = log_normal_cdf(z[k]);
      log_product += log_cdf[k];
    }
    const double weight = std::exp(log_product - log_sum);
    if (weight < kNegligible) continue;
    for (std::size_t k = 0; k < m; ++k) {
      const double slope = weight * std::exp(-0.5 * z[k] * z[k] - kHalfLogTwoPi - log_cdf[k]);
      by_mean[k] -= slope / deviation[k];
      by_variance[k] -= slope * z[k] / (2 * variance[k]);
    }
  }
  return value;
}

std::vector<double> HypervolumeGain::values(const Points& x, std::size_t step) const {
  const std::size_t m = uses_.size() + 1, n = x.size();
  std::vector<std::vector<double>> mean(m, std::vector<double>(n)), variance = mean;
  surrogates_->objective()->predict(x, mean[0], variance[0]);
  for (double& v : mean[0]) v = -v;
  for (std::size_t k = 1; k < m; ++k) uses_[k - 1].predict(x, mean[k], variance[k]);
  std::vector<double> result(n), at(m), spread(m);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < m; ++k) at[k] = mean[k][i], spread[k] = variance[k][i];
    result[i] = log_gain(at, spread, step);
  }
  if (const auto& computable = surrogates_->computable()) {
    computable->predict(x, mean[0], variance[0]);
    const double noise = std::exp(computable->hyper().log_noise);
    for (std::size_t i = 0; i < n; ++i)
      result[i] += log_normal_cdf(mean[0][i] / std::sqrt(variance[0][i] + noise));
  }
  return result;
}

std::vector<double> HypervolumeGain::values_with_slopes(const Points& x,
                                                        std::span<double> slopes) const {
  const std::size_t m = uses_.size() + 1, n = x.size(), d = x.dimensions;
  std::vector<std::vector<GaussianProcess::Local>> local(m, std::vector<GaussianProcess::Local>(n));
  surrogates_->objective()->predict_with_slopes(x, local[0]);
  for (std::size_t k = 1; k < m; ++k) uses_[k - 1].predict_with_slopes(x, local[k]);
  std::vector<double> values, mean(m), variance(m);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> by_mean(m, 0.0), by_variance(m, 0.0);
    for (std::size_t k = 0; k < m; ++k) {
      mean[k] = k == 0 ? -local[k][i].mean : local[k][i].mean;
      variance[k] = local[k][i].variance;
    }
    values.push_back(log_gain_with_slopes(mean, variance, by_mean, by_variance));
    by_mean[0] = -by_mean[0];
    for (std::size_t j = 0; j < d; ++j) {
      double& slope = slopes[i * d + j] = 0;
      for (std::size_t k = 0; k < m; ++k)
        slope +=
            by_mean[k] * local[k][i].mean_slope[j] + by_variance[k] * local[k][i].variance_slope[j];
    }
  }
  if (const auto& computable = surrogates_->computable()) {
    computable->predict_with_slopes(x, local[0]);
    const double noise = std::exp(computable->hyper().log_noise);
    for (std::size_t i = 0; i < n; ++i) {
      const GaussianProcess::Local& at = local[0][i];
      const double total = at.variance + noise, sd = std::sqrt(total), z = at.mean / sd;
      const double by_z = log_normal_cdf_slope(z);
      values[i] += log_normal_cdf(z);
      for (std::size_t j = 0; j < d; ++j)
        slopes[i * d + j] +=
            by_z * (at.mean_slope[j] / sd - z * at.variance_slope[j] / (2 * total));
    }
  }
  return values;
}

double hypervolume(std::vector<std::vector<double>> points, std::vector<double> reference) {
  std::erase_if(points, [&](const auto& p) {
    for (std::size_t k = 0; k < reference.size(); ++k) {
      if (p[k] >= reference[k]) return true;
    }
    return false;
  });
  if (points.empty()) return 0;
  if (reference.size() == 1) {
    double best = points[0][0];
    for (const auto& p : points) best = std::min(best, p[0]);
    return reference[0] - best;
  }
  const double end = reference.back();
  std::sort(points.begin(), points.end(),
            [](const auto& a, const auto& b) { return a.back() < b.back(); });
  reference.pop_back();
  double volume = 0;
  std::vector<std::vector<double>> below;
  for (std::size_t i = 0; i < points.size(); ++i) {
    below.push_back(points[i]);
    below.back().pop_back();
    const double next = i + 1 < points.size() ? points[i + 1].back() : end;
    if (next > points[i].back())
      volume += (next - points[i].back()) * hypervolume(below, reference);
  }
  return volume;
}

}  // namespace atml::propose
