#include "table.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "statistics.h"

namespace atml::bench {
namespace {

using Cell = std::map<int, const Record*>;                        // by seed
using Grid = std::map<std::string, std::map<std::string, Cell>>;  // [problem][solver]

std::string shown(double value) {
  return std::isfinite(value) ? fmt::format("{:.5g}", value) : "none";
}

std::vector<double> bests(const Cell& cell, std::size_t budget) {
  std::vector<double> values;
  for (const auto& [seed, record] : cell) values.push_back(record->best[budget]);
  return values;
}

double found_share(const Cell& cell) {
  const std::vector<double> last = bests(cell, std::size(kBudgets) - 1);
  return static_cast<double>(
             std::count_if(last.begin(), last.end(), [](double v) { return std::isfinite(v); })) /
         static_cast<double>(last.size());
}

double mean_seconds(const Cell& cell) {
  double sum = 0;
  for (const auto& [seed, record] : cell) sum += record->seconds_per_proposal;
  return sum / static_cast<double>(cell.size());
}

void add_row(Tables& t, const Problem& problem, const std::string& solver, const Cell& cell) {
  const auto at = [&](std::size_t b, double q) { return quantile(bests(cell, b), q); };
  t.text +=
      fmt::format("| {} | {} | {} | {} | {} | {} | {} | {:.0f} % | {:.4f} |\n", solver, cell.size(),
                  shown(at(0, .5)), shown(at(1, .5)), shown(at(2, .5)), shown(at(2, .25)),
                  shown(at(2, .75)), 100 * found_share(cell), mean_seconds(cell));
  Json row = Json::object();
  row.set("name", problem.name + "/" + solver).set("problem", problem.name).set("solver", solver);
  row.set("seeds", cell.size()).set("at_30", at(0, .5)).set("at_60", at(1, .5));
  row.set("at_100", at(2, .5)).set("q25", at(2, .25)).set("q75", at(2, .75));
  row.set("optimum", problem.optimum).set("found", found_share(cell));
  row.set("seconds_per_proposal", mean_seconds(cell));
  t.rows.push(std::move(row));
}

/// Seeds that every solver ran on a problem.
std::vector<int> common_seeds(const std::map<std::string, Cell>& cells,
                              const std::vector<std::string>& solvers) {
  std::vector<int> seeds;
  if (!cells.contains(solvers.front())) return seeds;
  for (const auto& [seed, record] : cells.at(solvers.front())) {
    const bool all = std::all_of(solvers.begin(), solvers.end(), [&](const std::string& s) {
      return cells.contains(s) && cells.at(s).contains(seed);
    });
    if (all) seeds.push_back(seed);
  }
  return seeds;
}

/// [problem][solver]: the mean over seeds and budgets of the rank among the solvers.
std::vector<std::vector<double>> mean_ranks(const Grid& grid,
                                            const std::vector<std::string>& solvers,
                                            std::size_t& runs) {
  std::vector<std::vector<double>> all;
  for (const auto& [name, cells] : grid) {
    const std::vector<int> seeds = common_seeds(cells, solvers);
    if (seeds.empty()) continue;
    std::vector<double> sum(solvers.size(), 0);
    for (const int seed : seeds) {
      for (std::size_t b = 0; b < std::size(kBudgets); ++b) {
        std::vector<double> values;
        for (const auto& s : solvers) values.push_back(cells.at(s).at(seed)->best[b]);
        const std::vector<double> r = ranks(values);
        for (std::size_t k = 0; k < r.size(); ++k) sum[k] += r[k];
      }
    }
    runs += seeds.size();
    for (double& v : sum) v /= static_cast<double>(seeds.size() * std::size(kBudgets));
    all.push_back(std::move(sum));
  }
  return all;
}

void add_ranks(Tables& t, const Grid& grid, const std::vector<std::string>& solvers) {
  std::size_t runs = 0;
  const auto per_problem = mean_ranks(grid, solvers, runs);
  t.text += "\n## Average rank\n\n";
  if (per_problem.empty() || solvers.size() < 2) {
    t.text += "No problem and seed was run by all solvers: no ranks.\n";
    return;
  }
  const Friedman f = friedman(per_problem);
  std::vector<double> rank(solvers.size(), 0);
  for (const auto& row : per_problem)
    for (std::size_t k = 0; k < row.size(); ++k)
      rank[k] += row[k] / static_cast<double>(per_problem.size());
  std::vector<std::size_t> order(solvers.size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return rank[a] < rank[b]; });
  std::vector<double> p;
  for (std::size_t k = 1; k < order.size(); ++k) {
    std::vector<double> best, other;
    for (const auto& row : per_problem)
      best.push_back(row[order[0]]), other.push_back(row[order[k]]);
    p.push_back(wilcoxon_p(best, other));
  }
  const std::vector<double> corrected = holm(p);
  t.text += fmt::format(
      "{} solvers on {} problems and the {} problem-seed pairs that all of them ran; budgets 30, "
      "60, "
      "100.\nFriedman over problems: chi-square {:.4g}, p = {:.3g}.\nWilcoxon's signed-rank test "
      "against {} over problems, Holm's correction.\n\n| solver | average rank | p against the "
      "best "
      "|\n|---|---|---|\n",
      solvers.size(), per_problem.size(), runs, f.chi_square, f.p, solvers[order[0]]);
  for (std::size_t k = 0; k < order.size(); ++k) {
    t.text += fmt::format("| {} | {:.2f} | {} |\n", solvers[order[k]], rank[order[k]],
                          k == 0 ? "" : fmt::format("{:.3g}", corrected[k - 1]));
    Json row = Json::object();
    row.set("name", "all/" + solvers[order[k]]).set("solver", solvers[order[k]]);
    row.set("average_rank", rank[order[k]]).set("friedman_p", f.p);
    row.set("p_against_best", k == 0 ? Json() : Json(corrected[k - 1]));
    t.rows.push(std::move(row));
  }
}

}  // namespace

Tables make_tables(const std::vector<Problem>& problems, const std::vector<Record>& records) {
  Grid grid;
  std::map<std::string, std::size_t> count;
  for (const Record& r : records) {
    grid[r.problem][r.solver][r.seed] = &r;
    ++count[r.solver];
  }
  Tables t;
  std::vector<std::string> solvers;
  for (const auto& [solver, n] : count) solvers.push_back(solver);
  for (const Problem& problem : problems) {
    if (!grid.contains(problem.name)) continue;
    t.text += fmt::format(
        "\n## {}\n\nd {}, {} constraints, feasible {:.3g} %, optimum {:.8g}\n\n| solver | seeds | "
        "at 30 "
        "| at 60 | at 100 | q25 | q75 | found | s/proposal "
        "|\n|---|---|---|---|---|---|---|---|---|\n",
        problem.name, problem.space.size(), problem.constraints, 100 * problem.feasible_share,
        problem.optimum);
    for (const auto& [solver, cell] : grid.at(problem.name)) add_row(t, problem, solver, cell);
  }
  if (!solvers.empty()) add_ranks(t, grid, solvers);
  return t;
}

}  // namespace atml::bench
