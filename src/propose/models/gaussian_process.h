// Gaussian process regression over mixed, conditional points: posterior, likelihood, MAP fit.
//
// Notation
//   n, d        observations, parameters
//   x           n x d encoded points (space::Encoding: [0, 1], word index, or -1 = inactive)
//   y           n values, standardised by the caller
//   l_i         length-scale of parameter i; w_i = 1 / l_i^2
//   delta_i     squared distance in parameter i: (a - b)^2 of numbers; 1[a != b] of words;
//               (a - 1/2)^2 + 1/4 where only one point has the number active; 0 where none has.
//               These are Euclidean in an embedding (inactive numbers sit at (1/2, 0), active ones
//               at (x, 1/2)), so the kernel is positive definite on conditional spaces too
//   r           sqrt(sum_i w_i delta_i)
//   k           s2 (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r)         Matern-5/2
//   K           k(x, x) + diag(noise + extra_j)
#pragma once

#include <memory>
#include <span>
#include <vector>

namespace atml::propose {

/// What a GP must know of the axes.
struct Layout {
  std::vector<int> words;         // per parameter: 0 = number, else how many words
  std::vector<bool> conditional;  // per parameter: may be inactive
  std::size_t dimensions() const { return words.size(); }
};

/// n points of d numbers, row after row.
struct Points {
  std::size_t dimensions = 0;
  std::vector<double> values;
  std::size_t size() const { return dimensions == 0 ? 0 : values.size() / dimensions; }
  std::span<const double> operator[](std::size_t i) const {
    return std::span(values).subspan(i * dimensions, dimensions);
  }
  void add(std::span<const double> point) {
    values.insert(values.end(), point.begin(), point.end());
  }
};

struct Observations {
  Points x;
  std::vector<double> y;
  std::vector<double> extra;  // variance of each value beside the common noise; empty = none
  std::size_t size() const { return y.size(); }
};

struct Hyper {
  std::vector<double> log_length;  // d
  double log_scale = 0;            // log s2
  double log_noise = -6;           // log of the noise variance
  double mean = 0;                 // constant prior mean
};

/// The mode of the priors: length-scales LogNormal(sqrt2 + ln(d)/2, sqrt3) (Hvarfner, Hellsten,
/// Nardi, ICML 2024), log s2 ~ N(0, 1.5^2), log noise ~ N(-6, 2.5^2), mean ~ N(0, 1).
Hyper prior_mode(std::size_t dimensions);

/// Minus log likelihood minus log prior; with `gradient` (d + 3 numbers: log_length..., log_scale,
/// log_noise, mean) also its derivative. Infinity where K is not positive definite.
double negative_log_posterior(const Layout& layout, const Observations& data, const Hyper& hyper,
                              std::vector<double>* gradient = nullptr);

/// MAP estimate by L-BFGS-B from `start`.
Hyper fit(const Layout& layout, const Observations& data, const Hyper& start, int max_iterations);

/// The posterior of one data set under given hyper-parameters.
class GaussianProcess {
 public:
  GaussianProcess(const Layout& layout, Observations data, const Hyper& hyper);
  GaussianProcess(GaussianProcess&&) noexcept;
  GaussianProcess& operator=(GaussianProcess&&) noexcept;
  ~GaussianProcess();

  const Hyper& hyper() const;
  const Observations& data() const;

  /// Mean and variance of the noise-free function at m points; outputs have m numbers.
  void predict(const Points& x, std::span<double> mean, std::span<double> variance) const;
  /// At one point, with derivatives by its active numbers (0 for words and inactive parameters).
  struct Local {
    double mean = 0, variance = 0;
    std::vector<double> mean_slope, variance_slope;  // d
  };
  Local predict_with_slope(std::span<const double> x) const;
  /// Draws at m points jointly (Thompson sampling): `normals` are m independent standard normals.
  std::vector<double> sample(const Points& x, std::span<const double> normals) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace atml::propose
