// NSGA-II as a steady-state strategy: parents by tournament from the best of all trials, uniform
// crossover, mutation.
#include <algorithm>

#include <fmt/format.h>

#include "propose/design.h"
#include "propose/maximise.h"
#include "propose/pareto.h"
#include "propose/strategies.h"

namespace atml::propose {
namespace {

constexpr std::size_t kPopulation = 24;
constexpr int kTries = 300;

class Nsga2Strategy : public Strategy {
 public:
  std::string name() const override { return "nsga2"; }

  Result<Proposal> propose(const Problem& problem) override {
    Gate gate(problem);
    const std::vector<Observed> observed = observe(problem);
    std::vector<std::size_t> population = nsga2_order(observed);
    if (population.size() > kPopulation) population.resize(kPopulation);
    if (problem.history.size() < design_size(problem.space) || population.empty()) {
      if (const auto x = design_point(problem, gate, 1500))
        return Proposal{.configuration = problem.space.decode(*x),
                        .why = "initial population",
                        .explanation = {.kind = "initial"}};
      return last_resort(problem, gate);
    }
    Rng rng = Rng::derive(problem.seed, "nsga2", problem.history.size());
    const auto parent = [&] {  // the population is sorted, so the smaller place wins
      return population[std::min(rng.below(population.size()), rng.below(population.size()))];
    };
    for (int i = 0; i < kTries; ++i) {
      const Observed &a = observed[parent()], &b = observed[parent()];
      space::Encoding child = a.x;
      for (std::size_t k = 0; k < child.size(); ++k) {
        if (b.x[k] != space::kInactive && rng.chance(0.5)) child[k] = b.x[k];
      }
      problem.space.snap(child);
      child = mutated(problem.space, child, 0.1 + 0.3 * i / kTries, rng);
      if (gate.passes(child))
        return Proposal{problem.space.decode(child),
                        fmt::format("child of trials {} and {}", a.number, b.number)};
    }
    if (const auto x = random_point(problem, gate, rng, 1500))
      return Proposal{problem.space.decode(*x), "random draw: no child was new and allowed"};
    return last_resort(problem, gate);
  }
};

}  // namespace

std::unique_ptr<Strategy> make_nsga2() { return std::make_unique<Nsga2Strategy>(); }

}  // namespace atml::propose
