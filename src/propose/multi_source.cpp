// Augmented-GP multi-source optimisation ("agp"): MISO-AGP (Candelieri and Archetti, Soft Computing
// 25, 2021) over the rungs of a study as cheaper sources, with constraints.
//
// Notation (objectives are maximised here, so lower bounds of the paper become upper ones)
//   s = 0      the true source: a full evaluation; s >= 1: rungs of fewer epochs
//   mu_s, sd_s posterior of a GP on what source s has shown; mu, sd: of the augmented GP
//   c_s        epochs of source s over those of a full evaluation
//   D          D_0 and every (x, y) of D_s with |mu_0(x) - mu_s(x)| < m sd_0(x), m = 1
//   a(s, x)    [mu(x) + sqrt(beta) sd(x) - y_best] / (c_s (1 + |mu(x) - mu_s(x)|)), beta = 1
// The feasibility of measured constraints and "computable" multiply a, which the papers do not
// have. A source that would lead is not asked while it has kLead times the points of the true one
// (the correction of the authors' patch of January 2025, which allows none, would never ask it
// here).
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "propose/acquisition.h"
#include "propose/design.h"
#include "propose/maximise.h"
#include "propose/strategies.h"
#include "propose/surrogates.h"

namespace atml::propose {
namespace {

constexpr double kTrust = 1;  // m
constexpr double kBeta = 1;
constexpr std::size_t kFewest = 3;  // points of the true source before a cheaper one is compared
constexpr std::size_t kLead = 2;
constexpr double kAlmost = 0.02;  // distance of points that are almost the same

struct Source {
  int epochs = 0;  // 0: full
  double cost = 1;
  Observations data;  // warped
  std::optional<GaussianProcess> process;
};

double mean_at(const GaussianProcess& process, std::span<const double> x, double* deviation) {
  double mean = 0, variance = 0;
  process.predict({x.size(), {x.begin(), x.end()}}, {&mean, 1}, {&variance, 1});
  if (deviation != nullptr) *deviation = std::sqrt(variance);
  return mean;
}

// The values of all sources in one unit: that of the true source's warp.
std::vector<Source> sources_of(const Problem& problem, const ObjectiveWarp& warp,
                               std::size_t dimensions) {
  std::vector<Source> sources(1 + problem.sources.size() - 1);
  const double full = problem.sources.back();
  for (std::size_t s = 1; s < sources.size(); ++s) {
    sources[s].epochs = problem.sources[s - 1];
    sources[s].cost = sources[s].epochs / full;
  }
  for (Source& s : sources) s.data.x.dimensions = dimensions;
  const auto add = [&](Source& source, const space::Encoding& x, double value) {
    source.data.x.add(x);
    source.data.y.push_back(warp(value));
  };
  for (const study::Trial& t : problem.history) {
    if (!problem.space.contains(t.configuration).ok()) continue;
    const space::Encoding x = problem.space.encode(t.configuration);
    if (t.outcome == study::Outcome::kMeasured && t.objective && std::isfinite(*t.objective))
      add(sources[0], x, *t.objective);
    for (const study::Rung& r : t.rungs) {
      for (std::size_t s = 1; s < sources.size(); ++s) {
        if (r.epochs == sources[s].epochs && std::isfinite(r.objective))
          add(sources[s], x, r.objective);
      }
    }
  }
  return sources;
}

class AgpStrategy : public Strategy {
 public:
  std::string name() const override { return "agp"; }

  Result<Proposal> propose(const Problem& problem) override {
    const std::size_t n = problem.history.size();
    if (problem.sources.size() < 2) return alone(problem, 0);
    if (n < design_size(problem.space))  // the design is shared: every second point is cheap
      return alone(problem, n % 2 == 1 ? problem.sources.front() : 0);
    const std::vector<Observed> observed = observe(problem);
    std::vector<double> values;
    for (const study::Trial& t : problem.history) {
      if (t.outcome == study::Outcome::kMeasured && t.objective && std::isfinite(*t.objective))
        values.push_back(*t.objective);
    }
    if (values.size() < kFewest || !best_feasible(observed)) return alone(problem, 0);
    const ObjectiveWarp warp(values);
    const Layout layout = layout_of(problem.space);
    std::vector<Source> sources = sources_of(problem, warp, layout.dimensions());
    for (Source& s : sources) {
      if (s.data.size() < kFewest) continue;
      const Hyper hyper = memory_.fitted(layout, s.data);
      s.process.emplace(layout, s.data, hyper);
    }
    if (!sources[0].process) return alone(problem, 0);
    const Observations joined = augmented(sources);
    const Hyper hyper = memory_.fitted(layout, joined);
    const GaussianProcess whole(layout, joined, hyper);
    // Pending trials and constraints are modelled as everywhere.
    const Surrogates surrogates(problem, observed, observed, memory_);
    const double best = warp(*observed[*best_feasible(observed)].objective);
    return choose(problem, surrogates, sources, whole, best);
  }

