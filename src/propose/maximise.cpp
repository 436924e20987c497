#include "propose/maximise.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "propose/models/minimise.h"
#include "propose/models/sobol.h"

namespace atml::propose {
namespace {

using space::Encoding;
using space::Kind;

constexpr std::int64_t kListed = 24;  // parameters with more choices are treated as numbers
constexpr double kGoodEnough = 1e-4;  // a gain of the logarithmic acquisition worth another round

struct Scored {
  Encoding x;
  double value;
};

class Maximiser {
 public:
  Maximiser(const Problem& problem, Gate& gate, const Scorer& scorer, Rng& rng,
            const Effort& effort)
      : space_(problem.space),
        gate_(gate),
        scorer_(scorer),
        rng_(rng),
        effort_(effort),
        last_check_(gate.checks() + effort.max_checks) {
    for (std::size_t i = 0; i < space_.size(); ++i) {
      positions_.push_back(space_.positions(i, kListed));
      const bool number = positions_.back().empty();
      if (number) numbers_.push_back(i);
    }
  }

  std::optional<Encoding> run(std::span<const Encoding> around) {
    std::optional<Scored> best;
    for (Scored& start : pick_starts(screened(around))) {
      climb(start);
      if (!best || start.value > best->value) best = std::move(start);
    }
    if (!best) return std::nullopt;
    return std::move(best->x);
  }

 private:
  bool passes(const Encoding& x) { return gate_.checks() < last_check_ && gate_.passes(x); }

  std::vector<Scored> scored(std::vector<Encoding> points) const {
    Points batch{space_.size(), {}};
    for (const Encoding& x : points) batch.add(x);
    const std::vector<double> values =
        points.empty() ? std::vector<double>{} : scorer_.values(batch);
    std::vector<Scored> result;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (std::isfinite(values[i])) result.push_back({std::move(points[i]), values[i]});
    }
    std::stable_sort(result.begin(), result.end(),
                     [](const Scored& a, const Scored& b) { return a.value > b.value; });
    return result;
  }

  // New points only, best first.
  std::vector<Scored> screened(std::span<const Encoding> around) {
    std::set<Encoding> points;
    Sobol sobol(static_cast<int>(space_.size()), rng_.next());
    const std::size_t global = around.empty() ? effort_.candidates : effort_.candidates * 3 / 5;
    for (std::size_t i = 0; i < global; ++i) points.insert(space_.from_unit(sobol.next()));
    for (std::size_t i = global; i < effort_.candidates; ++i) {
      constexpr double kScales[] = {0.3, 0.1, 0.03, 0.01};
      points.insert(
          mutated(space_, around[i % around.size()], kScales[i / around.size() % 4], rng_));
    }
    std::erase_if(points, [&](const Encoding& x) { return !gate_.is_new(x); });
    return scored({points.begin(), points.end()});
  }

  // The best that pass, not too near to each other.
  std::vector<Scored> pick_starts(std::vector<Scored> ranked) {
    std::vector<Scored> starts;
    for (Scored& candidate : ranked) {
      if (starts.size() >= effort_.starts || gate_.checks() >= last_check_) break;
      const bool near = std::any_of(starts.begin(), starts.end(), [&](const Scored& s) {
        return space_.distance(s.x, candidate.x) < 0.02;
      });
      if (!near && passes(candidate.x)) starts.push_back(std::move(candidate));
    }
    return starts;
  }

  void climb(Scored& at) {
    for (int round = 0; round < effort_.rounds; ++round) {
      const double before = at.value;
      slide(at);
      exchange(at);
      if (at.value < before + kGoodEnough) return;
    }
  }

  // Real parameters by gradient; the end point is cut back where the gate refuses it.
  void slide(Scored& at) {
    std::vector<std::size_t> free;
    for (const std::size_t i : numbers_) {
      if (at.x[i] != space::kInactive) free.push_back(i);
    }
    if (free.empty() || !scorer_.slope) return;
    Encoding x = at.x;
    std::vector<double> slope(x.size()), u;
    for (const std::size_t i : free) u.push_back(at.x[i]);
    const auto function = [&](std::span<const double> position, std::span<double> gradient) {
      for (std::size_t k = 0; k < free.size(); ++k) x[free[k]] = position[k];
      const double value = scorer_.slope(x, slope);
      for (std::size_t k = 0; k < free.size(); ++k) gradient[k] = -slope[free[k]];
      return -value;
    };
    minimise(function, u, std::vector<double>(u.size(), 0.0), std::vector<double>(u.size(), 1.0),
             effort_.gradient_iterations);
    const Encoding from = at.x;
    for (double part = 1; part > 0.05; part /= 2) {
      Encoding to = from;
      for (std::size_t k = 0; k < free.size(); ++k)
        to[free[k]] = from[free[k]] + part * (u[k] - from[free[k]]);
      space_.snap(to);
      if (accept(std::move(to), at)) return;
    }
  }

  bool accept(Encoding to, Scored& at) {
    if (to == at.x || !gate_.is_new(to)) return false;
    Points one{to.size(), to};
    const double value = scorer_.values(one)[0];
    if (!(value > at.value) || !passes(to)) return false;
    at = {std::move(to), value};
    return true;
  }

  // All one-exchange moves of listed parameters, and of numbers where there is no gradient.
  void exchange(Scored& at) {
    std::vector<Encoding> moves;
    const auto add = [&](std::size_t i, double position) {
      Encoding to = at.x;
      to[i] = position;
      space_.snap(to);
      if (to != at.x && gate_.is_new(to)) moves.push_back(std::move(to));
    };
    for (std::size_t i = 0; i < space_.size(); ++i) {
      if (at.x[i] == space::kInactive) continue;
      for (const double position : positions_[i]) add(i, position);
      if (!positions_[i].empty() || scorer_.slope) continue;
      for (const double step : {0.1, 0.02, 0.004})
        for (const double sign : {-1.0, 1.0}) add(i, std::clamp(at.x[i] + sign * step, 0.0, 1.0));
    }
    for (Scored& next : scored(std::move(moves))) {
      if (!(next.value > at.value)) return;
      if (!passes(next.x)) continue;
      at = std::move(next);
      return;
    }
  }

  const space::Space& space_;
  Gate& gate_;
  const Scorer& scorer_;
  Rng& rng_;
  const Effort& effort_;
  int last_check_;
  std::vector<std::vector<double>> positions_;  // per parameter; empty = a number
  std::vector<std::size_t> numbers_;
};

}  // namespace

space::Encoding mutated(const space::Space& space, std::span<const double> x, double scale,
                        Rng& rng) {
  Encoding to(x.begin(), x.end());
  std::vector<std::size_t> active;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] != space::kInactive) active.push_back(i);
  }
  const int moves = rng.integer(1, 3);
  for (int m = 0; m < moves; ++m) {
    const std::size_t i = active[rng.below(active.size())];
    const space::Parameter& p = space.parameters()[i];
    if (p.kind == Kind::kCategorical) {
      to[i] = static_cast<double>(rng.below(p.values.size()));
      continue;
    }
    const auto choices = static_cast<double>(p.choices());
    const double width = choices > 0 ? std::max(scale, 1 / choices) : scale;  // at least a step
    to[i] = std::clamp(to[i] + width * rng.normal(), 0.0, 1.0);
  }
  space.snap(to);
  return to;
}

std::optional<Encoding> maximise(const Problem& problem, Gate& gate, const Scorer& scorer,
                                 std::span<const Encoding> around, Rng& rng, const Effort& effort) {
  return Maximiser(problem, gate, scorer, rng, effort).run(around);
}

}  // namespace atml::propose
