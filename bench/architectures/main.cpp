// bench/architectures: evaluations that each strategy needs to reach the best feasible 0.5 % of the
// tabulated networks, under several limits; the bar is a third of random search's.
// A strategy meets what it meets in a search: flash and RAM are known before a trial (exact),
// latency is measured, and a network that does not fit is never trained: it has no accuracy.
// "random-blind" is random search without the exact checks: every draw costs an evaluation.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../arguments.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "propose/strategy.h"
#include "tabulated.h"

namespace {

using namespace atml;

constexpr double kBestShare = 0.005;
constexpr char kBlind[] = "random-blind";

struct Options {
  std::string table = ATML_SOURCE_DIR "/bench/architectures/table.csv";
  int seeds = 20, budget = 400, jobs = 2;
  std::vector<std::string> strategies = {"random-blind", "random", "bayes"};
  std::string only, transfer, json;
};

/// Limits as quantiles of the table's own figures; 1: no limit.
struct Setting {
  const char* name;
  double flash, ram, latency;
};
constexpr Setting kSettings[] = {{"loose", 0.7, 0.7, 0.7},
                                 {"medium", 0.5, 0.5, 0.5},
                                 {"tight", 0.3, 0.3, 0.3},
                                 {"very tight", 0.2, 0.2, 0.2},
                                 {"latency only", 1, 1, 0.15}};

struct Figures {
  double flash, ram, latency;
};

struct Problem {
  space::Space space;
  bench::Table table;
  Figures limit{};
  std::size_t feasible = 0;
  double goal = 0;  // accuracy of the last network of the best feasible 0.5 %

