// Ask / tell: constrained optimisation of your own function over mixed and conditional parameters.
//
//   auto optimizer = autotinyml::Optimizer::create(
//       autotinyml::Space().real("x", 0, 1, 0.5).integer("n", 1, 8, 2), {.constraints = {"ram"}});
//   for (int i = 0; i < 50; ++i) {
//     auto trial = optimizer->ask();
//     const double ram = ram_of(trial->point);                        // cheap: always told
//     optimizer->tell_constraint(trial->number, "ram", ram, 32768);
//     if (ram <= 32768)
//       optimizer->tell_objective(trial->number, score_of(trial->point));  // dear: only then
//     else
//       optimizer->tell_infeasible(trial->number);
//   }
//
// Higher objectives are better. Several trials may be asked for before the first is told about:
// pending ones are taken into account. Not thread safe: one caller at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "autotinyml/expected.h"

namespace autotinyml {

/// Integer and ordinal parameters have whole numbers, real ones doubles, categorical ones words.
using Value = std::variant<std::int64_t, double, std::string>;
/// Values of the active parameters by name.
using Point = std::map<std::string, Value>;

/// What may vary. The calls chain; errors are reported by Optimizer::create.
class Space {
 public:
  Space();
  ~Space();
  Space(const Space& other);
  Space& operator=(const Space& other);

  Space& real(const std::string& name, double low, double high, double preferred,
              bool logarithmic = false);
  Space& integer(const std::string& name, std::int64_t low, std::int64_t high,
                 std::int64_t preferred, bool logarithmic = false);
  /// Whole numbers in ascending order, of which neighbours are alike.
  Space& ordinal(const std::string& name, const std::vector<std::int64_t>& values,
                 std::int64_t preferred);
  Space& categorical(const std::string& name, const std::vector<std::string>& words,
                     const std::string& preferred);
  /// The parameter declared last is active only where `parent` (declared before it) has one of the
  /// values.
  Space& when(const std::string& parent, const std::vector<Value>& values);
  /// From TOML, in the form of spaces/*.toml; replaces what was declared before.
  static Expected<Space> from_toml(const std::string& text);

 private:
  friend class Optimizer;
  struct State;
  std::unique_ptr<State> state_;
};

/// The answer of limits that are known as a formula.
struct Exact {
  bool allowed = true;
  double worst_margin = 0;  // relative excess of the worst limit; <= 0 fits
  std::string reason;
};

struct Options {
  std::string strategy = "bayes";  // see Optimizer::strategies()
  std::uint64_t seed = 0;
  std::vector<std::string> constraints;  // names of measured constraints, to be learnt
  /// What an infeasible trial costs over what a full one costs, in (0, 1]; 1 counts trials alike.
  double refusal_cost = 1;
  /// Epochs (or any unit of effort) that an evaluation may stop at, ascending, the last a full one;
  /// the strategy "agp" then says in Trial::epochs how far to go. Tell such a value by tell_rung,
  /// then tell_pruned.
  std::vector<int> rungs = {};
  std::function<Exact(const Point&)> exact = {};  // optional: filters candidates, never learnt
};

/// Why a trial was proposed, as numbers of the strategy's models. Empty optionals: no model then.
struct Explanation {
  /// "exploit" (its predicted mean beats the best), "explore" (only its uncertainty could),
  /// "feasibility", "violation" (nothing is feasible yet), "trust region", "front", "forest",
  /// "source", "default", "initial", "sampled" or "fallback".
  std::string kind;
  std::string acquisition;                 // what was maximised; may be empty
  std::optional<double> mean, deviation;   // predicted objective
  std::optional<double> best;              // the objective to beat
  std::optional<double> computable;        // probability of an answer
  std::map<std::string, double> feasible;  // probability of meeting each measured constraint
};

struct Trial {
  int number = 0;
  Point point;
  std::string why;               // predicted mean, feasibility, what it explores
  bool allowed = true;           // false: no candidate passed `exact`; this one violates least
  int epochs = 0;                // one of Options::rungs, or 0: evaluate fully
  Explanation explanation = {};  // `why` in numbers
};

struct Best {
  int number = 0;
  Point point;
  double objective = 0;
};

/// How much of the variance over the space involves a parameter, alone or with others: Sobol's
/// total indices of what was learnt, in [0, 1].
struct Importance {
  std::string parameter;
  double objective = 0;
  std::map<std::string, double> constraints;
};

class Optimizer {
 public:
  static Expected<Optimizer> create(const Space& space, Options options);
  /// Continues from save(): the next proposal is the one that the saved optimizer would have made.
  static Expected<Optimizer> resume(const Space& space, Options options, const std::string& saved);
  static std::vector<std::string> strategies();
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(Optimizer&&) noexcept;
  ~Optimizer();

  Expected<Trial> ask();

  // What is learnt of a trial, as it becomes known. Fails for unknown trials and names, and after
  // the end of a trial.
  Done tell_constraint(int trial, const std::string& name, double used, double allowed);
  Done tell_rung(int trial, int epochs, double objective);  // an early value of a longer evaluation
  // The end of a trial.
  Done tell_objective(int trial, double objective);
  Done tell_infeasible(int trial);  // measured, and a constraint does not hold
  Done tell_pruned(int trial);      // stopped at its last rung
  Done tell_not_computable(int trial, const std::string& reason);
  Done tell_diverged(int trial);
  Done cancel(int trial);

  /// The best objective among trials that meet every constraint.
  std::optional<Best> best() const;
  /// Numbers of the feasible trials that no other beats in the objective and every constraint's use
  /// at once.
  std::vector<int> front() const;
  /// Of every parameter, in the order of the space; zeros while nothing is known.
  std::vector<Importance> importance() const;
  std::size_t trials() const;
  /// One line of JSON a trial.
  std::string save() const;

 private:
  struct State;
  explicit Optimizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace autotinyml
