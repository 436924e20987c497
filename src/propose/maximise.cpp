#include "propose/maximise.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "propose/models/ascend.h"
#include "propose/models/sobol.h"

namespace atml::propose {
namespace {

using space::Encoding;
using space::Kind;

constexpr std::int64_t kListed = 24;  // parameters with more choices are treated as numbers
constexpr double kGoodEnough = 1e-4;  // a gain of the logarithmic acquisition worth another round

constexpr std::size_t kExactlyScreened = 64, kExactMoves = 8;  // where the rough score chooses
constexpr std::ptrdiff_t kJumps[] = {-4, -2, -1, 1, 2, 4};     // of ordered choices, in steps

struct Scored {
  Encoding x;
  double value;
};

bool less(const Scored& a, const Scored& b) { return a.value < b.value; }

class Maximiser {
 public:
  Maximiser(const Problem& problem, Gate& gate, const Scorer& scorer, Rng& rng,
            const Effort& effort, const Box* box)
      : space_(problem.space),
        gate_(gate),
        scorer_(scorer),
        rng_(rng),
        effort_(effort),
        box_(box),
        last_check_(gate.checks() + effort.max_checks) {
    for (std::size_t i = 0; i < space_.size(); ++i) {
      positions_.push_back(space_.positions(i, kListed));
      const bool number = positions_.back().empty();
      if (number) numbers_.push_back(i);
    }
  }

  std::optional<Encoding> run(std::span<const Encoding> around) {
    std::vector<Scored> climbing = pick_starts(screened(around));
    std::vector<Scored> finished;
    for (int round = 0; round < effort_.rounds && !climbing.empty(); ++round) {
      std::vector<double> before;
      for (const Scored& s : climbing) before.push_back(s.value);
      slide(climbing);
      if (round == 0) before = keep_best(climbing, std::move(before));
      std::vector<Scored> still;
      for (std::size_t i = 0; i < climbing.size(); ++i) {
        exchange(climbing[i]);
        const bool better = climbing[i].value >= before[i] + kGoodEnough;
        (better ? still : finished).push_back(std::move(climbing[i]));
      }
      climbing = std::move(still);
    }
    finished.insert(finished.end(), climbing.begin(), climbing.end());
    if (finished.empty()) return std::nullopt;
    return std::max_element(finished.begin(), finished.end(), less)->x;
  }

 private:
  // The box's ends of a number that is active in its centre too.
  std::pair<double, double> ends_of(std::size_t i) const {
    if (box_ == nullptr || box_->centre[i] == space::kInactive) return {0, 1};
    return {std::max(0.0, box_->centre[i] - box_->half[i]),
            std::min(1.0, box_->centre[i] + box_->half[i])};
  }

  void put_into_box(Encoding& x) const {
    if (box_ == nullptr) return;
    for (const std::size_t i : numbers_) {
      const auto [low, high] = ends_of(i);
      if (x[i] != space::kInactive) x[i] = std::clamp(x[i], low, high);
    }
    space_.snap(x);
  }

  Encoding spread(const std::vector<double>& unit) const {
    if (box_ == nullptr) return space_.from_unit(unit);
    Encoding x = box_->centre;
    for (const std::size_t i : numbers_) {
      const auto [low, high] = ends_of(i);
      if (x[i] != space::kInactive) x[i] = low + unit[i] * (high - low);
    }
    space_.snap(x);
    return x;
  }

  // Of mutations: the whole space, or the narrowest side of the box.
  double width() const {
    return box_ == nullptr ? 1 : 2 * *std::min_element(box_->half.begin(), box_->half.end());
  }

  bool passes(const Encoding& x) { return gate_.checks() < last_check_ && gate_.passes(x); }

  // Best first; of many only the best by the rough score.
  std::vector<Scored> scored(std::vector<Encoding> points, std::size_t exact) const {
    if (scorer_.rough && points.size() > exact) {
      std::vector<Scored> some = by(scorer_.rough, std::move(points));
      some.resize(std::min(some.size(), exact));
      points.clear();
      for (Scored& s : some) points.push_back(std::move(s.x));
    }
    return by(scorer_.values, std::move(points));
  }

