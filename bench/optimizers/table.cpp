#include "table.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "propose/strategy.h"
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

struct Ranked {
  std::vector<std::vector<double>> per_problem;  // [problem][solver]: mean over seeds and budgets
  std::size_t pairs = 0, fewest = 0, most = 0;   // seeds: of all problems, of one
};

/// Of the ranks among these solvers, on the seeds that all of them ran.
Ranked mean_ranks(const Grid& grid, const std::vector<std::string>& solvers) {
  Ranked all;
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
    all.fewest = all.pairs == 0 ? seeds.size() : std::min(all.fewest, seeds.size());
    all.most = std::max(all.most, seeds.size());
    all.pairs += seeds.size();
    for (double& v : sum) v /= static_cast<double>(seeds.size() * std::size(kBudgets));
    all.per_problem.push_back(std::move(sum));
  }
  return all;
}

/// "20 seeds", "13 to 14 seeds".
std::string seeds_text(std::size_t least, std::size_t most) {
  const std::string number =
      least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
  return fmt::format("{} seed{}", number, most == 1 ? "" : "s");
}

/// How many seeds of how many problems a solver ran.
struct Coverage {
  std::size_t problems = 0, least = 0, most = 0;  // seeds of the problems that it ran
  bool operator<(const Coverage& o) const {
    return std::tie(problems, least, most) < std::tie(o.problems, o.least, o.most);
  }
};

std::map<std::string, Coverage> coverage_of(const Grid& grid) {
  std::map<std::string, Coverage> all;
  for (const auto& [problem, cells] : grid) {
    for (const auto& [solver, cell] : cells) {
      Coverage& c = all[solver];
      c.least = c.problems == 0 ? cell.size() : std::min(c.least, cell.size());
      c.most = std::max(c.most, cell.size());
      ++c.problems;
    }
  }
  return all;
}

/// Who ran how much, the most first; and which of our strategies are not there.
std::string head_text(const Grid& grid) {
  std::map<Coverage, std::vector<std::string>> alike;
  std::vector<std::string> absent = propose::strategy_names();
  for (const auto& [solver, coverage] : coverage_of(grid)) {
    alike[coverage].push_back("`" + solver + "`");
    std::erase(absent, solver);
  }
  std::string text = fmt::format(
      "Best feasible value after 30, 60 and 100 evaluations on {} problems, minimised: medians "
      "over "
      "seeds, quartiles at 100, share of runs that found a feasible point, processor seconds a "
      "proposal. All solvers start with the same points of a seed. Settings were chosen on other "
      "seeds (from 1000 on).\n\nSeeds of each problem:\n",
      grid.size());
  for (auto group = alike.rbegin(); group != alike.rend(); ++group) {
    const Coverage& c = group->first;
    text += fmt::format("* {}{}: {}\n", seeds_text(c.least, c.most),
                        c.problems < grid.size() ? fmt::format(" of {} problems", c.problems) : "",
                        join(group->second, ", "));
  }
  for (std::string& name : absent) {
    // Without cheaper sources, which these problems do not have, it is bayes to the last bit.
    name = name == "agp" ? "`agp` (is `bayes` here: no problem has a cheaper source)"
                         : "`" + name + "`";
  }
  if (!absent.empty()) text += fmt::format("* none: {}\n", join(absent, ", "));
  return text;
}

/// Ranks of some solvers on the pairs that all of them ran; rows of the JSON are "`key`/solver".
/// Returns the best, or nothing where no pair was run by all.
std::string add_ranks(Tables& t, const Grid& grid, const std::vector<std::string>& solvers,
                      const std::string& title, const std::string& key) {
  const Ranked ranked = mean_ranks(grid, solvers);
  const auto& per_problem = ranked.per_problem;
  t.text += fmt::format("\n## Average rank: {}\n\n", title);
  if (per_problem.empty() || solvers.size() < 2) {
    t.text += "No problem and seed was run by all solvers: no ranks.\n";
    return "";
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
      "{} solvers on {} problems, {} of each: {} problem-seed pairs that all of them ran; budgets "
      "30, 60, 100.\nFriedman over problems: chi-square {:.4g}, p = {:.3g}.\nWilcoxon's "
      "signed-rank test against {} over problems, Holm's correction.\n\n| solver | average rank | "
      "p against the best |\n|---|---|---|\n",
      solvers.size(), per_problem.size(), seeds_text(ranked.fewest, ranked.most), ranked.pairs,
      f.chi_square, f.p, solvers[order[0]]);
  for (std::size_t k = 0; k < order.size(); ++k) {
    t.text += fmt::format("| {} | {:.2f} | {} |\n", solvers[order[k]], rank[order[k]],
                          k == 0 ? "" : fmt::format("{:.3g}", corrected[k - 1]));
    Json row = Json::object();
    row.set("name", key + "/" + solvers[order[k]]).set("solver", solvers[order[k]]);
    row.set("average_rank", rank[order[k]]).set("friedman_p", f.p).set("pairs", ranked.pairs);
    row.set("p_against_best", k == 0 ? Json() : Json(corrected[k - 1]));
    t.rows.push(std::move(row));
  }
  return solvers[order[0]];
}

