// bench/proposals: processor seconds a proposal, on a history of a given size.
// "first" is the proposal of a strategy that remembers nothing (a resumed study); "median", "p90"
// and "largest" are those of the proposals that follow, each of which adds its trial to the
// history.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>
#include <time.h>

#include "../arguments.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "propose/models/sobol.h"
#include "propose/strategy.h"

namespace {

using namespace atml;

struct Options {
  int trials = 200, parameters = 20, constraints = 3, repeats = 30;
  std::vector<std::string> strategies = propose::strategy_names();
  std::string json;
};

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Of five parameters three are real, one is a whole number, one a word.
space::Space space_of(int parameters) {
  std::vector<space::Parameter> list;
  for (int i = 0; i < parameters; ++i) {
    space::Parameter p{.name = fmt::format("x{}", i), .low = 0, .high = 1, .preferred = 0.5};
    if (i % 5 == 3)
      p = {.name = p.name,
           .kind = space::Kind::kInteger,
           .low = 1,
           .high = 16,
           .preferred = std::int64_t{4}};
    if (i % 5 == 4)
      p = {.name = p.name,
           .kind = space::Kind::kCategorical,
           .values = {std::string("a"), std::string("b"), std::string("c")},
           .preferred = std::string("a")};
    list.push_back(std::move(p));
  }
  auto space = space::Space::create("proposals", std::move(list));
  ATML_ASSERT(space.ok(), space.error().message);
  return std::move(*space);
}

// Smooth in every parameter, with limits that about a third of the box meets.
study::Trial evaluated(const space::Space& space, const space::Configuration& c, int number,
                       int constraints) {
  const space::Encoding x = space.encode(c);
  study::Trial t;
  t.number = number;
  t.configuration = c;
  double value = 0;
  for (std::size_t i = 0; i < x.size(); ++i) value += std::cos(3 * x[i] + static_cast<double>(i));
  bool feasible = true;
  for (int j = 0; j < constraints; ++j) {
    double g = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      g += std::sin(2 * x[i] + static_cast<double>(i) * (j + 1)) / static_cast<double>(x.size());
    t.constraints.push_back({fmt::format("g{}", j), 1 + g - 0.05, 1});
    feasible = feasible && t.constraints.back().margin() <= 0;
  }
  t.outcome = feasible ? study::Outcome::kMeasured : study::Outcome::kUndeployable;
  if (feasible) t.objective = value;
  return t;
}

constexpr char kUsage[] =
    R"(usage: bench_proposals [options]
Processor seconds a proposal, on a history of a given size.

  --strategies a,b    (all)
  --trials N          in the history (200)
  --parameters N      (20)
  --constraints N     measured ones (3)
  --repeats N         proposals that are timed (30)
  --json FILE         writes the figures
)";

Result<Options> parse(int argc, char** argv) {
  Options o;
  const Status read =
      bench::read_arguments(argc, argv,
                            {{"--strategies", bench::list_option(o.strategies)},
                             {"--trials", bench::number_option(o.trials, 1)},
                             {"--parameters", bench::number_option(o.parameters, 1)},
                             {"--constraints", bench::number_option(o.constraints, 0)},
                             {"--repeats", bench::number_option(o.repeats, 1)},
                             {"--json", bench::text_option(o.json)}});
  ATML_TRY_STATUS(read);
  for (const std::string& name : o.strategies) ATML_TRY_STATUS(propose::make_strategy(name));
  return o;
}

Result<std::vector<double>> timed(const Options& o, const std::string& name) {
  const space::Space space = space_of(o.parameters);
  std::vector<study::Trial> history;
  propose::Sobol sobol(o.parameters, 7);
  while (static_cast<int>(history.size()) < o.trials)
    history.push_back(evaluated(space, space.decode(space.from_unit(sobol.next())),
                                static_cast<int>(history.size()), o.constraints));
  std::vector<std::string> constraints;
  for (int j = 0; j < o.constraints; ++j) constraints.push_back(fmt::format("g{}", j));
  auto strategy = propose::make_strategy(name).value();
  std::vector<double> seconds;
  for (int i = 0; i <= o.repeats; ++i) {
    const double start = cpu_seconds();
    ATML_TRY(const auto proposal,
             strategy->propose(
                 {.space = space, .history = history, .constraint_names = constraints, .seed = 1}));
    seconds.push_back(cpu_seconds() - start);
    history.push_back(
        evaluated(space, proposal.configuration, static_cast<int>(history.size()), o.constraints));
  }
  return seconds;
}

Status measure(const Options& o) {
  fmt::print("{} trials, {} parameters, {} constraints; processor seconds a proposal\n", o.trials,
             o.parameters, o.constraints);
  fmt::print("{:<18} {:>9} {:>9} {:>9} {:>9}\n", "strategy", "first", "median", "p90", "largest");
  Json rows = Json::array();
  for (const std::string& name : o.strategies) {
    ATML_TRY(std::vector<double> seconds, timed(o, name));
    const double first = seconds.front();
    seconds.erase(seconds.begin());
    std::sort(seconds.begin(), seconds.end());
    const double median = seconds[seconds.size() / 2], p90 = seconds[seconds.size() * 9 / 10];
    fmt::print("{:<18} {:>9.4f} {:>9.4f} {:>9.4f} {:>9.4f}\n", name, first, median, p90,
               seconds.back());
    std::fflush(stdout);
    rows.push(Json::object()
                  .set("name", name)
                  .set("first", first)
                  .set("median", median)
                  .set("p90", p90)
                  .set("largest", seconds.back()));
  }
  if (o.json.empty()) return {};
  return write_file(o.json,
                    Json::object().set("schema", 1).set("rows", std::move(rows)).dump(1) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (bench::asks_for_help(argc, argv)) return std::fputs(kUsage, stdout) < 0;
  const auto options = parse(argc, argv);
  const Status status = options ? measure(*options) : Status(options.error());
  if (!status) fmt::print(stderr, "bench_proposals: {}\n", status.error().message);
  return status.ok() ? 0 : 2;
}
