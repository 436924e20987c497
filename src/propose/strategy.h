// Strategy: what proposes the next Configuration from the history of a study.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "space/configuration.h"
#include "space/space.h"
#include "study/explanation.h"
#include "study/trial.h"

namespace atml::propose {

/// The answer of limits that are known as a formula: no model is needed, and none is used.
struct ExactCheck {
  bool allowed = true;
  double worst_margin = 0;  // relative excess of the worst known limit; <= 0 fits
  std::string reason;       // of a refusal, for people
};

/// One question to a Strategy. Borrowed: everything must outlive the call.
struct Problem {
  const space::Space& space;
  /// In the order of proposal, finished and running (Outcome::kRunning = pending). Higher
  /// objectives are better. Numbers that are not finite count as missing.
  std::span<const study::Trial> history;
  /// May be empty. Called up to some hundred times per proposal, never twice for one configuration.
  std::function<ExactCheck(const space::Configuration&)> exact;
  /// The measured constraints (study::Constraint::name) to be learnt by surrogates. Leave out what
  /// `exact` decides completely.
  std::vector<std::string> constraint_names;
  /// Of the study, the same for every proposal: designs continue one sequence; draws differ by the
  /// history's size.
  std::uint64_t seed = 0;
  /// What a trial costs that turns out infeasible, over what a full one costs: 1 where trials are
  /// counted, less where time is (an undeployable network costs a check, the others a training).
  /// Acquisitions are divided by the expected cost. In (0, 1].
  double refusal_cost = 1;
  /// The epochs of each rung that a trial may be evaluated to, ascending; the last is a full
  /// evaluation. For strategies that choose the source ("agp"); may be empty.
  std::vector<int> sources = {};
};

struct Proposal {
  space::Configuration configuration;
  std::string why;      // predicted mean, feasibility, what it explores
  bool allowed = true;  // false: no configuration passed `exact`; this one is the least violating
  double worst_margin = 0;  // of the exact check
  int epochs = 0;           // the source to ask, one of Problem::sources; 0: a full evaluation
  study::Explanation explanation = {.kind = "sampled"};  // `why` in numbers
};

/// Stateless with respect to the study: the proposal follows from the Problem alone (history and
/// seed), so a resumed study proposes as an uninterrupted one. Members may cache, never decide. Not
/// thread safe.
class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::string name() const = 0;
  /// Never a configuration that is in the history, never one that `exact` forbids unless none of
  /// many samples is allowed (see Proposal::allowed). Fails (not_found) where the space is
  /// exhausted.
  virtual Result<Proposal> propose(const Problem& problem) = 0;
};

/// "bayes", "random", ...; an unknown name fails with "did you mean".
Result<std::unique_ptr<Strategy>> make_strategy(const std::string& name);
std::vector<std::string> strategy_names();
/// One line about a strategy, for help texts; empty for an unknown name.
std::string strategy_summary(const std::string& name);

}  // namespace atml::propose
