// SCBO: constrained Thompson sampling in a trust region (Eriksson and Poloczek, AISTATS 2021), over
// mixed spaces. For tiny feasible sets. Differences from the paper: 400 candidates instead of 2000
// or more (they are drawn jointly, which costs their cube), words are redrawn instead of scaled,
// and the region's state is replayed from the history.
#include <algorithm>

#include <fmt/format.h>

#include "propose/acquisition.h"
#include "propose/design.h"
#include "propose/models/sobol.h"
#include "propose/region.h"
#include "propose/strategies.h"
#include "propose/surrogates.h"

namespace atml::propose {
namespace {

constexpr std::size_t kCandidates = 400, kFewestCandidates = 160;
constexpr std::size_t kJoint = 48000;  // candidates x trials, from where on there are fewer

class ScboStrategy : public Strategy {
 public:
  explicit ScboStrategy(ModelMemory* shared) : memory_(shared != nullptr ? *shared : own_) {}
  std::string name() const override { return "scbo"; }

  Result<Proposal> propose(const Problem& problem) override {
    const std::vector<Observed> observed = observe(problem, memory_.encodings());
    Gate gate(problem, observed);
    const std::size_t design = design_size(problem.space);
    const Region region = replay(observed, problem.space.size(), design);
    if (observed.size() < region.first + design || !region.centre)
      return from_design(problem, gate);
    const std::size_t used = fitted_size(observed.size() - region.first);
    const auto recent = std::span(observed).subspan(region.first);
    const Surrogates surrogates(problem, recent, recent.first(used), memory_);
    Rng rng = Rng::derive(problem.seed, "scbo", problem.history.size());
    std::vector<space::Encoding> candidates =
        candidates_in(problem, gate, region, surrogates, observed, rng);
    for (const std::size_t i : thompson_order(surrogates, candidates, rng)) {
      if (!gate.passes(candidates[i])) continue;
      const Acquisition feasibility(surrogates, Goal::kFeasible);
      Proposal proposal{
          .configuration = problem.space.decode(candidates[i]),
          .why = fmt::format("Thompson sample in a trust region of side {:.3g} round trial {}; {}",
                             region.side, observed[*region.centre].number,
                             feasibility.explain(candidates[i])),
          .explanation = feasibility.details(candidates[i])};
      proposal.explanation.kind = "trust region";
      proposal.explanation.acquisition = "constrained Thompson sampling in a trust region (SCBO)";
      return proposal;
    }
    return from_design(problem, gate);
  }

 private:
  static Result<Proposal> from_design(const Problem& problem, Gate& gate) {
    if (const auto x =
            design_point(problem, gate, 1500 + 4 * static_cast<int>(problem.history.size())))
      return Proposal{.configuration = problem.space.decode(*x),
                      .why = "design of a trust region: Sobol point",
                      .explanation = {.kind = "initial"}};
    return last_resort(problem, gate);
  }

  // Sobol points of the box round the centre; each parameter moves with probability min(20 / d, 1),
  // one at least.
  static std::vector<space::Encoding> candidates_in(const Problem& problem, Gate& gate,
                                                    const Region& region,
                                                    const Surrogates& surrogates,
                                                    std::span<const Observed> observed, Rng& rng) {
    const space::Encoding& centre = observed[*region.centre].x;
    const std::vector<double> stretch = stretches(surrogates);
    const double chance = std::min(20.0 / static_cast<double>(centre.size()), 1.0);
    const std::size_t wanted = std::clamp(kJoint / std::max<std::size_t>(observed.size(), 1),
                                          kFewestCandidates, kCandidates);
    Sobol sobol(static_cast<int>(centre.size()), rng.next());
    std::set<space::Encoding> found;
    for (std::size_t tries = 0; found.size() < wanted && tries < 3 * wanted; ++tries) {
      const std::vector<double> unit = sobol.next();
      const std::size_t sure = rng.below(centre.size());
      space::Encoding x = centre;
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (x[i] == space::kInactive || (i != sure && !rng.chance(chance))) continue;
        const int words = surrogates.layout().words[i];
        if (words > 0) {
          if (unit[i] < region.side / 2)
            x[i] = static_cast<double>(rng.below(static_cast<std::uint64_t>(words)));
        } else {
          const double half = region.side * stretch[i] / 2;
          const double low = std::max(0.0, x[i] - half), high = std::min(1.0, x[i] + half);
          x[i] = low + unit[i] * (high - low);
        }
      }
      problem.space.snap(x);
      if (gate.is_new(x)) found.insert(std::move(x));
    }
    return {found.begin(), found.end()};
  }

  // One joint draw of every model: feasible candidates by the drawn objective, then the rest by
  // drawn violation.
  static std::vector<std::size_t> thompson_order(const Surrogates& surrogates,
                                                 const std::vector<space::Encoding>& candidates,
                                                 Rng& rng) {
    Points points{surrogates.layout().dimensions(), {}};
    for (const space::Encoding& x : candidates) points.add(x);
    const auto draw = [&](const GaussianProcess& process) {
      std::vector<double> normals(candidates.size());
      for (double& z : normals) z = rng.normal();
      return process.sample(points, normals);
    };
    std::vector<double> violation(candidates.size(), 0.0), objective(candidates.size(), 0.0);
    for (const ConstraintModel& c : surrogates.constraints()) {
      const std::vector<double> values = draw(c.process);
      for (std::size_t i = 0; i < values.size(); ++i)
        violation[i] += std::max(0.0, values[i] - c.limit);
    }
    if (surrogates.computable()) {
      const std::vector<double> labels = draw(*surrogates.computable());
      for (std::size_t i = 0; i < labels.size(); ++i) violation[i] += std::max(0.0, -labels[i]);
    }
    if (surrogates.objective()) objective = draw(*surrogates.objective());
    std::vector<std::size_t> order(candidates.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return violation[a] != violation[b] ? violation[a] < violation[b]
                                          : objective[a] > objective[b];
    });
    return order;
  }

  ModelMemory own_;
  ModelMemory& memory_;
};

}  // namespace

std::unique_ptr<Strategy> make_scbo(ModelMemory* memory) {
  return std::make_unique<ScboStrategy>(memory);
}
std::unique_ptr<Strategy> make_scbo() { return make_scbo(nullptr); }

}  // namespace atml::propose
