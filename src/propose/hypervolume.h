// Expected hypervolume improvement with constraints, for any number of goals.
#pragma once

#include <optional>
#include <vector>

#include "propose/surrogates.h"

namespace atml::propose {

/// The expected gain of the volume that the feasible front dominates, up to the reference point
/// (Emmerich, Giannakoglou and Naujoks, IEEE TEC 10, 2006):
///   EHVI(x) = integral over z, not yet dominated, of P(every goal of x <= z_k) dz
///           ~ mean over Sobol points z of prod_k Phi((z_k - mean_k(x)) / sd_k(x)),
/// exact for independent Gaussian goals but for the points z. The reference point is each
/// resource's limit, so a candidate that breaks one gains nothing: the constraints are inside.
/// Resources are modelled by their logarithm.
class HypervolumeGain {
 public:
  /// None while no trial is feasible, or where the goals are not the same in all of them. `basis`:
  /// what hyper-parameters are fitted to, as of Surrogates.
  static std::optional<HypervolumeGain> create(const Surrogates& surrogates,
                                               std::span<const Observed> observed,
                                               std::span<const Observed> basis,
                                               ModelMemory& memory);

  /// log EHVI + log P(computable); by every `step`-th of the points z alone, which is cheaper.
  std::vector<double> values(const Points& x, std::size_t step = 1) const;
  /// With derivatives by active numbers (m x d; 0 elsewhere).
  std::vector<double> values_with_slopes(const Points& x, std::span<double> slopes) const;

 private:
  explicit HypervolumeGain(const Surrogates& surrogates) : surrogates_(&surrogates) {}
  double log_gain(std::span<const double> mean, std::span<const double> variance,
                  std::size_t step) const;
  double log_gain_with_slopes(std::span<const double> mean, std::span<const double> variance,
                              std::span<double> by_mean, std::span<double> by_variance) const;
  double log_gain_far(std::span<const double> mean, std::span<const double> deviation,
                      std::size_t step) const;

  const Surrogates* surrogates_;
  std::vector<GaussianProcess> uses_;      // log(used / allowed) of each resource, by name
  std::vector<std::vector<double>> free_;  // [point][goal], in the models' units, minimised
};

/// The volume that points (minimised) dominate up to `reference`; exact, by slicing along the last
/// goal. For tests and benchmarks.
double hypervolume(std::vector<std::vector<double>> points, std::vector<double> reference);

}  // namespace atml::propose
