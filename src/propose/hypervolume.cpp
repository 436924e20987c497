#include "propose/hypervolume.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "propose/models/normal.h"
#include "propose/models/sobol.h"
#include "propose/pareto.h"

namespace atml::propose {
namespace {

constexpr std::size_t kSamples = 4096;  // of the box; those that are free are kept, up to
constexpr std::size_t kKept = 256;
constexpr double kBeyond = 0.25;  // of each goal's range: how far past the ideal the box reaches
constexpr double kLeastUse = 1e-6;

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

}  // namespace

std::optional<HypervolumeGain> HypervolumeGain::create(const Surrogates& surrogates,
                                                       std::span<const Observed> observed,
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
    Observations data;
    data.x.dimensions = surrogates.layout().dimensions();
    for (const Observed& o : observed) {
      const auto use = o.uses.find(name);
      if (use == o.uses.end() || !std::isfinite(use->second)) continue;
      data.x.add(o.x);
      data.y.push_back(std::log(std::max(use->second, kLeastUse)));
    }
    const Standard standard(data.y);
    for (double& y : data.y) y = standard(y);
    for (Goals& z : free) z[k] = standard(std::log(z[k]));
    const Hyper hyper = memory.fitted(surrogates.layout(), data);
    gain.uses_.emplace_back(surrogates.layout(), std::move(data), hyper);
  }
  gain.free_ = std::move(free);
  return gain;
}

// log sum_z exp(sum_k log Phi(...)), with derivatives by the goals' means and variances.
double HypervolumeGain::log_gain(std::span<const double> mean, std::span<const double> variance,
                                 std::vector<double>* by_mean,
                                 std::vector<double>* by_variance) const {
  std::vector<double> logs(free_.size(), 0.0);
  double top = -std::numeric_limits<double>::infinity();
  for (std::size_t s = 0; s < free_.size(); ++s) {
    for (std::size_t k = 0; k < mean.size(); ++k)
      logs[s] += log_normal_cdf((free_[s][k] - mean[k]) / std::sqrt(variance[k]));
    top = std::max(top, logs[s]);
  }
  double sum = 0;
  for (double& l : logs) sum += l = std::exp(l - top);
  for (std::size_t s = 0; by_mean != nullptr && s < free_.size(); ++s) {
    if (logs[s] < 1e-12) continue;
    for (std::size_t k = 0; k < mean.size(); ++k) {
      const double sd = std::sqrt(variance[k]), z = (free_[s][k] - mean[k]) / sd;
      const double slope = logs[s] / sum * log_normal_cdf_slope(z);
      (*by_mean)[k] -= slope / sd;
      (*by_variance)[k] -= slope * z / (2 * variance[k]);
    }
  }
  return top + std::log(sum / static_cast<double>(kSamples));
}

std::vector<double> HypervolumeGain::values(const Points& x) const {
  const std::size_t m = uses_.size() + 1, n = x.size();
  std::vector<std::vector<double>> mean(m, std::vector<double>(n)), variance = mean;
  surrogates_->objective()->predict(x, mean[0], variance[0]);
  for (double& v : mean[0]) v = -v;
  for (std::size_t k = 1; k < m; ++k) uses_[k - 1].predict(x, mean[k], variance[k]);
  std::vector<double> result(n), at(m), spread(m);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < m; ++k) at[k] = mean[k][i], spread[k] = variance[k][i];
    result[i] = log_gain(at, spread, nullptr, nullptr);
  }
  if (const auto& computable = surrogates_->computable()) {
    computable->predict(x, mean[0], variance[0]);
    const double noise = std::exp(computable->hyper().log_noise);
    for (std::size_t i = 0; i < n; ++i)
      result[i] += log_normal_cdf(mean[0][i] / std::sqrt(variance[0][i] + noise));
  }
  return result;
}

double HypervolumeGain::value_with_slope(std::span<const double> x, std::span<double> slope) const {
  const std::size_t m = uses_.size() + 1;
  std::vector<GaussianProcess::Local> local = {surrogates_->objective()->predict_with_slope(x)};
  for (const GaussianProcess& u : uses_) local.push_back(u.predict_with_slope(x));
  std::vector<double> mean, variance, by_mean(m, 0.0), by_variance(m, 0.0);
  for (std::size_t k = 0; k < m; ++k) {
    mean.push_back(k == 0 ? -local[k].mean : local[k].mean);
    variance.push_back(local[k].variance);
  }
  double value = log_gain(mean, variance, &by_mean, &by_variance);
  for (std::size_t i = 0; i < slope.size(); ++i) {
    slope[i] = 0;
    for (std::size_t k = 0; k < m; ++k)
      slope[i] += (k == 0 ? -1 : 1) * by_mean[k] * local[k].mean_slope[i] +
                  by_variance[k] * local[k].variance_slope[i];
  }
  if (const auto& computable = surrogates_->computable()) {
    const auto at = computable->predict_with_slope(x);
    const double total = at.variance + std::exp(computable->hyper().log_noise);
    const double sd = std::sqrt(total), z = at.mean / sd, by_z = log_normal_cdf_slope(z);
    value += log_normal_cdf(z);
    for (std::size_t i = 0; i < slope.size(); ++i)
      slope[i] += by_z * (at.mean_slope[i] / sd - z * at.variance_slope[i] / (2 * total));
  }
  return value;
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