  std::vector<Scored> by(const std::function<std::vector<double>(const Points&)>& score,
                         std::vector<Encoding> points) const {
    Points batch{space_.size(), {}};
    for (const Encoding& x : points) batch.add(x);
    const std::vector<double> values = points.empty() ? std::vector<double>{} : score(batch);
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
    for (std::size_t i = 0; i < global; ++i) points.insert(spread(sobol.next()));
    for (std::size_t i = global; i < effort_.candidates; ++i) {
      constexpr double kScales[] = {0.3, 0.1, 0.03, 0.01};
      Encoding x = mutated(space_, around[i % around.size()],
                           kScales[i / around.size() % 4] * width(), rng_);
      put_into_box(x);
      points.insert(std::move(x));
    }
    std::erase_if(points, [&](const Encoding& x) { return !gate_.is_new(x); });
    return scored({points.begin(), points.end()}, kExactlyScreened);
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

  // Those with the largest values go on; their values before, in the same order.
  std::vector<double> keep_best(std::vector<Scored>& climbing, std::vector<double> before) const {
    std::vector<std::size_t> order(climbing.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return climbing[a].value > climbing[b].value;
    });
    order.resize(std::min(order.size(), effort_.survivors));
    std::vector<Scored> kept;
    std::vector<double> values;
    for (const std::size_t i : order) {
      kept.push_back(std::move(climbing[i]));
      values.push_back(before[i]);
    }
    climbing = std::move(kept);
    return values;
  }

  // Real parameters by gradient, all starts together; an end point is cut back where the gate
  // refuses it.
  void slide(std::vector<Scored>& climbing) {
    if (!scorer_.slopes || numbers_.empty()) return;
    std::vector<Ascent> ascents;
    for (const Scored& s : climbing) {
      Ascent a{s.x, std::vector<bool>(s.x.size(), false), s.value};
      for (const std::size_t i : numbers_) a.free[i] = s.x[i] != space::kInactive;
      ascents.push_back(std::move(a));
    }
    const auto function = [&](std::span<const double> points, std::span<double> slopes) {
      return scorer_.slopes({space_.size(), {points.begin(), points.end()}}, slopes);
    };
    ascend(function, ascents, effort_.evaluations, kGoodEnough);
    std::vector<Encoding> ends;
    Points batch{space_.size(), {}};
    for (std::size_t k = 0; k < climbing.size(); ++k) {
      ends.push_back(between(climbing[k].x, ascents[k].position, 1));
      batch.add(ends.back());
    }
    const std::vector<double> values = scorer_.values(batch);  // all at once; then one by one
    for (std::size_t k = 0; k < climbing.size(); ++k) {
      const Encoding from = climbing[k].x;
      if (ends[k] == from || take(ends[k], values[k], climbing[k])) continue;
      for (double part = 0.5; part > 0.05; part /= 2) {
        Encoding to = between(from, ascents[k].position, part);
        if (to == from || accept(std::move(to), climbing[k])) break;
      }
    }
  }

  Encoding between(const Encoding& from, std::span<const double> end, double part) const {
    Encoding to = from;
    for (const std::size_t i : numbers_) {
      if (from[i] != space::kInactive) to[i] += part * (end[i] - from[i]);
    }
    space_.snap(to);
    put_into_box(to);
    return to;
  }

  bool take(const Encoding& to, double value, Scored& at) {
    if (!(value > at.value) || !passes(to)) return false;
    at = {to, value};
    return true;
  }

  bool accept(Encoding to, Scored& at) {
    if (to == at.x || !gate_.is_new(to)) return false;
    Points one{to.size(), to};
    return take(to, scorer_.values(one)[0], at);
  }

  // Every word; of ordered choices those some steps away.
  std::vector<double> reachable(std::size_t i, double from) const {
    const std::vector<double>& all = positions_[i];
    if (space_.parameters()[i].kind == Kind::kCategorical || all.size() <= std::size(kJumps))
      return all;
    std::vector<double> some;
    const auto here = std::find(all.begin(), all.end(), from) - all.begin();
    for (const std::ptrdiff_t jump : kJumps) {
      const std::ptrdiff_t to = here + jump;
      if (to >= 0 && to < static_cast<std::ptrdiff_t>(all.size()))
        some.push_back(all[static_cast<std::size_t>(to)]);
    }
    return some;
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
      for (const double position : reachable(i, at.x[i])) add(i, position);
      if (!positions_[i].empty() || scorer_.slopes) continue;
      for (const double step : {0.1, 0.02, 0.004})
        for (const double sign : {-1.0, 1.0}) add(i, std::clamp(at.x[i] + sign * step, 0.0, 1.0));
    }
    for (Scored& next : scored(std::move(moves), kExactMoves)) {
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
  const Box* box_;  // may be null
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
                                 std::span<const Encoding> around, Rng& rng, const Effort& effort,
                                 const Box* box) {
  return Maximiser(problem, gate, scorer, rng, effort, box).run(around);
}

}  // namespace atml::propose