 private:
  Result<Proposal> alone(const Problem& problem, int epochs) {
    auto proposal = single_->propose(problem);
    if (proposal) proposal->epochs = epochs;
    return proposal;
  }

  static Observations augmented(const std::vector<Source>& sources) {
    Observations all = sources[0].data;
    for (std::size_t s = 1; s < sources.size(); ++s) {
      if (!sources[s].process) continue;
      for (std::size_t j = 0; j < sources[s].data.size(); ++j) {
        const auto x = sources[s].data.x[j];
        double spread = 0;
        const double truth = mean_at(*sources[0].process, x, &spread);
        if (std::abs(truth - mean_at(*sources[s].process, x, nullptr)) >= kTrust * spread) continue;
        all.x.add(x);
        all.y.push_back(sources[s].data.y[j]);
      }
    }
    return all;
  }

  Result<Proposal> choose(const Problem& problem, const Surrogates& surrogates,
                          const std::vector<Source>& sources, const GaussianProcess& whole,
                          double best) {
    Gate gate(problem);
    Rng rng = Rng::derive(problem.seed, name(), problem.history.size());
    const Acquisition feasibility(surrogates, Goal::kFeasible);
    std::vector<space::Encoding> around;
    const std::vector<Observed> observed = observe(problem);
    for (const std::size_t i : ranking(observed)) {
      if (around.size() < 5) around.push_back(observed[i].x);
    }
    std::optional<space::Encoding> chosen;
    double chosen_value = 0;
    const Source* from = nullptr;
    for (const Source& s : sources) {
      const bool leads = &s != &sources[0] && s.data.size() >= kLead * sources[0].data.size();
      if (!s.process || leads) continue;
      const Scorer scorer{[&](const Points& x) {
                            std::vector<double> sum = feasibility.values(x);
                            std::vector<double> mean(x.size()), variance(x.size()), there(x.size()),
                                unused(x.size());
                            whole.predict(x, mean, variance);
                            s.process->predict(x, there, unused);
                            for (std::size_t i = 0; i < sum.size(); ++i) {
                              const double gain = mean[i] + std::sqrt(kBeta * variance[i]) - best;
                              // Below the best every candidate is poor; keep their order.
                              sum[i] += gain > 1e-9 ? std::log(gain) : std::log(1e-9) + gain;
                              sum[i] -= std::log(s.cost * (1 + std::abs(mean[i] - there[i])));
                            }
                            return sum;
                          },
                          {}};
      const auto x = maximise(problem, gate, scorer, around, rng, {.candidates = 1000});
      if (!x) continue;
      const double value = scorer.values({x->size(), *x})[0];
      if (chosen && value <= chosen_value) continue;
      chosen = x;
      chosen_value = value;
      from = &s;
    }
    if (!chosen) return alone(problem, 0);
    // The correction step: what the source has (almost) shown already is asked of the true one.
    for (std::size_t j = 0; j < from->data.size(); ++j) {
      if (problem.space.distance(*chosen, from->data.x[j]) < kAlmost) from = &sources[0];
      if (from == &sources[0]) break;
    }
    Proposal proposal{
        problem.space.decode(*chosen),
        fmt::format("best bound by cost, on {}; {}",
                    from->epochs == 0 ? "the full source" : fmt::format("{} epochs", from->epochs),
                    Acquisition(surrogates, Goal::kFeasible).explain(*chosen))};
    proposal.epochs = from->epochs;
    proposal.explanation = Acquisition(surrogates, Goal::kFeasible).details(*chosen);
    proposal.explanation.kind = "source";
    proposal.explanation.acquisition = "augmented lower bound by cost and discrepancy (MISO-AGP)";
    return proposal;
  }

  std::unique_ptr<Strategy> single_ = make_bayes();
  ModelMemory memory_;
};

}  // namespace

std::unique_ptr<Strategy> make_agp() { return std::make_unique<AgpStrategy>(); }

}  // namespace atml::propose