  const bench::Entry* find(const space::Configuration& c) const {
    const auto entry = table.find(bench::key_of(space, c));
    return entry == table.end() ? nullptr : &entry->second;
  }
  bool fits(const bench::Entry& e) const {
    return static_cast<double>(e.flash_bytes) <= limit.flash &&
           static_cast<double>(e.ram_bytes) <= limit.ram && e.latency_ms <= limit.latency;
  }
};

double quantile_of(const bench::Table& table, double q, auto figure) {
  if (q >= 1) return std::numeric_limits<double>::max();
  std::vector<double> values;
  for (const auto& [key, e] : table) values.push_back(static_cast<double>(figure(e)));
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

void set_limits(Problem& p, const Setting& s) {
  p.limit = {quantile_of(p.table, s.flash, [](const auto& e) { return e.flash_bytes; }),
             quantile_of(p.table, s.ram, [](const auto& e) { return e.ram_bytes; }),
             quantile_of(p.table, s.latency, [](const auto& e) { return e.latency_ms; })};
  std::vector<double> good;
  for (const auto& [key, e] : p.table)
    if (p.fits(e)) good.push_back(e.mean_accuracy());
  std::sort(good.rbegin(), good.rend());
  p.feasible = good.size();
  const auto best =
      static_cast<std::size_t>(std::ceil(kBestShare * static_cast<double>(good.size())));
  p.goal = good.empty() ? 1 : good[std::max<std::size_t>(best, 1) - 1];
}

study::Trial evaluated(const Problem& p, const space::Configuration& c, int number) {
  const bench::Entry& e = *p.find(c);
  study::Trial t;
  t.number = number;
  t.configuration = c;
  t.constraints = {{"flash", static_cast<double>(e.flash_bytes), p.limit.flash},
                   {"ram", static_cast<double>(e.ram_bytes), p.limit.ram},
                   {"latency", e.latency_ms, p.limit.latency}};
  t.outcome = p.fits(e) ? study::Outcome::kMeasured : study::Outcome::kUndeployable;
  if (p.fits(e)) t.objective = e.mean_accuracy();
  return t;
}

/// One evaluation of the history that `strategy` made; false where it cannot go on.
bool step(const Problem& p, propose::Strategy& s, bool blind, std::vector<study::Trial>& history,
          int seed) {
  const auto exact = [&](const space::Configuration& c) {
    const bench::Entry* e = p.find(c);
    if (!e) return propose::ExactCheck{false, 1, "not in the table"};
    if (blind) return propose::ExactCheck{};
    const double worst = std::max(static_cast<double>(e->flash_bytes) / p.limit.flash,
                                  static_cast<double>(e->ram_bytes) / p.limit.ram) -
                         1;
    return propose::ExactCheck{worst <= 0, worst, worst <= 0 ? "" : "flash or RAM"};
  };
  const auto proposal = s.propose({.space = p.space,
                                   .history = history,
                                   .exact = exact,
                                   .constraint_names = {"latency"},
                                   .seed = static_cast<std::uint64_t>(seed)});
  if (!proposal.ok() || !p.find(proposal->configuration)) return false;
  history.push_back(evaluated(p, proposal->configuration, static_cast<int>(history.size())));
  return true;
}

/// Evaluations and trainings until the goal; budget + 1 where it was not reached. Random search has
/// the same exact checks, so the ratio is the merit of the models alone.
struct Reached {
  int evaluations = 0, trainings = 0;
};

Reached search(const Problem& p, const std::string& strategy, int seed, int budget) {
  const bool blind = strategy == kBlind;
  const auto s = propose::make_strategy(blind ? "random" : strategy).value();
  std::vector<study::Trial> history;
  Reached reached;
  for (int i = 0; i < budget && step(p, *s, blind, history, seed); ++i) {
    reached.trainings += history.back().objective.has_value();
    if (history.back().objective.value_or(0) >= p.goal) {
      reached.evaluations = i + 1;
      return reached;
    }
  }
  reached.evaluations = budget + 1;
  return reached;
}

double middle(std::vector<double> v, double q) {
  std::sort(v.begin(), v.end());
  const double at = q * static_cast<double>(v.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, v.size() - 1);
  return v[low] + (at - static_cast<double>(low)) * (v[high] - v[low]);
}

/// What a search under one setting leaves for others: per setting, how far (in points of accuracy)
/// the best network of its history that fits lies below the best of the table; 100 where none fits.
std::vector<double> shortfalls(Problem p, const std::string& strategy, int seed, int budget,
                               const Setting& searched) {
  set_limits(p, searched);
  const bool blind = strategy == kBlind;
  const auto s = propose::make_strategy(blind ? "random" : strategy).value();
  std::vector<study::Trial> history;
  while (static_cast<int>(history.size()) < budget && step(p, *s, blind, history, seed)) {
  }
  std::set<std::string> trained;
  for (const auto& t : history)
    if (t.objective) trained.insert(bench::key_of(p.space, t.configuration));
  std::vector<double> all;
  for (const Setting& setting : kSettings) {
    set_limits(p, setting);
    double best = 0, reached = -1;
    for (const auto& [key, e] : p.table) {
      if (!p.fits(e)) continue;
      best = std::max(best, e.mean_accuracy());
      if (trained.contains(key)) reached = std::max(reached, e.mean_accuracy());
    }
    all.push_back(reached < 0 ? 100 : 100 * (best - reached));
  }
  return all;
}

/// The seeds of one strategy, spread over processes; each child writes its pairs into a pipe.
Result<std::vector<Reached>> all_seeds(const Problem& p, const std::string& strategy,
                                       const Options& o) {
  std::vector<int> pipes;
  for (int part = 0; part < o.jobs; ++part) {
    int ends[2];
    if (pipe(ends) != 0) return Error{Code::kUnavailable, "no pipe"};
    const pid_t pid = fork();
    if (pid < 0) return Error{Code::kUnavailable, "cannot start a process"};
    if (pid == 0) {
      for (int seed = part; seed < o.seeds; seed += o.jobs) {
        const Reached r = search(p, strategy, seed, o.budget);
        if (write(ends[1], &r, sizeof r) != sizeof r) _exit(1);
      }
      _exit(0);
    }
    close(ends[1]);
    pipes.push_back(ends[0]);
  }
  std::vector<Reached> all;
  for (const int end : pipes) {
    Reached r;
    while (read(end, &r, sizeof r) == sizeof r) all.push_back(r);
    close(end);
  }
  while (wait(nullptr) > 0) {
  }
  if (static_cast<int>(all.size()) != o.seeds)
    return Error{Code::kUnavailable, fmt::format("{}: a process failed", strategy)};
  return all;
}

std::string shown(double value, int budget) {
  return value > budget ? fmt::format("> {}", budget) : fmt::format("{:.0f}", value);
}

/// One search under the limits `o.transfer`; its history is then asked for every setting.
Status transfer(const Options& o, const Problem& p) {
  const auto searched = std::find_if(std::begin(kSettings), std::end(kSettings),
                                     [&](const Setting& s) { return o.transfer == s.name; });
  if (searched == std::end(kSettings))
    return Error{Code::kInvalidArgument, fmt::format("no limits '{}'", o.transfer)};
  fmt::print(
      "\nSearched under '{}', {} evaluations, {} seeds: points of accuracy below the best network "
      "that fits, median (upper quartile)\n\n| strategy |",
      o.transfer, o.budget, o.seeds);
  for (const Setting& s : kSettings) fmt::print(" {} |", s.name);
  fmt::print("\n|---|---|---|---|---|---|\n");
  for (const std::string& strategy : o.strategies) {
    std::vector<std::vector<double>> by_setting(std::size(kSettings));
    for (int seed = 0; seed < o.seeds; ++seed) {
      const auto one = shortfalls(p, strategy, seed, o.budget, *searched);
      for (std::size_t k = 0; k < one.size(); ++k) by_setting[k].push_back(one[k]);
    }
    fmt::print("| {} |", strategy);
    const auto text = [](double v) {
      return v >= 50 ? std::string("none") : fmt::format("{:.2f}", v);
    };
    for (const auto& values : by_setting)
      fmt::print(" {} ({}) |", text(middle(values, .5)), text(middle(values, .75)));
    fmt::print("\n");
    std::fflush(stdout);
  }
  return {};
}

Status measure(const Options& o) {
  ATML_TRY(space::Space space,
           space::load_space(ATML_SOURCE_DIR "/bench/architectures/space.toml"));
  ATML_TRY(bench::Table table, bench::read_table(o.table, true));
  ATML_TRY(const auto every, bench::enumerate(space));
  fmt::print("{} of the space's {} networks are in the table\n", table.size(), every.size());
  Problem p{std::move(space), std::move(table)};
  if (!o.transfer.empty()) return transfer(o, p);
  Json rows = Json::array();
  for (const Setting& setting : kSettings) {
    if (!o.only.empty() && o.only != setting.name) continue;
    set_limits(p, setting);
    if (p.feasible == 0) continue;
    fmt::print(
        "\n## {}: {} networks ({:.1f} %) fit, goal accuracy {:.4f}\n\n", setting.name, p.feasible,
        100.0 * static_cast<double>(p.feasible) / static_cast<double>(p.table.size()), p.goal);
    fmt::print(
        "| strategy | evaluations, median | q25 | q75 | trainings, median | of random's "
        "|\n|---|---|---|---|---|---|\n");
    double random = 0;
    for (const std::string& strategy : o.strategies) {
      ATML_TRY(const auto all, all_seeds(p, strategy, o));
      std::vector<double> evaluations, trainings;
      for (const Reached& r : all) {
        evaluations.push_back(r.evaluations);
        trainings.push_back(r.trainings);
      }
      const double median = middle(evaluations, .5);
      if (strategy == kBlind) random = median;
      fmt::print("| {} | {} | {} | {} | {:.0f} | {} |\n", strategy, shown(median, o.budget),
                 shown(middle(evaluations, .25), o.budget),
                 shown(middle(evaluations, .75), o.budget), middle(trainings, .5),
                 random > 0 ? fmt::format("{:.2f}", median / random) : "");
      std::fflush(stdout);
      Json row = Json::object();
      row.set("name", fmt::format("{}/{}", setting.name, strategy)).set("networks", p.table.size());
      row.set("feasible", p.feasible).set("goal", p.goal).set("evaluations", median);
      row.set("q25", middle(evaluations, .25)).set("q75", middle(evaluations, .75));
      row.set("trainings", middle(trainings, .5))
          .set("of_random", random > 0 ? Json(median / random) : Json());
      rows.push(std::move(row));
    }
  }
  if (o.json.empty()) return {};
  Json document = Json::object();
  document.set("schema", 1).set("rows", std::move(rows));
  return write_file(o.json, document.dump(1) + "\n");
}

constexpr char kUsage[] =
    R"(usage: bench_architectures [options]
How many evaluations each strategy needs to the best feasible 0.5 % of the tabulated networks.

  --strategies a,b    (random-blind,random,bayes)
  --only LIMITS       one setting: loose, medium, tight, "very tight" or "latency only"
  --transfer LIMITS   instead: searches under these, and what each history then has under all others
  --seeds N           (20)
  --budget N          evaluations a search (400)
  --jobs N            processes at once (2)
  --table FILE        the networks (bench/architectures/table.csv)
  --json FILE         writes the figures
)";

Result<Options> parse(int argc, char** argv) {
  Options o;
  const Status read = bench::read_arguments(argc, argv,
                                            {{"--table", bench::text_option(o.table)},
                                             {"--seeds", bench::number_option(o.seeds, 1)},
                                             {"--budget", bench::number_option(o.budget, 1)},
                                             {"--jobs", bench::number_option(o.jobs, 1)},
                                             {"--strategies", bench::list_option(o.strategies)},
                                             {"--transfer", bench::text_option(o.transfer)},
                                             {"--only", bench::text_option(o.only)},
                                             {"--json", bench::text_option(o.json)}});
  ATML_TRY_STATUS(read);
  for (const std::string& name : o.strategies) {
    if (name != kBlind) ATML_TRY_STATUS(propose::make_strategy(name));
  }
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  if (bench::asks_for_help(argc, argv)) return std::fputs(kUsage, stdout) < 0;
  const auto options = parse(argc, argv);
  const Status status = options.ok() ? measure(*options) : Status(options.error());
  if (!status.ok()) fmt::print(stderr, "bench_architectures: {}\n", status.error().message);
  return status.ok() ? 0 : 2;
}
