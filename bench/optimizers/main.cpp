// bench/optimizers: every strategy on every problem over many seeds; one table and, with --json
// FILE, its figures.
//   optimizers [--quick] [--seeds N] [--budget N] [--strategies a,b] [--problems a,b] [--json FILE]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <time.h>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "problems.h"
#include "propose/strategy.h"

namespace {

using namespace atml;

constexpr int kBudgets[] = {30, 60, 100};

struct Options {
  int seeds = 20;
  int budget = 100;
  std::vector<std::string> strategies = propose::strategy_names();
  std::vector<std::string> problems;  // empty: all
  std::string json;
};

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// The best feasible value after each of kBudgets trials (infinity: none), and processor seconds
/// per proposal.
struct Run {
  std::vector<double> best;
  double seconds = 0;
};

study::Trial evaluated(const bench::Problem& problem, const space::Configuration& c, int number) {
  const bench::Answer answer = problem.function(c);
  study::Trial t;
  t.number = number;
  t.configuration = c;
  t.outcome = answer.value ? study::Outcome::kMeasured : study::Outcome::kBuildFailed;
  t.objective = answer.value ? std::optional(-*answer.value) : std::nullopt;
  for (std::size_t j = 0; j < answer.g.size(); ++j)
    t.constraints.push_back({fmt::format("g{}", j), 1 + answer.g[j], 1});
  return t;
}

bool feasible(const study::Trial& t) {
  return t.objective && std::all_of(t.constraints.begin(), t.constraints.end(),
                                    [](const auto& c) { return c.used <= 1; });
}

Run run(const bench::Problem& problem, const std::string& strategy, std::uint64_t seed,
        int budget) {
  auto s = propose::make_strategy(strategy).value();
  std::vector<study::Trial> history;
  std::vector<std::string> names;
  for (std::size_t j = 0; j < problem.constraints; ++j) names.push_back(fmt::format("g{}", j));
  Run result;
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < budget; ++i) {
    const double start = cpu_seconds();
    auto proposal = s->propose(
        {.space = problem.space, .history = history, .constraint_names = names, .seed = seed});
    result.seconds += (cpu_seconds() - start) / budget;
    if (!proposal) break;  // a small space may be exhausted
    history.push_back(evaluated(problem, proposal->configuration, i));
    if (feasible(history.back())) best = std::min(best, -*history.back().objective);
    for (const int b : kBudgets) {
      if (i + 1 == b) result.best.push_back(best);
    }
  }
  while (result.best.size() < std::size(kBudgets)) result.best.push_back(best);
  return result;
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(std::lround(q * static_cast<double>(values.size() - 1)))];
}

/// Ranks 1.. of the strategies' values, ties share their mean.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<double> rank;
  for (const double v : values) {
    double less = 0, equal = 0;
    for (const double w : values) less += w < v, equal += w == v;
    rank.push_back(less + (equal + 1) / 2);
  }
  return rank;
}

std::string shown(double value) {
  return std::isfinite(value) ? fmt::format("{:.5g}", value) : "none";
}

Result<Options> parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    if (key == "--quick") {
      o.seeds = 5;
      continue;
    }
    if (i + 1 == argc) return Error{Code::kInvalidArgument, fmt::format("{} needs a value", key)};
    const std::string value = argv[++i];
    if (key == "--seeds")
      o.seeds = std::stoi(value);
    else if (key == "--budget")
      o.budget = std::stoi(value);
    else if (key == "--strategies")
      o.strategies = split(value, ',');
    else if (key == "--problems")
      o.problems = split(value, ',');
    else if (key == "--json")
      o.json = value;
    else
      return Error{Code::kInvalidArgument, fmt::format("unknown option {}", key)};
  }
  for (const std::string& name : o.strategies) ATML_TRY_STATUS(propose::make_strategy(name));
  return o;
}

