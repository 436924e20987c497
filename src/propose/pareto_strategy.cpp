// "pareto": expected hypervolume improvement over the objective and every limited resource. While
// nothing is feasible it searches feasibility as "bayes" does; with more than four goals, of which
// EHVI separates few, it scalarises (ParEGO).
#include <fmt/format.h>

#include "propose/acquisition.h"
#include "propose/design.h"
#include "propose/hypervolume.h"
#include "propose/maximise.h"
#include "propose/pareto.h"
#include "propose/strategies.h"

namespace atml::propose {
namespace {

constexpr std::size_t kMostGoals = 5;
constexpr std::size_t kRoughStep = 4;  // candidates are ranked first by that part of the integral

class ParetoStrategy : public Strategy {
 public:
  std::string name() const override { return "pareto"; }

  Result<Proposal> propose(const Problem& problem) override {
    const std::vector<Observed> observed = observe(problem, memory_.encodings());
    const bool designing = problem.history.size() < design_size(problem.space);
    const std::size_t goals = goal_count(observed);
    if (designing || !best_feasible(observed)) return feasible_->propose(problem);
    if (goals < 2 || goals > kMostGoals) return scalar_->propose(problem);
    const auto basis = std::span(observed).first(fitted_size(observed.size()));
    const Surrogates surrogates(problem, observed, basis, memory_);
    const auto gain = HypervolumeGain::create(surrogates, observed, basis, memory_);
    if (!gain) return scalar_->propose(problem);
    Gate gate(problem, observed);
    const Scorer scorer{[&](const Points& x) { return gain->values(x); },
                        [&](const Points& x, std::span<double> slopes) {
                          return gain->values_with_slopes(x, slopes);
                        },
                        [&](const Points& x) { return gain->values(x, kRoughStep); }};
    std::vector<space::Encoding> around;
    for (const std::size_t i : nsga2_order(observed)) {
      if (around.size() < 8) around.push_back(observed[i].x);
    }
    Rng rng = Rng::derive(problem.seed, name(), problem.history.size());
    const auto x = maximise(problem, gate, scorer, around, rng, {.candidates = 800, .starts = 4});
    if (!x) return feasible_->propose(problem);
    const Acquisition feasibility(surrogates, Goal::kFeasible);
    Proposal proposal{
        .configuration = problem.space.decode(*x),
        .why = fmt::format("expected gain of the front's hypervolume, log {:.2f}, "
                           "over the objective and {} limits; {}",
                           gain->values({x->size(), *x})[0], goals - 1, feasibility.explain(*x)),
        .explanation = feasibility.details(*x)};
    proposal.explanation.kind = "front";
    proposal.explanation.acquisition = "log expected hypervolume improvement";
    return proposal;
  }

 private:
  std::unique_ptr<Strategy> feasible_ = make_bayes(), scalar_ = make_parego();
  ModelMemory memory_;
};

}  // namespace

std::unique_ptr<Strategy> make_pareto() { return std::make_unique<ParetoStrategy>(); }

}  // namespace atml::propose
