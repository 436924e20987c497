// Several objectives at once: the study's objective and every limited resource (used / allowed).
#pragma once

#include <span>
#include <vector>

#include "base/random.h"
#include "propose/history.h"

namespace atml::propose {

/// All minimised: minus the objective, then used / allowed of each constraint by name order. Empty
/// where a number is missing.
using Goals = std::vector<double>;
Goals goals_of(const Observed& observed);

/// a is nowhere worse and somewhere better. Both of one size.
bool dominates(std::span<const double> a, std::span<const double> b);

/// Numbers of the trials that are measured, meet every constraint and are not dominated by another
/// such trial; ascending. What a report calls the feasible Pareto front.
std::vector<int> feasible_front(std::span<const study::Trial> history);

/// Constraint-dominated fronts, best first (Deb et al., NSGA-II, IEEE TEC 2002): feasible before
/// infeasible, those by violation, feasible ones by non-domination and, within a front, by crowding
/// distance, most isolated first. Indices into `observed` of trials that came to an answer.
std::vector<std::size_t> nsga2_order(std::span<const Observed> observed);

/// Every measured trial with the augmented Chebyshev value of its goals as its only objective,
/// under weights drawn uniformly from the simplex (ParEGO; Knowles, IEEE TEC 2006, rho = 0.05).
/// Goals are scaled to [0, 1] over feasible trials.
std::vector<Observed> scalarised(std::vector<Observed> observed, std::span<const double> weights);
/// Uniform on the simplex.
std::vector<double> random_weights(std::size_t count, Rng& rng);
/// The number of goals in this history: of its first trial that has all; 0 where none has.
std::size_t goal_count(std::span<const Observed> observed);

}  // namespace atml::propose
