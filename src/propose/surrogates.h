// The models that "bayes" learns from a history: objective, measured constraints, computable or not.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "propose/history.h"
#include "propose/models/gaussian_process.h"
#include "propose/warp.h"

namespace atml::propose {

/// Fitted hyper-parameters by what they were fitted to. A pure cache: fits start from the mode of
/// the priors, so an empty memory gives the same numbers, only later.
class HyperMemory {
 public:
  Hyper fitted(const Layout& layout, const Observations& data);

 private:
  std::map<std::uint64_t, Hyper> known_;
};

struct ConstraintModel {
  std::string name;
  MarginWarp warp;
  GaussianProcess process;
  double limit;  // the warped margin 0: feasible below
};

/// Models of what is known; pending trials stand with their predicted means (kriging believer).
class Surrogates {
 public:
  Surrogates(const Problem& problem, std::span<const Observed> observed, HyperMemory& memory);

  const Layout& layout() const { return layout_; }
  const std::optional<GaussianProcess>& objective() const { return objective_; }
  const std::optional<ObjectiveWarp>& objective_warp() const { return objective_warp_; }
  const std::vector<ConstraintModel>& constraints() const { return constraints_; }
  /// Labels +1 computable, -1 not; present after three failures.
  const std::optional<GaussianProcess>& computable() const { return computable_; }
  /// The largest posterior mean among observed feasible points, warped; none while nothing is feasible.
  std::optional<double> best() const { return best_; }
  std::size_t models() const {
    return constraints_.size() + (objective_ ? 1u : 0u) + (computable_ ? 1u : 0u);
  }
  std::size_t largest() const;  // observations of the largest model

 private:
  void learn_objective(std::span<const Observed> observed, HyperMemory& memory);
  void learn_constraint(const std::string& name, std::size_t index, std::span<const Observed> observed,
                        HyperMemory& memory);
  void learn_computable(std::span<const Observed> observed, HyperMemory& memory);
  void find_best(std::span<const Observed> observed);

  Layout layout_;
  std::optional<GaussianProcess> objective_;
  std::optional<ObjectiveWarp> objective_warp_;
  std::vector<ConstraintModel> constraints_;
  std::optional<GaussianProcess> computable_;
  std::optional<double> best_;
};

}  // namespace atml::propose
