#include "run.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <time.h>

#include "base/files.h"
#include "base/text.h"
#include "propose/strategy.h"

namespace atml::bench {
namespace {

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

study::Trial evaluated(const Problem& problem, const space::Configuration& c, int number) {
  const Answer answer = problem.function(c);
  study::Trial t;
  t.number = number;
  t.configuration = c;
  t.outcome = answer.value ? study::Outcome::kMeasured : study::Outcome::kBuildFailed;
  t.objective = answer.value ? std::optional(-*answer.value) : std::nullopt;
  for (std::size_t j = 0; j < answer.g.size(); ++j)
    t.constraints.push_back({fmt::format("g{}", j), 1 + answer.g[j], 1});
  return t;
}

/// g <= 0 as the problem says it: `used` = 1 + g would lose digits of a tiny g.
bool feasible(const Answer& answer) {
  return answer.value && std::isfinite(*answer.value) &&
         std::all_of(answer.g.begin(), answer.g.end(), [](double g) { return g <= 0; });
}

Result<Record> parse_record(const std::string& line) {
  ATML_TRY(const Json j, Json::parse(line));
  Record r{j["solver"].string(),
           j["problem"].string(),
           static_cast<int>(j["seed"].integer(-1)),
           {},
           j["seconds_per_proposal"].number()};
  for (const Json& v : j["best"].items())
    r.best.push_back(v.is_number() ? v.number() : std::numeric_limits<double>::infinity());
  if (r.solver.empty() || r.problem.empty() || r.seed < 0 || r.best.size() != std::size(kBudgets))
    return Error{Code::kParse, "no record of a run (solver, problem, seed, best at 30, 60, 100)"};
  return r;
}

}  // namespace

std::vector<space::Configuration> common_design(const Problem& problem, std::uint64_t seed) {
  const auto sobol = propose::make_strategy("sobol").value();
  const std::size_t size = std::clamp<std::size_t>(problem.space.size() + 1, 5, 12);
  std::vector<study::Trial> history;
  std::vector<space::Configuration> design;
  while (design.size() < size) {
    const auto p = sobol->propose(
        {.space = problem.space, .history = history, .constraint_names = {}, .seed = seed});
    ATML_ASSERT(p.ok(), p.error().message);
    design.push_back(p->configuration);
    history.push_back({.number = static_cast<int>(history.size()),
                       .configuration = p->configuration,
                       .outcome = study::Outcome::kMeasured,
                       .objective = 0.0});
  }
  return design;
}

Record run_strategy(const Problem& problem, const std::string& strategy, int seed, int budget) {
  constexpr std::uint64_t kFirstSeed = 1000;
  const std::uint64_t study_seed = kFirstSeed + static_cast<std::uint64_t>(seed);
  const auto s = propose::make_strategy(strategy).value();
  const auto design = common_design(problem, static_cast<std::uint64_t>(seed));
  std::vector<std::string> names;
  for (std::size_t j = 0; j < problem.constraints; ++j) names.push_back(fmt::format("g{}", j));
  Record record{strategy, problem.name, seed, {}, 0};
  std::vector<study::Trial> history;
  double best = std::numeric_limits<double>::infinity();
  int proposals = 0;
  for (int i = 0; i < budget; ++i) {
    space::Configuration c;
    if (static_cast<std::size_t>(i) < design.size()) {
      c = design[static_cast<std::size_t>(i)];
    } else {
      const double start = cpu_seconds();
      const auto proposal = s->propose({.space = problem.space,
                                        .history = history,
                                        .constraint_names = names,
                                        .seed = study_seed});
      record.seconds_per_proposal += cpu_seconds() - start;
      ++proposals;
      if (!proposal) break;  // a small space may be exhausted
      c = proposal->configuration;
    }
    history.push_back(evaluated(problem, c, i));
    const Answer answer = problem.function(c);
    if (feasible(answer)) best = std::min(best, *answer.value);
    if (std::find(std::begin(kBudgets), std::end(kBudgets), i + 1) != std::end(kBudgets))
      record.best.push_back(best);
  }
  record.best.resize(std::size(kBudgets), best);
  record.seconds_per_proposal /= std::max(proposals, 1);
  return record;
}

std::string key_of(const Record& r) {
  return fmt::format("{} on {}, seed {}", r.solver, r.problem, r.seed);
}

std::string line_of(const Record& r) {
  Json best = Json::array();
  for (const double v : r.best) best.push(v);  // infinity prints as null
  Json j = Json::object();
  j.set("solver", r.solver).set("problem", r.problem).set("seed", r.seed);
  j.set("best", std::move(best)).set("seconds_per_proposal", r.seconds_per_proposal);
  return j.dump() + "\n";
}

Result<std::vector<Record>> read_records(const std::string& path) {
  ATML_TRY(const std::string text, read_file(path));
  std::vector<std::string> lines = split(text, '\n');
  if (!lines.empty()) lines.pop_back();  // empty, or torn by a kill
  std::map<std::string, Record> found;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto record = parse_record(lines[i]);
    if (!record.ok())
      return Error{Code::kParse,
                   fmt::format("{}: line {}: {}", path, i + 1, record.error().message)};
    found.insert_or_assign(key_of(*record), *record);
  }
  std::vector<Record> all;
  for (auto& [key, record] : found) all.push_back(std::move(record));
  return all;
}

Status append_record(const std::string& path, const Record& record) {
  std::FILE* file = std::fopen(path.c_str(), "a");
  if (!file) return Error{Code::kIo, fmt::format("cannot append to {}", path)};
  const std::string line = line_of(record);
  const bool ok = std::fwrite(line.data(), 1, line.size(), file) == line.size();
  return std::fclose(file) == 0 && ok ? Status{}
                                      : Error{Code::kIo, fmt::format("cannot write {}", path)};
}

}  // namespace atml::bench