/// Of the pairs that two solvers ran: how often the first was better, equal and worse, by budget.
struct Duel {
  std::size_t pairs = 0;
  int better[std::size(kBudgets)] = {}, worse[std::size(kBudgets)] = {};
};

Duel duel(const Grid& grid, const std::string& a, const std::string& b) {
  Duel d;
  for (const auto& [name, cells] : grid) {
    for (const int seed : common_seeds(cells, {a, b})) {
      ++d.pairs;
      for (std::size_t k = 0; k < std::size(kBudgets); ++k) {
        const double x = cells.at(a).at(seed)->best[k], y = cells.at(b).at(seed)->best[k];
        d.better[k] += x < y ? 1 : 0;
        d.worse[k] += y < x ? 1 : 0;
      }
    }
  }
  return d;
}

/// Solvers that lack problems, which no rank over problems can have, each against one that has all.
void add_duels(Tables& t, const Grid& grid, const std::string& first,
               const std::vector<std::string>& others) {
  t.text += fmt::format(
      "\n## {} against solvers that ran a part of the problems\n\nPairs of problem and seed that "
      "both ran: better - worse, the rest equal; a run without a feasible point is worse than any "
      "with one.\n\n| solver | pairs | at 30 | at 60 | at 100 |\n|---|---|---|---|---|\n",
      first);
  for (const std::string& other : others) {
    const Duel d = duel(grid, first, other);
    t.text +=
        fmt::format("| {} | {} | {} - {} | {} - {} | {} - {} |\n", other, d.pairs, d.better[0],
                    d.worse[0], d.better[1], d.worse[1], d.better[2], d.worse[2]);
    Json row = Json::object();
    row.set("name", "duel/" + first + "/" + other).set("solver", other).set("pairs", d.pairs);
    row.set("better_at_100", d.better[2]).set("worse_at_100", d.worse[2]);
    t.rows.push(std::move(row));
  }
}

/// One table of the solvers that have all seeds; one more with each smaller number of seeds that a
/// solver ran of every problem, the last of all these; and duels with those that lack problems.
void add_all_ranks(Tables& t, const Grid& grid) {
  std::map<std::string, std::size_t> seeds;
  for (const auto& [solver, c] : coverage_of(grid))
    seeds[solver] = c.problems == grid.size() ? c.least : 0;
  const std::size_t full = full_seeds(seeds);
  std::set<std::size_t, std::greater<>> levels;
  std::vector<std::string> partial;
  for (const auto& [solver, n] : seeds) {
    if (n == 0)
      partial.push_back(solver);
    else
      levels.insert(full > 0 ? std::min(n, full) : n);
  }
  std::string first;
  for (const std::size_t level : levels) {
    std::vector<std::string> solvers;
    for (const auto& [solver, n] : seeds) {
      if (n >= level) solvers.push_back(solver);
    }
    if (solvers.size() < 2) continue;
    const bool last = level == *levels.rbegin() && level != full;
    const std::string best = add_ranks(
        t, grid, solvers,
        last ? "all solvers that ran every problem"
             : fmt::format("solvers that ran {} of every problem", seeds_text(level, level)),
        level == full ? "full" : fmt::format("{} seeds", level));
    if (first.empty()) first = best;
  }
  if (!first.empty() && !partial.empty()) add_duels(t, grid, first, partial);
}

}  // namespace

std::size_t full_seeds(const std::map<std::string, std::size_t>& seeds) {
  std::vector<std::size_t> counts;
  for (const auto& [solver, n] : seeds) counts.push_back(n);
  std::sort(counts.begin(), counts.end());
  return counts.size() < 2 ? 0 : counts[counts.size() - 2];
}

Tables make_tables(const std::vector<Problem>& problems, const std::vector<Record>& records) {
  Grid grid;
  for (const Problem& problem : problems) {
    for (const Record& r : records) {
      if (r.problem == problem.name) grid[r.problem][r.solver][r.seed] = &r;
    }
  }
  Tables t;
  if (grid.empty()) return t;
  t.text = head_text(grid);
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
  add_all_ranks(t, grid);
  return t;
}

}  // namespace atml::bench
