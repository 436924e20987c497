// Constrained Bayesian optimisation: the default strategy.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "propose/acquisition.h"
#include "propose/design.h"
#include "propose/maximise.h"
#include "propose/pareto.h"
#include "propose/penalty.h"
#include "propose/polish.h"
#include "propose/strategies.h"
#include "propose/surrogates.h"

namespace atml::propose {
namespace {

constexpr int kDesignSamples = 1500;
constexpr std::size_t kIncumbents = 5;
// Where a random forest takes over: a Gaussian process costs the cube of its observations, and
// its distances mean little where hardly two trials have the same parameters active.
constexpr std::size_t kLargeHistory = 500;
constexpr std::size_t kBranchedHistory = 60;
constexpr double kTrialsPerBranch = 2;
constexpr double kCostly = 1e5;         // cost_of() from which candidates are ranked roughly first
constexpr std::size_t kRoughShare = 4;  // by variances given that part of the trials
constexpr double kNoticed = 0.02;       // of a standard deviation of the warped objectives
constexpr int kPatience = 8;
constexpr std::size_t kPolishPeriod = 6;  // proposals, one of which polishes the best trial
constexpr double kMargin = 0.01, kLargestMargin = 0.1;

std::vector<space::Encoding> good_points(std::span<const Observed> observed) {
  std::vector<space::Encoding> points;
  for (const std::size_t i : ranking(observed)) {
    if (points.size() < kIncumbents) points.push_back(observed[i].x);
  }
  return points;
}

Problem first_trials(const Problem& problem, std::size_t count) {
  Problem part = problem;
  part.history = problem.history.first(count);
  return part;
}

// Large, or heavily branched: of many trials fewer than two on average share their active
// parameters.
bool suits_forest(const Problem& problem) {
  const std::size_t n = problem.history.size();
  if (n > kLargeHistory) return true;
  const bool conditional =
      std::any_of(problem.space.parameters().begin(), problem.space.parameters().end(),
                  [](const space::Parameter& p) { return !p.conditions.empty(); });
  if (n < kBranchedHistory || !conditional) return false;
  std::set<std::vector<std::string>> branches;
  for (const study::Trial& t : problem.history)
    branches.insert(problem.space.active(t.configuration));
  return static_cast<double>(n) < kTrialsPerBranch * static_cast<double>(branches.size());
}

// While nothing is feasible, every third proposal descends the predicted violation instead, so that
// a flat or wrong probability cannot hold the search.
Goal goal_of(const Surrogates& surrogates, std::size_t trials) {
  if (surrogates.best()) return Goal::kImprove;
  return trials % 3 == 2 && !surrogates.constraints().empty() ? Goal::kLeastViolation
                                                              : Goal::kFeasible;
}

// Trials that came to an answer since the best feasible one was beaten noticeably.
int staleness(std::span<const Observed> observed) {
  const ObjectiveWarp warp(objectives(observed));
  std::optional<double> best;
  int stale = 0;
  for (const Observed& o : observed) {
    if (o.computable) ++stale;
    if (!o.feasible) continue;
    const double value = warp(*o.objective);
    if (best && value < *best + kNoticed) continue;
    best = value;
    stale = 0;
  }
  return stale;
}

// Beside the polishing ones (see polish.h) one proposal in three is local: it leaves basins in
// which expected improvement polishes too long, and is what finds tiny feasible sets. Two in three
// where the search has stalled.
bool is_local_turn(std::span<const Observed> observed) {
  const std::size_t turn = observed.size() % 3;
  return turn == 1 || (turn == 2 && best_feasible(observed) && staleness(observed) >= kPatience);
}

// The improvement that every second proposal looks for after that many trials without one.
double margin_after(int stale) {
  return stale < kPatience ? 0 : std::min(kMargin * (stale - kPatience + 1), kLargestMargin);
}

// The cost of a point under all models, in multiplications of the largest.
double cost_of(const Surrogates& surrogates) {
  const auto n = static_cast<double>(std::max<std::size_t>(surrogates.largest(), 1));
  return n * n * static_cast<double>(surrogates.models());
}

// Keeps each part of the search within some milliseconds.
Effort effort_for(double cost) {
  const double affordable = (cost > kCostly ? 4e7 : 6e7) / cost;
  Effort effort;
  effort.candidates = static_cast<std::size_t>(std::clamp(affordable, 256.0, 1200.0));
  effort.evaluations = static_cast<int>(std::clamp(affordable / 30, 8.0, 40.0));
  if (cost > kCostly) {
    effort.rounds = 2;
    effort.survivors = 2;
  }
  return effort;
}

// The parameters in which a proposal differs most from the best trial.
std::string changes(const space::Space& space, std::span<const Observed> observed,
                    const space::Encoding& x) {
  const auto best = incumbent(observed);
  if (!best) return "";
  const space::Configuration from = space.decode(observed[*best].x), to = space.decode(x);
  std::vector<std::pair<double, std::string>> moved;
  for (std::size_t i = 0; i < space.size(); ++i) {
    const double a = observed[*best].x[i], b = x[i];
    if (a == b || b == space::kInactive) continue;
    const space::Parameter& p = space.parameters()[i];
    const bool apart = a == space::kInactive || p.kind == space::Kind::kCategorical;
    space::Configuration one;
    one.set(p.name, *to.find(p.name));
    moved.emplace_back(apart ? 1.0 : std::abs(a - b), one.text());
  }
  std::stable_sort(moved.begin(), moved.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, moved.size()); ++i)
    names.push_back(moved[i].second);
  return fmt::format("; {} of trial {} changed in {} parameters: {}",
                     best_feasible(observed) ? "best" : "least violating", observed[*best].number,
                     moved.size(), join(names, ", "));
}

std::string goal_text(Goal goal) {
  switch (goal) {
    case Goal::kImprove:
      return "expected improvement";
    case Goal::kFeasible:
      return "nothing feasible yet: highest chance to be";
    case Goal::kLeastViolation:
      return "nothing feasible yet: least predicted violation";
  }
  ATML_UNREACHABLE("goal");
}

class BayesStrategy : public Strategy {
 public:
  BayesStrategy(std::string name, Treatment treatment, bool pareto = false)
      : name_(std::move(name)),
        treatment_(treatment),
        pareto_(pareto),
        local_(treatment == Treatment::kModelled && !pareto ? make_scbo(&memory_) : nullptr),
        forest_(local_ ? make_forest() : nullptr) {}
  std::string name() const override { return name_; }

