#include "propose/models/gaussian_process.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/assert.h"
#include "propose/models/lanes.h"
#include "propose/models/minimise.h"
#include "propose/models/power.h"

namespace atml::propose {
namespace {

constexpr double kInactiveMark = -1;
constexpr double kJitter = 1e-8;

// Features of points: of each number its Euclidean coordinates (two where it may be inactive), then
// each word, an inactive one being a word of its own.
struct Embedding {
  explicit Embedding(const Layout& layout) : first(layout.dimensions()) {
    for (std::size_t i = 0; i < layout.dimensions(); ++i) {
      if (layout.words[i] > 0) continue;
      first[i] = owner.size();
      owner.insert(owner.end(), layout.conditional[i] ? 2 : 1, i);
    }
    numbers = owner.size();
    for (std::size_t i = 0; i < layout.dimensions(); ++i) {
      if (layout.words[i] == 0) continue;
      first[i] = owner.size();
      owner.push_back(i);
    }
  }

  std::size_t features() const { return owner.size(); }

  // n x features, the numbers times their scales.
  std::vector<double> operator()(const Layout& layout, const Points& x,
                                 std::span<const double> scales) const {
    std::vector<double> out(x.size() * features(), 0.0);
    for (std::size_t j = 0; j < x.size(); ++j) {
      const auto point = x[j];
      const std::span<double> to = std::span(out).subspan(j * features(), features());
      for (std::size_t i = 0; i < layout.dimensions(); ++i) {
        const bool active = point[i] != kInactiveMark;
        const std::size_t f = first[i];
        if (layout.words[i] > 0) {
          to[f] = active ? point[i] : layout.words[i];
        } else {
          to[f] = scales[f] * (active ? point[i] : 0.5);
          if (layout.conditional[i]) to[f + 1] = scales[f] * (active ? 0.5 : 0.0);
        }
      }
    }
    return out;
  }

  std::vector<double> scales(const Hyper& hyper) const {  // 1 / l of each feature's parameter
    std::vector<double> s;
    for (const std::size_t i : owner) s.push_back(std::exp(-hyper.log_length[i]));
    return s;
  }

  Metric metric(std::span<const double> scales) const {
    Metric m{numbers, {}};
    for (const double s : scales.subspan(numbers)) m.word_weights.push_back(s * s);
    return m;
  }

