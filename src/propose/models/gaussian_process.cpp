#include "propose/models/gaussian_process.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "base/assert.h"
#include "propose/models/minimise.h"

namespace atml::propose {
namespace {

using Eigen::ArrayXXd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kSqrt5 = 2.23606797749978969641;
constexpr double kInactiveMark = -1;
constexpr double kJitter = 1e-8;

Index as_index(std::size_t n) { return static_cast<Index>(n); }

// Euclidean coordinates ("features") of points, unscaled: one or two for a number, one a word.
struct Embedding {
  explicit Embedding(const Layout& layout) {
    for (std::size_t i = 0; i < layout.dimensions(); ++i) {
      first.push_back(static_cast<Index>(owner.size()));
      const int words = layout.words[i];
      const int features =
          words > 0 ? words + (layout.conditional[i] ? 1 : 0) : (layout.conditional[i] ? 2 : 1);
      owner.insert(owner.end(), static_cast<std::size_t>(features), i);
    }
  }

  Index features() const { return static_cast<Index>(owner.size()); }

  MatrixXd operator()(const Layout& layout, const Points& x) const {  // features x n
    MatrixXd out = MatrixXd::Zero(features(), as_index(x.size()));
    for (std::size_t j = 0; j < x.size(); ++j) {
      const auto point = x[j];
      for (std::size_t i = 0; i < layout.dimensions(); ++i) {
        const bool active = point[i] != kInactiveMark;
        if (layout.words[i] > 0) {
          const Index word = active ? static_cast<Index>(point[i]) : layout.words[i];
          out(first[i] + word, as_index(j)) = std::numbers::sqrt2 / 2;
        } else {
          out(first[i], as_index(j)) = active ? point[i] : 0.5;
          if (layout.conditional[i]) out(first[i] + 1, as_index(j)) = active ? 0.5 : 0.0;
        }
      }
    }
    return out;
  }

  VectorXd scales(const Hyper& hyper) const {  // 1 / l of each feature's parameter
    VectorXd s(features());
    for (Index f = 0; f < features(); ++f)
      s[f] = std::exp(-hyper.log_length[owner[static_cast<std::size_t>(f)]]);
    return s;
  }

  std::vector<Index> first;        // per parameter: its first feature
  std::vector<std::size_t> owner;  // per feature: its parameter
};

// Distances r between the columns of a and b, both scaled.
ArrayXXd distances(const MatrixXd& a, const MatrixXd& b) {
  MatrixXd squared = -2 * (a.transpose() * b);
  squared.colwise() += a.colwise().squaredNorm().transpose();
  squared.rowwise() += b.colwise().squaredNorm();
  return squared.array().max(0.0).sqrt();
}

ArrayXXd matern(const ArrayXXd& r) {
  return (1 + kSqrt5 * r + (5.0 / 3) * r.square()) * (-kSqrt5 * r).exp();
}

VectorXd noise_diagonal(const Observations& data, const Hyper& hyper) {
  const double common = std::exp(hyper.log_noise) + kJitter * std::exp(hyper.log_scale);
  VectorXd diagonal = VectorXd::Constant(as_index(data.size()), common);
  for (std::size_t j = 0; j < data.extra.size(); ++j) diagonal[as_index(j)] += data.extra[j];
  return diagonal;
}

VectorXd centred(const Observations& data, const Hyper& hyper) {
  return Eigen::Map<const VectorXd>(data.y.data(), as_index(data.size())).array() - hyper.mean;
}

// Priors: value and derivative of the negative log density, parameter by parameter.
constexpr double kScaleSd = 1.5, kNoiseMean = -6, kNoiseSd = 2.5;
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
      : data_(data), embedding_(layout), features_(embedding_(layout, data.x)) {}

  double operator()(const Hyper& h, std::vector<double>* slope) const {
    const MatrixXd scaled = embedding_.scales(h).asDiagonal() * features_;
    const ArrayXXd r = distances(scaled, scaled);
    const ArrayXXd decay = (-kSqrt5 * r).exp();
    const double s2 = std::exp(h.log_scale);
    const ArrayXXd signal = s2 * (1 + kSqrt5 * r + (5.0 / 3) * r.square()) * decay;
    MatrixXd covariance = signal.matrix();
    covariance.diagonal() += noise_diagonal(data_, h);
    const Eigen::LLT<MatrixXd> factor(covariance);
    if (factor.info() != Eigen::Success) return std::numeric_limits<double>::infinity();
    const VectorXd residual = centred(data_, h);
    const VectorXd alpha = factor.solve(residual);
    const auto n = static_cast<double>(data_.size());
    const MatrixXd lower = factor.matrixL();
    const double value = 0.5 * residual.dot(alpha) + lower.diagonal().array().log().sum() +
                         0.5 * n * std::log(2 * std::numbers::pi);
    if (slope != nullptr) add_slope(h, r, decay, signal, factor, alpha, *slope);
    return value;
  }