  Result<Proposal> propose(const Problem& asked) override {
    Problem problem = asked;
    if (treatment_ != Treatment::kModelled) problem.constraint_names.clear();
    if (problem.history.size() < design_size(problem.space)) return from_design(problem);
    if (forest_ && suits_forest(problem)) return forest_->propose(problem);
    const std::vector<Observed> observed = seen(problem, problem.history.size());
    const bool polishes = local_ && observed.size() % kPolishPeriod == kPolishPeriod - 1;
    const bool local = local_ && is_local_turn(observed);
    if (local && !polishes) return local_->propose(problem);
    const std::vector<Observed> basis = basis_of(problem, observed);
    const Surrogates surrogates(problem, observed, basis, memory_);
    if (surrogates.models() == 0) return from_design(problem);
    if (polishes) {
      if (auto proposal = polish(problem, observed, surrogates, near_memory_))
        return *std::move(proposal);
      if (local) return local_->propose(problem);
    }

    const Goal goal = goal_of(surrogates, problem.history.size());
    const double margin = goal == Goal::kImprove && problem.history.size() % 2 == 0
                              ? margin_after(staleness(observed))
                              : 0;
    const Acquisition acquisition(surrogates, goal, margin, problem.refusal_cost);
    const double cost = cost_of(surrogates);
    Scorer scorer{[&](const Points& x) { return acquisition.values(x); },
                  [&](const Points& x, std::span<double> slopes) {
                    return acquisition.values_with_slopes(x, slopes);
                  }};
    if (cost > kCostly)
      scorer.rough = [&](const Points& x) {
        return acquisition.values(x, surrogates.largest() / kRoughShare);
      };
    Gate gate(problem, observed);
    Rng rng = Rng::derive(problem.seed, name_, problem.history.size());
    const auto x = maximise(problem, gate, scorer, good_points(observed), rng, effort_for(cost));
    if (!x) return from_design(problem);
    return Proposal{.configuration = problem.space.decode(*x),
                    .why = fmt::format("{}: {}{}", goal_text(goal), acquisition.explain(*x),
                                       changes(problem.space, observed, *x)),
                    .explanation = acquisition.details(*x)};
  }

 private:
  // The first trials, with the objective that this proposal pursues.
  std::vector<Observed> seen(const Problem& problem, std::size_t count) {
    std::vector<Observed> observed = observe(first_trials(problem, count), memory_.encodings());
    if (!pareto_) return treated(std::move(observed), treatment_);
    Rng rng = Rng::derive(problem.seed, "pareto weights", problem.history.size());
    return scalarised(observed, random_weights(goal_count(observed), rng));
  }

  // What the hyper-parameters are fitted to: estimates of unfinished trials rest on the first ones
  // alone, so that the fit holds until the next size.
  std::vector<Observed> basis_of(const Problem& problem, const std::vector<Observed>& observed) {
    const std::size_t size = fitted_size(problem.history.size());
    const bool estimated =
        std::any_of(problem.history.begin(), problem.history.end(), [](const study::Trial& t) {
          return !t.rungs.empty() || t.outcome == study::Outcome::kDiverged ||
                 t.outcome == study::Outcome::kPruned;
        });
    if (estimated || observed.size() != problem.history.size() || pareto_)
      return seen(problem, size);
    return {observed.begin(), observed.begin() + static_cast<std::ptrdiff_t>(size)};
  }

  static Result<Proposal> from_design(const Problem& problem) {
    Gate gate(problem);
    if (const auto x = design_point(problem, gate, kDesignSamples)) {
      const bool first = problem.space.decode(*x) == problem.space.default_configuration();
      return Proposal{.configuration = problem.space.decode(*x),
                      .why = first ? "the default configuration" : "initial design: Sobol point",
                      .explanation = {.kind = first ? "default" : "initial"}};
    }
    return last_resort(problem, gate);
  }

  std::string name_;
  Treatment treatment_;
  bool pareto_;  // a random direction among the objective and all resources each time (ParEGO)
  ModelMemory memory_, near_memory_;  // of models of all trials, and of the nearest
  std::unique_ptr<Strategy> local_;   // null for the baselines; shares the memory
  std::unique_ptr<Strategy> forest_;  // likewise null
};

}  // namespace

std::unique_ptr<Strategy> make_bayes() {
  return std::make_unique<BayesStrategy>("bayes", Treatment::kModelled);
}
std::unique_ptr<Strategy> make_parego() {
  return std::make_unique<BayesStrategy>("parego", Treatment::kModelled, true);
}
std::unique_ptr<Strategy> make_bayes_penalty() {
  return std::make_unique<BayesStrategy>("bayes-penalty", Treatment::kPenalty);
}
std::unique_ptr<Strategy> make_bayes_constant() {
  return std::make_unique<BayesStrategy>("bayes-constant", Treatment::kConstant);
}

}  // namespace atml::propose