  std::size_t numbers = 0;         // features that are numbers; words follow
  std::vector<std::size_t> first;  // per parameter: its first feature
  std::vector<std::size_t> owner;  // per feature: its parameter
};

// Up to eight points from `begin` on as lanes; missing ones repeat the first.
void fill_lanes(std::span<const double> scaled, std::size_t features, std::size_t begin,
                std::size_t count, std::span<Lanes> lanes) {
  for (std::size_t l = 0; l < kLanes; ++l) {
    const double* point = scaled.data() + (begin + (l < count ? l : 0)) * features;
    for (std::size_t f = 0; f < features; ++f) lanes[f].v[l] = point[f];
  }
}

std::vector<Lanes> lanes_of(std::span<const double> scaled, std::size_t features, std::size_t begin,
                            std::size_t count) {
  std::vector<Lanes> lanes(features);
  fill_lanes(scaled, features, begin, count, lanes);
  return lanes;
}

// One column in all lanes: what is solved for one right side.
std::vector<double> solved(const Factor& factor, std::span<const double> right) {
  std::vector<Lanes> columns(right.size());
  for (std::size_t i = 0; i < right.size(); ++i) columns[i].v[0] = right[i];
  factor.forward(columns);
  factor.backward(columns);
  std::vector<double> result;
  for (const Lanes& c : columns) result.push_back(c.v[0]);
  return result;
}

std::vector<double> noise_diagonal(const Observations& data, const Hyper& hyper) {
  const double common = std::exp(hyper.log_noise) + kJitter * std::exp(hyper.log_scale);
  std::vector<double> diagonal(data.size(), common);
  for (std::size_t j = 0; j < data.extra.size(); ++j) diagonal[j] += data.extra[j];
  return diagonal;
}

std::vector<double> centred(std::span<const double> y, const Hyper& hyper) {
  std::vector<double> residual(y.begin(), y.end());
  for (double& r : residual) r -= hyper.mean;
  return residual;
}

// Priors: value and derivative of the negative log density, parameter by parameter.
constexpr double kScaleSd = 1.5, kNoiseMean = -6, kNoiseSd = 2.5, kPowerSd = 0.5;
double length_location(std::size_t d) {
  return std::numbers::sqrt2 + 0.5 * std::log(static_cast<double>(d));
}

double negative_log_prior(const Hyper& h, std::vector<double>* slope) {
  const std::size_t d = h.log_length.size();
  double sum = 0;
  for (std::size_t i = 0; i < d; ++i) {  // the density of l itself, hence the last term
    const double off = h.log_length[i] - length_location(d);
    sum += off * off / 6 + h.log_length[i];
    if (slope != nullptr) (*slope)[i] += off / 3 + 1;
  }
  const double scale = h.log_scale / kScaleSd;
  const double noise = (h.log_noise - kNoiseMean) / kNoiseSd;
  if (slope != nullptr) {
    (*slope)[d] += scale / kScaleSd;
    (*slope)[d + 1] += noise / kNoiseSd;
    (*slope)[d + 2] += h.mean;
  }
  return sum + (scale * scale + noise * noise + h.mean * h.mean) / 2;
}

/// The data-dependent half of the likelihood, prepared once for many hyper-parameters.
class Likelihood {
 public:
  Likelihood(const Layout& layout, const Observations& data)
      : layout_(layout), data_(data), embedding_(layout) {}

  double operator()(const Hyper& h, std::vector<double>* slope) const {
    return (*this)(h, data_.y, slope);
  }

  /// Of other values at the same points; `by_value` gets the derivatives by them (K^-1 (y - mean)).
  double operator()(const Hyper& h, std::span<const double> y, std::vector<double>* slope,
                    std::vector<double>* by_value = nullptr) const {
    const std::size_t n = data_.size(), features = embedding_.features();
    const std::vector<double> scales = embedding_.scales(h);
    const std::vector<double> scaled = embedding_(layout_, data_.x, scales);
    const Metric metric = embedding_.metric(scales);
    const std::vector<double> noise = noise_diagonal(data_, h);
    const double s2 = std::exp(h.log_scale);
    std::vector<std::vector<Lanes>> signal, pull;  // per eight columns: n rows
    Factor factor;
    for (std::size_t j = 0; j < n; j += kLanes) {
      const std::size_t count = std::min(kLanes, n - j);
      const std::vector<Lanes> points = lanes_of(scaled, features, j, count);
      signal.emplace_back(n);
      pull.emplace_back(n);
      covariances(metric, scaled, points, s2, signal.back(), pull.back());
      std::vector<Lanes> k(signal.back().begin(),
                           signal.back().begin() + static_cast<std::ptrdiff_t>(j + count));
      for (std::size_t l = 0; l < count; ++l) k[j + l].v[l] += noise[j + l];
      if (!factor.append(k, count)) return std::numeric_limits<double>::infinity();
    }
    const std::vector<double> residual = centred(y, h);
    const std::vector<double> alpha = solved(factor, residual);
    double value = 0.5 * static_cast<double>(n) * std::log(2 * std::numbers::pi);
    for (std::size_t i = 0; i < n; ++i)
      value += 0.5 * residual[i] * alpha[i] + std::log(factor.row(i)[i]);
    if (slope != nullptr) add_slope(h, metric, scaled, signal, pull, factor, alpha, *slope);
    if (by_value != nullptr) *by_value = alpha;
    return value;
  }