 private:
  // d/d theta = 1/2 tr((K^-1 - alpha alpha^T) dK/d theta)  (Rasmussen and Williams 2006, eq. 5.9).
  void add_slope(const Hyper& h, const ArrayXXd& r, const ArrayXXd& decay, const ArrayXXd& signal,
                 const Eigen::LLT<MatrixXd>& factor, const VectorXd& alpha,
                 std::vector<double>& slope) const {
    const auto n = as_index(data_.size());
    const std::size_t d = h.log_length.size();
    MatrixXd a = factor.solve(MatrixXd::Identity(n, n));
    a.noalias() -= alpha * alpha.transpose();
    const MatrixXd b =
        (a.array() * (1 + kSqrt5 * r) * decay * (std::exp(h.log_scale) * 5.0 / 3)).matrix();
    // sum_jk b_jk (phi_j - phi_k)^2 = 2 (sum_j (b 1)_j phi_j^2 - phi^T b phi), feature by feature.
    const VectorXd row_sums = b.rowwise().sum();
    const VectorXd squares = features_.array().square().matrix() * row_sums;
    const VectorXd cross = ((features_ * b).array() * features_.array()).rowwise().sum();
    const VectorXd scales = embedding_.scales(h);
    for (Index f = 0; f < embedding_.features(); ++f) {
      slope[embedding_.owner[static_cast<std::size_t>(f)]] +=
          scales[f] * scales[f] * (squares[f] - cross[f]);
    }
    slope[d] +=
        0.5 * (a.array() * signal).sum() + 0.5 * kJitter * std::exp(h.log_scale) * a.trace();
    slope[d + 1] += 0.5 * std::exp(h.log_noise) * a.trace();
    slope[d + 2] -= alpha.sum();
  }

