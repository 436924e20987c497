// Constrained expected improvement on random forests: for large or heavily branched histories,
// where a Gaussian process is slow or its distances mean little.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "propose/design.h"
#include "propose/maximise.h"
#include "propose/models/forest.h"
#include "propose/models/normal.h"
#include "propose/strategies.h"
#include "propose/surrogates.h"

namespace atml::propose {
namespace {

struct Limited {
  std::string name;  // empty: computable or not
  Forest forest;
  double limit;  // feasible below
};

class ForestStrategy : public Strategy {
 public:
  std::string name() const override { return "forest"; }

  Result<Proposal> propose(const Problem& problem) override {
    Gate gate(problem);
    Rng rng = Rng::derive(problem.seed, "forest", problem.history.size());
    const std::vector<Observed> observed = observe(problem);
    const bool designing = problem.history.size() < design_size(problem.space);
    // One proposal in six is random: a forest does not know how little it knows far from its
    // points.
    if (designing || (problem.history.size() % 6 == 5)) return from_design(problem, gate);
    const Layout layout = layout_of(problem.space);
    const std::vector<Limited> limits = learn_limits(problem, layout, observed, rng);
    const std::vector<double> values = objectives(observed);
    const auto best = best_feasible(observed);
    if (limits.empty() && values.empty()) return from_design(problem, gate);
    std::optional<Forest> objective;
    double best_value = 0;
    if (best) {
      const ObjectiveWarp warp(values);
      objective.emplace(layout, objective_data(observed, warp), rng.next());
      best_value = warp(*observed[*best].objective);
    }
    const Scorer scorer{[&](const Points& x) { return score(x, objective, best_value, limits); },
                        {}};
    std::vector<space::Encoding> around;
    for (const std::size_t i : ranking(observed)) {
      if (around.size() < 8) around.push_back(observed[i].x);
    }
    const auto x = maximise(problem, gate, scorer, around, rng, {.candidates = 2000, .rounds = 8});
    if (!x) return from_design(problem, gate);
    return Proposal{.configuration = problem.space.decode(*x),
                    .why = best ? "expected improvement on a random forest"
                                : "nothing feasible yet: highest chance on a random forest",
                    .explanation = details(*x, objective, limits, values)};
  }

 private:
  static Result<Proposal> from_design(const Problem& problem, Gate& gate) {
    if (const auto x =
            design_point(problem, gate, 1500 + 4 * static_cast<int>(problem.history.size())))
      return Proposal{problem.space.decode(*x), "Sobol point"};
    return last_resort(problem, gate);
  }

  static std::vector<Limited> learn_limits(const Problem& problem, const Layout& layout,
                                           std::span<const Observed> observed, Rng& rng) {
    std::vector<Limited> limits;
    for (std::size_t j = 0; j < problem.constraint_names.size(); ++j) {
      const std::vector<double> margins = margins_of(observed, j);
      if (margins.empty()) continue;
      const MarginWarp warp(margins);
      limits.push_back({problem.constraint_names[j],
                        Forest(layout, margin_data(observed, j, warp), rng.next()), warp.limit()});
    }
    Observations labels = computable_data(observed);
    if (std::find(labels.y.begin(), labels.y.end(), -1.0) == labels.y.end()) return limits;
    for (double& y : labels.y) y = -y;
    limits.push_back({"", Forest(layout, labels, rng.next()), 0.0});
    return limits;
  }

  static study::Explanation details(const space::Encoding& x,
                                    const std::optional<Forest>& objective,
                                    const std::vector<Limited>& limits,
                                    std::span<const double> values) {
    const Points one{x.size(), x};
    double mean = 0, variance = 0;
    study::Explanation e{.kind = "forest"};
    if (objective) {
      const ObjectiveWarp warp(values);
      objective->predict(one, {&mean, 1}, {&variance, 1});
      const double sd = std::sqrt(variance);
      e.mean = warp.inverse(mean);
      e.deviation = (warp.inverse(mean + sd) - warp.inverse(mean - sd)) / 2;
    }
    for (const Limited& l : limits) {
      l.forest.predict(one, {&mean, 1}, {&variance, 1});
      const double chance = std::exp(log_normal_cdf((l.limit - mean) / std::sqrt(variance)));
      if (l.name.empty())
        e.computable = chance;
      else
        e.chances.push_back({l.name, chance});
    }
    return e;
  }

  static std::vector<double> score(const Points& x, const std::optional<Forest>& objective,
                                   double best, const std::vector<Limited>& limits) {
    std::vector<double> sum(x.size(), 0.0), mean(x.size()), variance(x.size());
    if (objective) {
      objective->predict(x, mean, variance);
      for (std::size_t i = 0; i < sum.size(); ++i) {
        const double sd = std::sqrt(variance[i]);
        sum[i] += std::log(sd) + log_expected_improvement((mean[i] - best) / sd);
      }
    }
    for (const Limited& l : limits) {
      l.forest.predict(x, mean, variance);
      for (std::size_t i = 0; i < sum.size(); ++i)
        sum[i] += log_normal_cdf((l.limit - mean[i]) / std::sqrt(variance[i]));
    }
    return sum;
  }
};

}  // namespace

std::unique_ptr<Strategy> make_forest() { return std::make_unique<ForestStrategy>(); }

}  // namespace atml::propose