 private:
  // d/d theta = 1/2 tr((K^-1 - alpha alpha^T) dK/d theta)  (Rasmussen and Williams 2006, eq. 5.9);
  // by symmetry over the pairs i > j, of which each counts twice. dk/dlog l = pull (difference)^2.
  void add_slope(const Hyper& h, const Metric& metric, const std::vector<double>& scaled,
                 const std::vector<std::vector<Lanes>>& signal,
                 const std::vector<std::vector<Lanes>>& pull, const Factor& factor,
                 const std::vector<double>& alpha, std::vector<double>& slope) const {
    const std::size_t n = data_.size(), features = embedding_.features(), d = h.log_length.size();
    std::vector<Lanes> sums(features);
    double by_signal = 0, trace = 0;
    for (std::size_t j = 0; j < n; j += kLanes) {
      const std::size_t count = std::min(kLanes, n - j);
      std::vector<Lanes> weights(n);  // first the columns of K^-1, from row j on
      for (std::size_t l = 0; l < count; ++l) weights[j + l].v[l] = 1;
      factor.forward(weights, j);
      factor.backward(weights, j);
      const std::vector<Lanes>& k = signal[j / kLanes];
      const std::vector<Lanes>& p = pull[j / kLanes];
      for (std::size_t i = j; i < n; ++i) {
        for (std::size_t l = 0; l < kLanes; ++l) {
          const bool pair = l < count && i > j + l;
          const double a = l < count ? weights[i].v[l] - alpha[i] * alpha[j + l] : 0;
          if (pair) by_signal += a * k[i].v[l];
          if (i == j + l) {
            by_signal += 0.5 * a * k[i].v[l];
            trace += a;
          }
          weights[i].v[l] = pair ? a * p[i].v[l] : 0;
        }
      }
      add_weighted_squares(metric, std::span(scaled).subspan(j * features),
                           lanes_of(scaled, features, j, count), std::span(weights).subspan(j),
                           sums);
    }
    for (std::size_t f = 0; f < features; ++f) {
      for (const double s : sums[f].v) slope[embedding_.owner[f]] += s;
    }
    slope[d] += by_signal + 0.5 * kJitter * std::exp(h.log_scale) * trace;
    slope[d + 1] += 0.5 * std::exp(h.log_noise) * trace;
    for (const double a : alpha) slope[d + 2] -= a;
  }

