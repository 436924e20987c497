#include "propose/pareto.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace atml::propose {
namespace {

struct Scale {
  std::vector<double> low, high;
};

// Extent of the goals over feasible trials, over all with goals where none is feasible.
Scale scale_of(std::span<const Observed> observed, std::size_t count) {
  Scale scale;
  for (const bool feasible_only : {true, false}) {
    for (const Observed& o : observed) {
      const Goals g = goals_of(o);
      if (g.size() != count || (feasible_only && !o.feasible)) continue;
      if (scale.low.empty()) scale.low = scale.high = g;
      for (std::size_t k = 0; k < count; ++k) {
        scale.low[k] = std::min(scale.low[k], g[k]);
        scale.high[k] = std::max(scale.high[k], g[k]);
      }
    }
    if (!scale.low.empty()) return scale;
  }
  return scale;
}

// NSGA-II's crowding distance within one front; the ends of every goal are infinitely far.
std::vector<double> crowding(const std::vector<Goals>& front) {
  std::vector<double> distance(front.size(), 0.0);
  std::vector<std::size_t> order(front.size());
  for (std::size_t k = 0; k < front[0].size(); ++k) {
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return front[a][k] < front[b][k]; });
    const double range = front[order.back()][k] - front[order.front()][k];
    distance[order.front()] = distance[order.back()] = std::numeric_limits<double>::infinity();
    for (std::size_t i = 1; range > 0 && i + 1 < order.size(); ++i)
      distance[order[i]] += (front[order[i + 1]][k] - front[order[i - 1]][k]) / range;
  }
  return distance;
}

}  // namespace

Goals goals_of(const Observed& o) {
  if (!o.objective || o.uses.empty()) return o.objective ? Goals{-*o.objective} : Goals{};
  Goals goals = {-*o.objective};
  for (const auto& [name, use] : o.uses) {
    if (!std::isfinite(use)) return {};
    goals.push_back(use);
  }
  return goals;
}

bool dominates(std::span<const double> a, std::span<const double> b) {
  bool somewhere = false;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k] > b[k]) return false;
    somewhere = somewhere || a[k] < b[k];
  }
  return somewhere;
}

std::vector<int> feasible_front(std::span<const study::Trial> history) {
  struct Point {
    int number;
    Goals goals;
  };
  std::vector<Point> points;
  for (const study::Trial& t : history) {
    if (t.outcome != study::Outcome::kMeasured || !t.objective || !std::isfinite(*t.objective))
      continue;
    Point p{t.number, {-*t.objective}};
    bool met = true;
    std::map<std::string, double> uses;  // by name, so that trials compare limit by limit
    for (const study::Constraint& c : t.constraints) {
      met = met && c.margin() <= 0;
      uses[c.name] = c.used / c.allowed;
    }
    for (const auto& [name, use] : uses) p.goals.push_back(use);
    if (met) points.push_back(std::move(p));
  }
  std::vector<int> front;
  for (const Point& p : points) {
    const bool beaten = std::any_of(points.begin(), points.end(), [&](const Point& q) {
      return q.goals.size() == p.goals.size() && dominates(q.goals, p.goals);
    });
    if (!beaten) front.push_back(p.number);
  }
  std::sort(front.begin(), front.end());
  return front;
}

std::vector<std::size_t> nsga2_order(std::span<const Observed> observed) {
  const std::size_t count = goal_count(observed);
  std::vector<std::size_t> left, order;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (observed[i].feasible && goals_of(observed[i]).size() == count) left.push_back(i);
  }
  while (!left.empty()) {
    std::vector<std::size_t> front, rest;
    for (const std::size_t i : left) {
      const Goals mine = goals_of(observed[i]);
      const bool beaten = std::any_of(left.begin(), left.end(), [&](std::size_t j) {
        return dominates(goals_of(observed[j]), mine);
      });
      (beaten ? rest : front).push_back(i);
    }
    std::vector<Goals> goals;
    for (const std::size_t i : front) goals.push_back(goals_of(observed[i]));
    const std::vector<double> distance = crowding(goals);
    std::vector<std::size_t> place(front.size());
    for (std::size_t i = 0; i < place.size(); ++i) place[i] = i;
    std::stable_sort(place.begin(), place.end(),
                     [&](std::size_t a, std::size_t b) { return distance[a] > distance[b]; });
    for (const std::size_t i : place) order.push_back(front[i]);
    left = std::move(rest);
  }
  for (const std::size_t i : ranking(observed)) {
    if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
  }
  return order;
}

std::size_t goal_count(std::span<const Observed> observed) {
  for (const Observed& o : observed) {
    if (const std::size_t n = goals_of(o).size(); n > 0) return n;
  }
  return 0;
}

std::vector<double> random_weights(std::size_t count, Rng& rng) {
  std::vector<double> weights(count);
  double sum = 0;
  for (double& w : weights) sum += w = -std::log(1 - rng.uniform());
  for (double& w : weights) w /= sum;
  return weights;
}

std::vector<Observed> scalarised(std::vector<Observed> observed, std::span<const double> weights) {
  const Scale scale = scale_of(observed, weights.size());
  for (Observed& o : observed) {
    const Goals goals = goals_of(o);
    o.partials.clear();  // of another objective
    if (goals.size() != weights.size()) {
      o.objective.reset();
      o.feasible = false;
      continue;
    }
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::size_t k = 0; k < goals.size(); ++k) {
      const double range = scale.high[k] - scale.low[k];
      const double term = weights[k] * (range > 0 ? (goals[k] - scale.low[k]) / range : 0);
      largest = std::max(largest, term);
      sum += term;
    }
    o.objective = -(largest + 0.05 * sum);
    o.objective_spread = 0;
  }
  return observed;
}

}  // namespace atml::propose
