// Regularised evolution (Real et al., "Regularized evolution for image classifier architecture
// search", AAAI 2019): the parent is the best of a random sample of the youngest trials; the oldest
// die.
#include <fmt/format.h>

#include "propose/design.h"
#include "propose/maximise.h"
#include "propose/strategies.h"

namespace atml::propose {
namespace {

constexpr std::size_t kPopulation = 30;
constexpr int kSample = 8;
constexpr int kTries = 300;  // mutants of one parent that the gate may refuse

class EvolutionStrategy : public Strategy {
 public:
  std::string name() const override { return "evolution"; }

  Result<Proposal> propose(const Problem& problem) override {
    Gate gate(problem);
    const std::vector<Observed> observed = observe(problem);
    std::vector<const Observed*> alive;  // the youngest that came to an answer
    for (auto o = observed.rbegin(); o != observed.rend() && alive.size() < kPopulation; ++o) {
      if (o->computable) alive.push_back(&*o);
    }
    if (problem.history.size() < design_size(problem.space) || alive.empty()) {
      if (const auto x = design_point(problem, gate, 1500))
        return Proposal{.configuration = problem.space.decode(*x),
                        .why = "initial population",
                        .explanation = {.kind = "initial"}};
      return last_resort(problem, gate);
    }
    Rng rng = Rng::derive(problem.seed, "evolution", problem.history.size());
    const Observed* parent = alive[rng.below(alive.size())];
    for (int i = 1; i < kSample; ++i) {
      const Observed* rival = alive[rng.below(alive.size())];
      if (better(*rival, *parent)) parent = rival;
    }
    for (int i = 0; i < kTries; ++i) {  // ever wider, so that a crowded neighbourhood is left
      const space::Encoding child = mutated(problem.space, parent->x, 0.1 + 0.3 * i / kTries, rng);
      if (gate.passes(child))
        return Proposal{problem.space.decode(child),
                        fmt::format("mutant of trial {}", parent->number)};
    }
    if (const auto x = random_point(problem, gate, rng, 1500))
      return Proposal{problem.space.decode(*x), "random draw: no mutant was new and allowed"};
    return last_resort(problem, gate);
  }
};

}  // namespace

std::unique_ptr<Strategy> make_evolution() { return std::make_unique<EvolutionStrategy>(); }

}  // namespace atml::propose