  const Layout& layout_;
  const Observations& data_;
  Embedding embedding_;
};

// Minus log posterior by the transformed values, their Jacobian and the power's prior.
double warped_value(const Likelihood& likelihood, std::span<const double> y, const Hyper& h,
                    std::vector<double>* slope) {
  std::vector<double> transformed, by_value;
  for (const double v : y) transformed.push_back(power_transform(v, h.power));
  const double off = (h.power - 1) / kPowerSd;
  double value =
      likelihood(h, transformed, slope, &by_value) + negative_log_prior(h, slope) + off * off / 2;
  double by_power = off / kPowerSd;
  for (std::size_t i = 0; i < y.size(); ++i) {
    value -= log_power_jacobian(y[i], h.power);
    if (slope != nullptr && !by_value.empty())
      by_power +=
          by_value[i] * power_transform_slope(y[i], h.power) - log_power_jacobian_slope(y[i]);
  }
  if (slope != nullptr) slope->back() = by_power;
  return value;
}

Hyper unpack(std::span<const double> theta, std::size_t d) {
  return {{theta.begin(), theta.begin() + static_cast<std::ptrdiff_t>(d)},
          theta[d],
          theta[d + 1],
          theta[d + 2],
          theta.size() > d + 3 ? theta[d + 3] : 1};
}

std::vector<double> pack(const Hyper& h) {
  std::vector<double> theta = h.log_length;
  theta.insert(theta.end(), {h.log_scale, h.log_noise, h.mean});
  return theta;
}

}  // namespace

Hyper prior_mode(std::size_t dimensions) {
  Hyper h;
  h.log_length.assign(dimensions, length_location(dimensions) - 3);
  h.log_noise = kNoiseMean;
  return h;
}

double negative_log_posterior(const Layout& layout, const Observations& data, const Hyper& hyper,
                              std::vector<double>* gradient) {
  if (gradient != nullptr) gradient->assign(hyper.log_length.size() + 3, 0.0);
  const double likelihood = Likelihood(layout, data)(hyper, gradient);
  return likelihood + negative_log_prior(hyper, gradient);
}

double negative_log_warped_posterior(const Layout& layout, const Observations& data,
                                     const Hyper& hyper, std::vector<double>* gradient) {
  if (gradient != nullptr) gradient->assign(hyper.log_length.size() + 4, 0.0);
  return warped_value(Likelihood(layout, data), data.y, hyper, gradient);
}

namespace {

Hyper fit_from(const Layout& layout, const Observations& data, const Hyper& start,
               int max_iterations, bool with_power) {
  const Likelihood likelihood(layout, data);
  const std::size_t d = layout.dimensions();
  std::vector<double> low(d, std::log(0.02)),
      high(d, std::log(30.0) + 0.5 * std::log(static_cast<double>(d)));
  low.insert(low.end(), {std::log(0.05), std::log(1e-6), -3.0});
  high.insert(high.end(), {std::log(50.0), 0.0, 3.0});
  std::vector<double> theta = pack(start);
  if (with_power) {
    low.push_back(0);
    high.push_back(2);
    theta.push_back(start.power);
  }
  const auto objective = [&](std::span<const double> at, std::span<double> slope) {
    const Hyper h = unpack(at, d);
    std::vector<double> gradient(at.size(), 0.0);
    const double value = with_power ? warped_value(likelihood, data.y, h, &gradient)
                                    : likelihood(h, &gradient) + negative_log_prior(h, &gradient);
    std::copy(gradient.begin(), gradient.end(), slope.begin());
    return value;
  };
  minimise(objective, theta, low, high, max_iterations, 1e-2);
  return unpack(theta, d);
}

}  // namespace

Hyper fit(const Layout& layout, const Observations& data, const Hyper& start, int max_iterations) {
  return fit_from(layout, data, start, max_iterations, false);
}

Hyper fit_warped(const Layout& layout, const Observations& data, const Hyper& start,
                 int max_iterations) {
  return fit_from(layout, data, start, max_iterations, true);
}

Observations warped(Observations data, double power) {
  for (double& y : data.y) y = power_transform(y, power);
  return data;
}

struct GaussianProcess::State {
  State(const Layout& l, Observations o, const Hyper& h, const State* earlier)
      : layout(l),
        data(std::move(o)),
        hyper(h),
        embedding(layout),
        scales(embedding.scales(hyper)),
        metric(embedding.metric(scales)),
        scale(std::exp(hyper.log_scale)),
        scaled(embedding(layout, data.x, scales)) {
    if (earlier != nullptr) reuse(*earlier);
    for (const std::vector<double> noise = noise_diagonal(data, hyper); !grow(noise);
         jitter = std::max(10 * jitter, 1e-8 * scale)) {
      ATML_ASSERT(jitter < 10 * scale, "the covariance matrix is not positive definite");
      factor.truncate(0);
    }
    alpha = solved(factor, centred(data.y, hyper));
  }

  // The factor of the leading observations that both have.
  void reuse(const State& earlier) {
    if (earlier.scales != scales || earlier.hyper.log_scale != hyper.log_scale ||
        earlier.hyper.log_noise != hyper.log_noise)
      return;
    const std::size_t d = layout.dimensions();
    std::size_t same = 0;
    const auto extra = [](const Observations& of, std::size_t i) {
      return of.extra.empty() ? 0.0 : of.extra[i];
    };
    while (same < std::min(data.size(), earlier.data.size()) &&
           extra(data, same) == extra(earlier.data, same) &&
           std::equal(data.x[same].begin(), data.x[same].begin() + static_cast<std::ptrdiff_t>(d),
                      earlier.data.x[same].begin()))
      ++same;
    // With jitter the rows are those of an attempt that began anew: only whole ones may be kept.
    if (earlier.jitter > 0 && same < earlier.data.size()) return;
    factor = earlier.factor.leading(same, data.size());
    jitter = earlier.jitter;
  }

