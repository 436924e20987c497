#include "propose/polish.h"

#include <algorithm>

#include <fmt/format.h>

#include "propose/acquisition.h"
#include "propose/design.h"
#include "propose/maximise.h"
#include "propose/region.h"

namespace atml::propose {
namespace {

constexpr std::size_t kPerParameter = 5, kMostNeighbours = 60;
constexpr double kLeftOut = 1.3;  // trials over neighbours, at least
constexpr Effort kEffort = {.candidates = 1200, .evaluations = 40};

}  // namespace

std::optional<Proposal> polish(const Problem& problem, std::span<const Observed> observed,
                               const Surrogates& everywhere, ModelMemory& memory) {
  const std::size_t d = problem.space.size(), design = design_size(problem.space);
  const std::size_t count = std::min(kMostNeighbours, kPerParameter * (d + 1));
  const Region region = replay(observed, d, design);
  if (!region.centre || !observed[*region.centre].feasible) return std::nullopt;
  if (observed.size() < region.first + design) return std::nullopt;
  if (static_cast<double>(observed.size()) < kLeftOut * static_cast<double>(count))
    return std::nullopt;

  Box box{observed[*region.centre].x, stretches(everywhere)};
  const std::vector<Observed> near =
      nearest(observed, everywhere.layout(), box.centre, box.half, count);
  for (double& half : box.half) half *= region.side / 2;
  const Surrogates here(problem, near, near, memory);
  if (!here.best()) return std::nullopt;
  const Acquisition acquisition(here, Goal::kImprove, 0, problem.refusal_cost);
  const Scorer scorer{[&](const Points& x) { return acquisition.values(x); },
                      [&](const Points& x, std::span<double> slopes) {
                        return acquisition.values_with_slopes(x, slopes);
                      }};
  Gate gate(problem, observed);
  Rng rng = Rng::derive(problem.seed, "polish", problem.history.size());
  const auto x = maximise(problem, gate, scorer, {&box.centre, 1}, rng, kEffort, &box);
  if (!x) return std::nullopt;
  const Acquisition overall(everywhere, Goal::kFeasible);
  Proposal proposal{
      .configuration = problem.space.decode(*x),
      .why = fmt::format("expected improvement by models of the {} nearest trials, in a trust "
                         "region of side {:.3g} round trial {}; {}",
                         near.size(), region.side, observed[*region.centre].number,
                         acquisition.explain(*x)),
      .explanation = overall.details(*x)};
  proposal.explanation.kind = "trust region";
  proposal.explanation.acquisition = "local " + acquisition.name();
  return proposal;
}

}  // namespace atml::propose
