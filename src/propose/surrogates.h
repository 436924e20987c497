// The models that "bayes" learns from a history: objective, measured constraints, computable or
// not.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "propose/history.h"
#include "propose/models/gaussian_process.h"
#include "propose/warp.h"

namespace atml::propose {

/// Fitted hyper-parameters by what they were fitted to, and the last model of each name, whose
/// factor the next one extends. A pure cache: an empty memory gives the same numbers, only later.
class ModelMemory {
 public:
  /// Up to 60 observations from the mode of the priors; more start from what the first half of them
  /// says (and that from its half), so that a few iterations do, and no state but the data decides.
  Hyper fitted(const Layout& layout, const Observations& data);
  /// With the power of a transformation of the values where it pays for itself: where it gains more
  /// posterior than half the logarithm of the number of observations (Schwarz's criterion, Annals
  /// of Statistics 6, 1978). `data` is not transformed.
  Hyper fitted_with_power(const Layout& layout, const Observations& data);
  GaussianProcess process(const std::string& name, const Layout& layout, Observations data,
                          const Hyper& hyper);
  EncodingMemory* encodings() { return &encodings_; }

 private:
  EncodingMemory encodings_;
  std::map<std::uint64_t, Hyper> known_, powers_;
  std::map<std::string, GaussianProcess> last_;
};

/// What the trials that know it say, as observations of one model each; all in the order of trials.
std::vector<double> objectives(std::span<const Observed> observed);
Observations objective_data(std::span<const Observed> observed, const ObjectiveWarp& warp);
/// Where trials stand at different rungs: every measured objective at fidelity 1 and every partial
/// one at its own, the fidelity being one more parameter (as MOBSTER's; Klein et al., arXiv
/// 2003.10865). Of many the oldest partial values of measured trials are left out.
Observations staged_data(std::span<const Observed> observed, const ObjectiveWarp& warp);
bool is_staged(std::span<const Observed> observed);
/// With the fidelity as the last parameter.
Layout staged_layout(Layout layout);
std::vector<double> margins_of(std::span<const Observed> observed, std::size_t constraint);
Observations margin_data(std::span<const Observed> observed, std::size_t constraint,
                         const MarginWarp& warp);
/// Labels +1 computable, -1 not.
Observations computable_data(std::span<const Observed> observed);

struct ConstraintModel {
  std::string name;
  MarginWarp warp;
  GaussianProcess process;
  double limit;  // the warped margin 0: feasible below
};

/// How many of n trials the hyper-parameters are fitted to: all up to 60, then 60 x 1.15^k. Between
/// two such sizes a proposal costs no fit, only a factorisation, and still follows from the history
/// alone.
std::size_t fitted_size(std::size_t trials);

/// The most that Surrogates::bests() has.
inline constexpr std::size_t kDraws = 16;

/// Whether the objective may be transformed by a fitted power before it is modelled.
enum class PowerFit { kWhereItPays, kNever };

/// Models of what is known; pending trials stand with their predicted means (kriging believer).
class Surrogates {
 public:
  /// `basis`: the observations of the first fitted_size() trials.
  Surrogates(const Problem& problem, std::span<const Observed> observed,
             std::span<const Observed> basis, ModelMemory& memory,
             PowerFit power = PowerFit::kWhereItPays);

  const Layout& layout() const { return layout_; }
  /// Of full trainings.
  const std::optional<GaussianProcess>& objective() const { return objective_; }
  const std::optional<ObjectiveWarp>& objective_warp() const { return objective_warp_; }
  const std::vector<ConstraintModel>& constraints() const { return constraints_; }
  /// Of the labels of computable_data(); present after three failures.
  const std::optional<GaussianProcess>& computable() const { return computable_; }
  /// The largest posterior mean among observed feasible points, warped; none while nothing is
  /// feasible.
  std::optional<double> best() const { return best_; }
  /// best(), or, where the objective is noisy, draws of what the best feasible trial truly has.
  std::span<const double> bests() const { return bests_; }
  std::size_t models() const {
    return constraints_.size() + (objective_ ? 1u : 0u) + (computable_ ? 1u : 0u);
  }
  std::size_t largest() const;  // observations of the largest model

 private:
  using Span = std::span<const Observed>;
  void learn_objective(Span observed, Span basis, ModelMemory& memory, PowerFit power);
  void learn_constraint(const std::string& name, std::size_t index, Span observed, Span basis,
                        ModelMemory& memory);
  void learn_computable(Span observed, Span basis, ModelMemory& memory);
  void find_best(std::span<const Observed> observed);
  void draw_bests(const Points& at, std::span<const double> mean);

  Layout layout_;
  std::optional<GaussianProcess> objective_;
  std::optional<ObjectiveWarp> objective_warp_;
  std::vector<ConstraintModel> constraints_;
  std::optional<GaussianProcess> computable_;
  std::optional<double> best_;
  std::vector<double> bests_;
};

}  // namespace atml::propose
