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
  double power = 1;                // of the values' transformation (models/power.h); 1 = none
};

/// The mode of the priors: length-scales LogNormal(sqrt2 + ln(d)/2, sqrt3) (Hvarfner, Hellsten,
/// Nardi, ICML 2024), log s2 ~ N(0, 1.5^2), log noise ~ N(-6, 2.5^2), mean ~ N(0, 1).
Hyper prior_mode(std::size_t dimensions);

/// Minus log likelihood minus log prior; with `gradient` (d + 3 numbers: log_length..., log_scale,
/// log_noise, mean) also its derivative. Infinity where K is not positive definite.
double negative_log_posterior(const Layout& layout, const Observations& data, const Hyper& hyper,
                              std::vector<double>* gradient = nullptr);

/// The same of T(y; power) as observations, with the Jacobian of T and the prior of the power,
/// N(1, 0.5^2): a warped Gaussian process (Snelson, Rasmussen and Ghahramani, NeurIPS 2003).
/// `gradient` has d + 4 numbers, the power last.
double negative_log_warped_posterior(const Layout& layout, const Observations& data,
                                     const Hyper& hyper, std::vector<double>* gradient = nullptr);

/// MAP estimate by L-BFGS-B from `start`.
Hyper fit(const Layout& layout, const Observations& data, const Hyper& start, int max_iterations);
/// With the power, in [0, 2]; `data` is not transformed yet.
Hyper fit_warped(const Layout& layout, const Observations& data, const Hyper& start,
                 int max_iterations);
/// The observations that such hyper-parameters speak of.
Observations warped(Observations data, double power);

/// The posterior of one data set under given hyper-parameters: an immutable value; copies share it.
class GaussianProcess {
 public:
  /// `earlier` may be null. Where its leading observations and its hyper-parameters are the same,
  /// its factor is extended row by row (n^2 / 2 operations each) instead of computed anew; the
  /// numbers are the same to the last bit.
  GaussianProcess(const Layout& layout, Observations data, const Hyper& hyper,
                  const GaussianProcess* earlier = nullptr);

  const Hyper& hyper() const;
  const Observations& data() const;

  /// The same process, asked about points that all end in `tail` (the last coordinates of its
  /// layout): one slice of what it knows, such as full trainings.
  GaussianProcess slice(std::vector<double> tail) const;
  /// With more observations, without noise of their own; points end in the tail of a slice.
  GaussianProcess with(const Points& x, std::span<const double> y) const;

  /// Mean and variance of the noise-free function at m points; outputs have m numbers. With `depth`
  /// the variance is that given the first observations alone: larger, and cheaper by the square.
  void predict(const Points& x, std::span<double> mean, std::span<double> variance,
               std::size_t depth = static_cast<std::size_t>(-1)) const;
  /// With derivatives by the active numbers (0 for words and inactive parameters).
  struct Local {
    double mean = 0, variance = 0;
    std::vector<double> mean_slope, variance_slope;  // d
  };
  Local predict_with_slope(std::span<const double> x) const;
  void predict_with_slopes(const Points& x, std::span<Local> local) const;
  /// Draws at m points jointly (Thompson sampling): `normals` are m independent standard normals
  /// for each draw, one draw after the other, as are the results.
  std::vector<double> sample(const Points& x, std::span<const double> normals) const;

 private:
  struct State;
  Points completed(const Points& x) const;
  std::shared_ptr<const State> state_;  // shared by copies: it never changes
  std::vector<double> tail_;
};

}  // namespace atml::propose