Status measure(const Options& o) {
  Json rows = Json::array();
  std::map<std::string, double> rank_sum, seconds_sum;
  int rank_count = 0, problem_count = 0;
  std::map<std::string, int> found, runs_of;
  for (const bench::Problem& problem : bench::problems()) {
    if (!o.problems.empty() &&
        std::find(o.problems.begin(), o.problems.end(), problem.name) == o.problems.end())
      continue;
    fmt::print(
        "\n{}  (d {}, {} constraints, feasible {:.3g} %, optimum {:.8g})\n{:<18} {:>10} {:>10} "
        "{:>10} {:>10} {:>10} {:>7} {:>9}\n",
        problem.name, problem.space.size(), problem.constraints, 100 * problem.feasible_share,
        problem.optimum, "strategy", "at 30", "at 60", "at 100", "q25", "q75", "found", "s/prop");
    std::vector<std::vector<Run>> all;  // [strategy][seed]
    for (const std::string& strategy : o.strategies) {
      std::vector<Run> runs;
      for (int s = 0; s < o.seeds; ++s)
        runs.push_back(run(problem, strategy, 1000 + static_cast<std::uint64_t>(s), o.budget));
      const auto at = [&](std::size_t b) {
        std::vector<double> v;
        for (const Run& r : runs) v.push_back(r.best[b]);
        return v;
      };
      int feasible_runs = 0;
      double seconds = 0;
      for (const Run& r : runs)
        feasible_runs += std::isfinite(r.best.back()), seconds += r.seconds / o.seeds;
      fmt::print("{:<18} {:>10} {:>10} {:>10} {:>10} {:>10} {:>6.0f}% {:>9.4f}\n", strategy,
                 shown(quantile(at(0), 0.5)), shown(quantile(at(1), 0.5)),
                 shown(quantile(at(2), 0.5)), shown(quantile(at(2), 0.25)),
                 shown(quantile(at(2), 0.75)), 100.0 * feasible_runs / o.seeds, seconds);
      std::fflush(stdout);
      Json row = Json::object();
      row.set("name", problem.name + "/" + strategy)
          .set("problem", problem.name)
          .set("strategy", strategy);
      row.set("at_30", quantile(at(0), 0.5))
          .set("at_60", quantile(at(1), 0.5))
          .set("at_100", quantile(at(2), 0.5));
      row.set("q25", quantile(at(2), 0.25))
          .set("q75", quantile(at(2), 0.75))
          .set("optimum", problem.optimum);
      row.set("found", static_cast<double>(feasible_runs) / o.seeds)
          .set("seconds_per_proposal", seconds);
      rows.push(std::move(row));
      found[strategy] += feasible_runs;
      runs_of[strategy] += o.seeds;
      seconds_sum[strategy] += seconds;
      all.push_back(std::move(runs));
    }
    ++problem_count;
    for (int s = 0; s < o.seeds; ++s) {
      for (std::size_t b = 0; b < std::size(kBudgets); ++b) {
        std::vector<double> values;
        for (const auto& runs : all) values.push_back(runs[static_cast<std::size_t>(s)].best[b]);
        const std::vector<double> r = ranks(values);
        for (std::size_t k = 0; k < r.size(); ++k) rank_sum[o.strategies[k]] += r[k];
        ++rank_count;
      }
    }
  }
  fmt::print("\naverage rank over {} problems, {} seeds, budgets 30, 60, 100\n", problem_count,
             o.seeds);
  std::vector<std::string> order = o.strategies;
  std::stable_sort(order.begin(), order.end(),
                   [&](const auto& a, const auto& b) { return rank_sum[a] < rank_sum[b]; });
  for (const std::string& name : order) {
    const double rank = rank_sum[name] / std::max(rank_count, 1),
                 share = static_cast<double>(found[name]) / std::max(runs_of[name], 1);
    fmt::print(
        "{:<18} {:>6.2f}   found a feasible point in {:.0f} % of runs, {:.4f} s a proposal\n", name,
        rank, 100 * share, seconds_sum[name] / std::max(problem_count, 1));
    Json row = Json::object();
    row.set("name", "all/" + name)
        .set("strategy", name)
        .set("average_rank", rank)
        .set("found", share);
    rows.push(std::move(row));
  }
  if (o.json.empty()) return {};
  Json document = Json::object();
  document.set("schema", 1).set("rows", std::move(rows));
  return write_file(o.json, document.dump(1) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) {
    fmt::print(stderr, "optimizers: {}\n", options.error().message);
    return 2;
  }
  const Status status = measure(*options);
  if (!status) fmt::print(stderr, "optimizers: {}\n", status.error().message);
  return status.ok() ? 0 : 2;
}
