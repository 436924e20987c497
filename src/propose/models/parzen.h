// Multivariate Parzen estimator over mixed, conditional points: the density model of TPE.
#pragma once

#include <span>
#include <vector>

#include "base/random.h"
#include "propose/models/gaussian_process.h"

namespace atml::propose {

/// A mixture of one product kernel per point and one uniform prior kernel. Numbers: a normal kernel
/// truncated to [0, 1], width 0.2 n^(-1/(d+4)) but at least 1/min(100, n + 1); words: the word
/// itself with weight 1 and every word with weight 1/(n words). A parameter that is inactive in a
/// point is uniform in its kernel. (Bergstra et al., NeurIPS 2011; multivariate form of Falkner et
/// al., ICML 2018.)
class Parzen {
 public:
  /// Weights are per point, not normalised; the prior kernel has weight 1.
  Parzen(const Layout& layout, Points points, std::vector<double> weights);

  /// log density of the active parameters of x.
  double log_density(std::span<const double> x) const;
  /// A draw for all parameters, to be made canonical by the caller; `words` and numbers alike.
  std::vector<double> sample(Rng& rng) const;

 private:
  double log_kernel(std::size_t i, double at, double centre) const;
  Layout layout_;
  Points points_;
  std::vector<double> weights_;  // normalised, the prior last
  double width_ = 1;
};

}  // namespace atml::propose