  bool grow(std::span<const double> noise) {
    std::vector<Lanes> columns(data.size()), points(features());
    while (factor.size() < data.size()) {
      const std::size_t begin = factor.size(), count = std::min(kLanes, data.size() - begin);
      const std::span<Lanes> k = std::span(columns).first(begin + count);
      fill_lanes(scaled, features(), begin, count, points);
      covariances(metric, std::span(scaled).first(k.size() * features()), points, scale, k);
      for (std::size_t l = 0; l < count; ++l) k[begin + l].v[l] += noise[begin + l] + jitter;
      if (!factor.append_in_place(k, count)) return false;
    }
    return true;
  }

  std::size_t features() const { return embedding.features(); }

  Layout layout;
  Observations data;
  Hyper hyper;
  Embedding embedding;
  std::vector<double> scales;  // per feature
  Metric metric;
  double scale;                // s2
  std::vector<double> scaled;  // n x features
  double jitter = 0;           // added to the diagonal where K alone had no factor
  Factor factor;
  std::vector<double> alpha;
};

GaussianProcess::GaussianProcess(const Layout& layout, Observations data, const Hyper& hyper,
                                 const GaussianProcess* earlier)
    : state_(std::make_shared<State>(layout, std::move(data), hyper,
                                     earlier == nullptr ? nullptr : earlier->state_.get())) {}

const Hyper& GaussianProcess::hyper() const { return state_->hyper; }
const Observations& GaussianProcess::data() const { return state_->data; }

GaussianProcess GaussianProcess::slice(std::vector<double> tail) const {
  GaussianProcess part = *this;
  part.tail_ = std::move(tail);
  return part;
}

Points GaussianProcess::completed(const Points& x) const {
  if (tail_.empty()) return x;
  Points all{x.dimensions + tail_.size(), {}};
  for (std::size_t i = 0; i < x.size(); ++i) {
    all.add(x[i]);
    all.add(tail_);
  }
  return all;
}

GaussianProcess GaussianProcess::with(const Points& x, std::span<const double> y) const {
  Observations more = state_->data;
  more.x.add(completed(x).values);
  more.y.insert(more.y.end(), y.begin(), y.end());
  if (!more.extra.empty()) more.extra.resize(more.y.size(), 0.0);
  return GaussianProcess(state_->layout, std::move(more), state_->hyper, this).slice(tail_);
}

void GaussianProcess::predict(const Points& x, std::span<double> mean, std::span<double> variance,
                              std::size_t depth) const {
  const State& s = *state_;
  const std::size_t n = s.data.size();
  depth = std::min(depth, n);
  const std::vector<double> there = s.embedding(s.layout, completed(x), s.scales);
  std::vector<Lanes> k(n), points(s.features());
  for (std::size_t j = 0; j < x.size(); j += kLanes) {
    const std::size_t count = std::min(kLanes, x.size() - j);
    fill_lanes(there, s.features(), j, count, points);
    covariances(s.metric, s.scaled, points, s.scale, k);
    const Lanes means = dot(k, s.alpha);
    const std::span<Lanes> leading = std::span(k).first(depth);
    s.factor.forward(leading);
    const Lanes known = dot(leading, leading);
    for (std::size_t l = 0; l < count; ++l) {
      mean[j + l] = s.hyper.mean + means.v[l];
      variance[j + l] = std::max(s.scale - known.v[l], 1e-12 * s.scale);
    }
  }
}

void GaussianProcess::predict_with_slopes(const Points& x, std::span<Local> local) const {
  const State& s = *state_;
  const std::size_t n = s.data.size(), d = x.dimensions;
  const std::vector<double> there = s.embedding(s.layout, completed(x), s.scales);
  std::vector<Lanes> k(n), pull(n), weights(n);
  for (std::size_t j = 0; j < x.size(); j += kLanes) {
    const std::size_t count = std::min(kLanes, x.size() - j);
    const std::vector<Lanes> points = lanes_of(there, s.features(), j, count);
    covariances(s.metric, s.scaled, points, s.scale, k, pull);
    const Lanes means = dot(k, s.alpha);
    s.factor.forward(k);
    const Lanes known = dot(k, k);
    s.factor.backward(k);
    // d mean / dx_f = -sum_i pull_i alpha_i offset_if; of the variance: + 2 sum_i pull_i beta_i ...
    std::vector<Lanes> by_mean(s.features()), by_variance(s.features());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        weights[i].v[l] = -pull[i].v[l] * s.alpha[i];
        k[i].v[l] *= 2 * pull[i].v[l];
      }
    }
    add_weighted_offsets(s.metric, s.scaled, points, weights, by_mean);
    add_weighted_offsets(s.metric, s.scaled, points, k, by_variance);
    for (std::size_t l = 0; l < count; ++l) {
      Local& to = local[j + l];
      to.mean = s.hyper.mean + means.v[l];
      to.variance = std::max(s.scale - known.v[l], 1e-12 * s.scale);
      to.mean_slope.assign(d, 0.0);
      to.variance_slope.assign(d, 0.0);
      for (std::size_t i = 0; i < d; ++i) {
        if (s.layout.words[i] > 0 || x[j + l][i] == kInactiveMark) continue;
        const std::size_t f = s.embedding.first[i];
        to.mean_slope[i] = by_mean[f].v[l] * s.scales[f];
        to.variance_slope[i] = by_variance[f].v[l] * s.scales[f];
      }
    }
  }
}