  const Observations& data_;
  Embedding embedding_;
  MatrixXd features_;  // features x n
};

Hyper unpack(std::span<const double> theta) {
  const std::size_t d = theta.size() - 3;
  return {{theta.begin(), theta.begin() + static_cast<std::ptrdiff_t>(d)},
          theta[d],
          theta[d + 1],
          theta[d + 2]};
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

Hyper fit(const Layout& layout, const Observations& data, const Hyper& start, int max_iterations) {
  const Likelihood likelihood(layout, data);
  const std::size_t d = layout.dimensions();
  std::vector<double> low(d, std::log(0.02)),
      high(d, std::log(30.0) + 0.5 * std::log(static_cast<double>(d)));
  low.insert(low.end(), {std::log(0.05), std::log(1e-6), -3.0});
  high.insert(high.end(), {std::log(50.0), 0.0, 3.0});
  std::vector<double> theta = pack(start);
  const auto objective = [&](std::span<const double> at, std::span<double> slope) {
    const Hyper h = unpack(at);
    std::vector<double> gradient(at.size(), 0.0);
    const double value = likelihood(h, &gradient) + negative_log_prior(h, &gradient);
    std::copy(gradient.begin(), gradient.end(), slope.begin());
    return value;
  };
  minimise(objective, theta, low, high, max_iterations, 1e-2);
  return unpack(theta);
}

struct GaussianProcess::State {
  State(const Layout& l, Observations o, const Hyper& h)
      : layout(l),
        data(std::move(o)),
        hyper(h),
        embedding(layout),
        scales(embedding.scales(hyper)),
        scale(std::exp(hyper.log_scale)) {
    scaled = scales.asDiagonal() * embedding(layout, data.x);
    MatrixXd covariance = (scale * matern(distances(scaled, scaled))).matrix();
    covariance.diagonal() += noise_diagonal(data, hyper);
    for (double jitter = 1e-8 * scale;; jitter *= 10) {
      factor.compute(covariance);
      if (factor.info() == Eigen::Success) break;
      ATML_ASSERT(jitter < 10 * scale, "the covariance matrix is not positive definite");
      covariance.diagonal().array() += jitter;
    }
    alpha = factor.solve(centred(data, hyper));
  }

  MatrixXd covariances(const Points& x) const {  // n x m
    const MatrixXd there = scales.asDiagonal() * embedding(layout, x);
    return (scale * matern(distances(scaled, there))).matrix();
  }

  Layout layout;
  Observations data;
  Hyper hyper;
  Embedding embedding;
  VectorXd scales;  // per feature
  double scale;     // s2
  MatrixXd scaled;  // features x n
  Eigen::LLT<MatrixXd> factor;
  VectorXd alpha;
};

GaussianProcess::GaussianProcess(const Layout& layout, Observations data, const Hyper& hyper)
    : state_(std::make_unique<State>(layout, std::move(data), hyper)) {}
GaussianProcess::GaussianProcess(GaussianProcess&&) noexcept = default;
GaussianProcess& GaussianProcess::operator=(GaussianProcess&&) noexcept = default;
GaussianProcess::~GaussianProcess() = default;

const Hyper& GaussianProcess::hyper() const { return state_->hyper; }
const Observations& GaussianProcess::data() const { return state_->data; }

void GaussianProcess::predict(const Points& x, std::span<double> mean,
                              std::span<double> variance) const {
  const State& s = *state_;
  MatrixXd k = s.covariances(x);
  Eigen::Map<VectorXd>(mean.data(), as_index(mean.size())) =
      (k.transpose() * s.alpha).array() + s.hyper.mean;
  s.factor.matrixL().solveInPlace(k);
  Eigen::Map<VectorXd>(variance.data(), as_index(variance.size())) =
      (s.scale - k.colwise().squaredNorm().transpose().array()).max(1e-12 * s.scale);
}

GaussianProcess::Local GaussianProcess::predict_with_slope(std::span<const double> x) const {
  const State& s = *state_;
  const std::size_t d = s.layout.dimensions();
  const Points one{d, {x.begin(), x.end()}};
  const MatrixXd there = s.scales.asDiagonal() * s.embedding(s.layout, one);
  const ArrayXXd r = distances(s.scaled, there);  // n x 1
  const VectorXd k = (s.scale * matern(r)).matrix();
  const VectorXd beta = s.factor.solve(k);
  Local local{s.hyper.mean + k.dot(s.alpha), std::max(s.scale - k.dot(beta), 1e-12 * s.scale),
              std::vector<double>(d, 0.0), std::vector<double>(d, 0.0)};
  // dk/dx_i = -5/3 s2 (1 + sqrt5 r) exp(-sqrt5 r) w_i (x_i - x_ji), in scaled features: / l_i.
  const VectorXd pull = (-(5.0 / 3) * s.scale * (1 + kSqrt5 * r) * (-kSqrt5 * r).exp()).matrix();
  const VectorXd by_mean = pull.cwiseProduct(s.alpha);
  const VectorXd by_variance = -2 * pull.cwiseProduct(beta);
  for (std::size_t i = 0; i < d; ++i) {
    if (s.layout.words[i] > 0 || x[i] == kInactiveMark) continue;
    const Index f = s.embedding.first[i];
    const VectorXd offset =
        (there(f, 0) - s.scaled.row(f).transpose().array()).matrix() * s.scales[f];
    local.mean_slope[i] = by_mean.dot(offset);
    local.variance_slope[i] = by_variance.dot(offset);
  }
  return local;
}

std::vector<double> GaussianProcess::sample(const Points& x,
                                            std::span<const double> normals) const {
  const State& s = *state_;
  const MatrixXd there = s.scales.asDiagonal() * s.embedding(s.layout, x);
  MatrixXd k = s.covariances(x);
  const VectorXd mean = (k.transpose() * s.alpha).array() + s.hyper.mean;
  s.factor.matrixL().solveInPlace(k);
  MatrixXd covariance = (s.scale * matern(distances(there, there))).matrix() - k.transpose() * k;
  Eigen::LLT<MatrixXd> factor;
  for (double jitter = 1e-6 * s.scale;; jitter *= 10) {
    covariance.diagonal().array() += jitter;
    factor.compute(covariance);
    if (factor.info() == Eigen::Success) break;
    ATML_ASSERT(jitter < 10 * s.scale, "the posterior covariance is not positive definite");
  }
  const VectorXd draw = mean + factor.matrixL() * Eigen::Map<const VectorXd>(
                                                      normals.data(), as_index(normals.size()));
  return {draw.begin(), draw.end()};
}

}  // namespace atml::propose
