// What the trials of a study teach, as numbers for surrogates: encoded points, objectives,
// constraints.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "propose/models/gaussian_process.h"
#include "propose/strategy.h"

namespace atml::propose {

/// The objective after part of the training, brought to the level of full ones by the median gain
/// that measured trials had from there to their end.
struct Partial {
  double fidelity = 0;  // log(1 + epochs) / log(1 + full epochs), in (0, 1)
  double objective = 0;
};

/// One trial as an optimiser sees it.
struct Observed {
  int number = 0;
  space::Encoding x;
  std::optional<double> objective;  // as stored, or estimated from a rung; higher is better
  double objective_spread = 0;      // standard deviation of that estimate; 0 where measured
  std::vector<Partial> partials;    // what its rungs before the last one said
  std::vector<std::optional<double>> margins;  // by Problem::constraint_names; > 0 = violated
  std::map<std::string, double> uses;  // used / allowed of every constraint that the trial knows
  std::optional<bool> computable;      // did generate, compile, link and emulate come to an answer?
  bool pending = false;
  /// All constraints known and met, and an objective that was measured (not estimated).
  bool feasible = false;
  /// Sum of the positive margins (each at most 10), plus 10 where not computable; how infeasible
  /// trials are compared.
  double violation = 0;
};

/// The encodings of a history by position, so that each proposal encodes only what is new. A pure
/// cache.
class EncodingMemory {
 public:
  /// None where the space does not contain the configuration. Valid until the next call.
  const std::optional<space::Encoding>& encoded(const space::Space& space, std::size_t position,
                                                const space::Configuration& configuration);

 private:
  struct Known {
    space::Configuration configuration;
    std::optional<space::Encoding> encoding;
  };
  std::vector<space::Parameter> parameters_;  // of the space that they belong to
  std::vector<Known> known_;
};

/// In the order of trial numbers. Cancelled and failed trials keep what they know, but nothing
/// else. A trial that was pruned, or runs and has reached a rung, stands with the value of its last
/// rung plus the median gain that measured trials had from that rung to their end; its spread is
/// that of the gains. It is no incumbent. A diverged trial stands with the worst measured
/// objective.
std::vector<Observed> observe(const Problem& problem, EncodingMemory* memory = nullptr);

/// Index of the best feasible trial in `observed`; none while nothing is feasible.
std::optional<std::size_t> best_feasible(std::span<const Observed> observed);
/// Best feasible, else least violation (first of equals); none in an empty history.
std::optional<std::size_t> incumbent(std::span<const Observed> observed);

/// Deb's rule: is `a` better than `b`? Feasible before infeasible, then by objective; infeasible
/// ones by violation; where those are equal by what objective is known.
bool better(const Observed& a, const Observed& b);
/// Indices of the trials that came to an answer, best first.
std::vector<std::size_t> ranking(std::span<const Observed> observed);

Layout layout_of(const space::Space& space);

/// The gate that every proposal passes: new to the study, and allowed by the exact limits.
/// Remembers answers, so that no configuration is checked twice in one proposal, and the least
/// violating one.
class Gate {
 public:
  /// The problem must outlive the gate.
  explicit Gate(const Problem& problem);
  explicit Gate(Problem&&) = delete;
  /// The same, without encoding the history again.
  Gate(const Problem& problem, std::span<const Observed> observed);

  bool is_new(std::span<const double> canonical) const;
  /// New and allowed.
  bool passes(const space::Encoding& canonical);
  const ExactCheck& check(const space::Encoding& canonical);
  int checks() const { return checks_; }
  /// The refused, new point with the smallest worst margin so far.
  const std::optional<space::Encoding>& least_violating() const { return least_; }
  const ExactCheck& least_check() const { return least_check_; }

 private:
  const Problem& problem_;
  std::set<space::Encoding> seen_;
  std::map<space::Encoding, ExactCheck> answers_;
  std::optional<space::Encoding> least_;
  ExactCheck least_check_;
  int checks_ = 0;
};

}  // namespace atml::propose
