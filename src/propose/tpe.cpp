// Tree-structured Parzen estimator with constraints: feasibility enters the split into good and bad
// trials (the joint form of c-TPE; Watanabe and Hutter, IJCAI 2023, and Optuna's constrained
// sampler).
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "propose/design.h"
#include "propose/models/parzen.h"
#include "propose/strategies.h"

namespace atml::propose {
namespace {

constexpr int kCandidates = 64;
constexpr int kFlatWeights = 25;  // the newest bad trials that count fully

std::size_t good_count(std::size_t n) {
  return std::min<std::size_t>(static_cast<std::size_t>(std::ceil(0.1 * static_cast<double>(n))),
                               25);
}

// The newest 25 weigh 1; older ones ramp up from 1/n.
std::vector<double> recency_weights(std::size_t n) {
  std::vector<double> weights(n, 1.0);
  if (n <= kFlatWeights) return weights;
  const auto old = n - kFlatWeights;
  for (std::size_t i = 0; i < old; ++i) {
    const double low = 1 / static_cast<double>(n);
    weights[i] =
        old == 1 ? low : low + (1 - low) * static_cast<double>(i) / static_cast<double>(old - 1);
  }
  return weights;
}

Parzen estimator(const Layout& layout, std::span<const Observed> observed,
                 std::vector<std::size_t> members) {
  std::sort(members.begin(), members.end());  // oldest first
  Points points{layout.dimensions(), {}};
  for (const std::size_t i : members) points.add(observed[i].x);
  return Parzen(layout, std::move(points), recency_weights(members.size()));
}

class TpeStrategy : public Strategy {
 public:
  std::string name() const override { return "tpe"; }

  Result<Proposal> propose(const Problem& problem) override {
    Gate gate(problem);
    const std::vector<Observed> observed = observe(problem);
    std::vector<std::size_t> order = ranking(observed);
    if (problem.history.size() < design_size(problem.space) || order.size() < 2) {
      if (const auto x = design_point(problem, gate, 1500))
        return Proposal{.configuration = problem.space.decode(*x),
                        .why = "initial design: Sobol point",
                        .explanation = {.kind = "initial"}};
      return last_resort(problem, gate);
    }
    const auto split = order.begin() + static_cast<std::ptrdiff_t>(good_count(order.size()));
    std::vector<std::size_t> bad(split, order.end());
    for (std::size_t i = 0; i < observed.size(); ++i) {
      if (observed[i].pending)
        bad.push_back(i);  // constant liar: where others look is no good place now
    }
    const Layout layout = layout_of(problem.space);
    const Parzen good = estimator(layout, observed, {order.begin(), split});
    const Parzen other = estimator(layout, observed, bad);
    Rng rng = Rng::derive(problem.seed, "tpe", problem.history.size());
    return best_of_draws(problem, gate, good, other, rng);
  }

 private:
  // Several rounds of draws, because exact limits may refuse a whole round.
  static Result<Proposal> best_of_draws(const Problem& problem, Gate& gate, const Parzen& good,
                                        const Parzen& bad, Rng& rng) {
    for (int round = 0; round < 20; ++round) {
      std::optional<space::Encoding> best;
      double best_ratio = 0;
      for (int i = 0; i < kCandidates; ++i) {
        space::Encoding x = good.sample(rng);
        problem.space.snap(x);
        if (!gate.is_new(x)) continue;
        const double ratio = good.log_density(x) - bad.log_density(x);
        if ((best && ratio <= best_ratio) || !gate.passes(x)) continue;
        best = std::move(x);
        best_ratio = ratio;
      }
      if (best)
        return Proposal{
            problem.space.decode(*best),
            fmt::format("log density ratio of good to other trials {:.2f}", best_ratio)};
    }
    if (const auto x = random_point(problem, gate, rng, 1500))
      return Proposal{problem.space.decode(*x),
                      "random draw: no draw of the good density was new and allowed"};
    return last_resort(problem, gate);
  }
};

}  // namespace

std::unique_ptr<Strategy> make_tpe() { return std::make_unique<TpeStrategy>(); }

}  // namespace atml::propose