GaussianProcess::Local GaussianProcess::predict_with_slope(std::span<const double> x) const {
  Local local;
  predict_with_slopes({x.size(), {x.begin(), x.end()}}, {&local, 1});
  return local;
}

// The candidates join the factor as if they were observed: the block of their rows is the factor of
// the posterior covariance.
std::vector<double> GaussianProcess::sample(const Points& x,
                                            std::span<const double> normals) const {
  const State& s = *state_;
  const std::size_t n = s.data.size(), m = x.size(), features = s.features();
  std::vector<double> points = s.scaled;
  const std::vector<double> there = s.embedding(s.layout, completed(x), s.scales);
  points.insert(points.end(), there.begin(), there.end());
  std::vector<double> mean(m);
  std::vector<Lanes> columns(n + m), some(features);
  for (double jitter = 1e-6 * s.scale;; jitter *= 10) {
    ATML_ASSERT(jitter < 10 * s.scale, "the posterior covariance is not positive definite");
    Factor factor = s.factor.leading(n, n + m);
    bool ok = true;
    for (std::size_t j = 0; ok && j < m; j += kLanes) {
      const std::size_t count = std::min(kLanes, m - j);
      const std::span<Lanes> k = std::span(columns).first(n + j + count);
      fill_lanes(there, features, j, count, some);
      covariances(s.metric, std::span(points).first(k.size() * features), some, s.scale, k);
      const Lanes means = dot(k.first(n), s.alpha);
      for (std::size_t l = 0; l < count; ++l) {
        mean[j + l] = s.hyper.mean + means.v[l];
        k[n + j + l].v[l] += jitter;
      }
      ok = factor.append_in_place(k, count);
    }
    if (!ok) continue;
    std::vector<double> draws(normals.size());
    for (std::size_t first = 0; first < draws.size(); first += m) {
      for (std::size_t i = 0; i < m; ++i) {
        const auto row = factor.row(n + i).subspan(n);
        double sum = mean[i];
        for (std::size_t c = 0; c <= i; ++c) sum += row[c] * normals[first + c];
        draws[first + i] = sum;
      }
    }
    return draws;
  }
}

}  // namespace atml::propose
