// bench/optimizers: every strategy on every problem over many seeds, beside the peers' records, in
// one table.
//   bench_optimizers [--quick] [--runs FILE] [--strategies a,b|none] [--problems a,b] [--seeds N]
//   [--first-seed N] [--jobs N]
//                    [--seconds S] [--peers PYTHON] [--solvers a,b] [--peer-seeds N] [--table FILE]
//                    [--json FILE]
// Runs are appended to FILE (JSON lines) and never repeated. --quick: 5 seeds, and of the peers
// only those that need milliseconds a proposal. --seconds: no run is started later; the table then
// says what is missing.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "propose/strategy.h"
#include "run.h"
#include "table.h"

namespace {

using namespace atml;

struct Options {
  int seeds = 20, first_seed = 0, jobs = 2;  // seeds first_seed .. first_seed + seeds - 1
  double seconds = 1e9;
  std::vector<std::string> strategies = propose::strategy_names();
  std::vector<std::string> problems;  // empty: all
  std::string runs = "optimizers.jsonl", peers, solvers = "optuna-tpe", table, json;
  int peer_seeds = 0;  // 0: as many as seeds
};

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
      o.seeds = std::atoi(value.c_str());
    else if (key == "--first-seed")
      o.first_seed = std::atoi(value.c_str());
    else if (key == "--jobs")
      o.jobs = std::atoi(value.c_str());
    else if (key == "--seconds")
      o.seconds = std::atof(value.c_str());
    else if (key == "--strategies")
      o.strategies = value == "none" ? std::vector<std::string>{} : split(value, ',');
    else if (key == "--problems")
      o.problems = split(value, ',');
    else if (key == "--runs")
      o.runs = value;
    else if (key == "--peers")
      o.peers = value;
    else if (key == "--solvers")
      o.solvers = value;
    else if (key == "--peer-seeds")
      o.peer_seeds = std::atoi(value.c_str());
    else if (key == "--table")
      o.table = value;
    else if (key == "--json")
      o.json = value;
    else
      return Error{Code::kInvalidArgument, fmt::format("unknown option {}", key)};
  }
  if (o.seeds < 1 || o.jobs < 1 || o.first_seed < 0)
    return Error{Code::kInvalidArgument,
                 "--seeds and --jobs are whole numbers above 0, --first-seed one from 0 on"};
  for (const std::string& name : o.strategies) ATML_TRY_STATUS(propose::make_strategy(name));
  return o;
}

Result<std::vector<bench::Problem>> chosen(const Options& o) {
  std::vector<bench::Problem> all = bench::problems();
  for (const std::string& name : o.problems) {
    if (std::none_of(all.begin(), all.end(), [&](const auto& p) { return p.name == name; }))
      return Error{Code::kInvalidArgument, fmt::format("no problem '{}'", name)};
  }
  std::erase_if(all, [&](const bench::Problem& p) {
    return !o.problems.empty() &&
           std::find(o.problems.begin(), o.problems.end(), p.name) == o.problems.end();
  });
  return all;
}

Result<std::vector<bench::Record>> records(const Options& o) {
  if (!std::filesystem::exists(o.runs)) return std::vector<bench::Record>{};
  return bench::read_records(o.runs);
}

/// Every jobs-th missing run, in a process of its own.
int work(const Options& o, const std::vector<bench::Problem>& problems, int part) {
  const auto known = records(o);
  if (!known.ok()) return 2;
  std::set<std::string> done;
  for (const auto& r : *known) done.insert(bench::key_of(r));
  const double start = now_seconds();
  int number = 0;
  for (int seed = o.first_seed; seed < o.first_seed + o.seeds; ++seed) {
    for (const auto& problem : problems) {
      for (const auto& strategy : o.strategies) {
        if (number++ % o.jobs != part) continue;
        if (done.contains(bench::key_of({strategy, problem.name, seed, {}, 0}))) continue;
        if (now_seconds() - start > o.seconds) return 0;
        const auto record = bench::run_strategy(problem, strategy, seed);
        if (!bench::append_record(o.runs, record).ok()) return 2;
      }
    }
  }
  return 0;
}

/// The peers' driver as a child, with the same problems, seeds and file.
int work_of_peers(const Options& o, int part) {
  const std::string folder = ATML_SOURCE_DIR "/bench/optimizers/peers.py";
  const int seeds = o.peer_seeds > 0 ? o.peer_seeds : o.seeds;
  std::vector<std::string> words = {o.peers, folder, "run", ATML_PROBLEM_SERVER, o.runs};
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"--solvers", o.solvers},
           {"--first", std::to_string(o.first_seed)},
           {"--seeds", std::to_string(o.first_seed + seeds)},
           {"--part", fmt::format("{}/{}", part, o.jobs)},
           {"--seconds", fmt::format("{}", o.seconds)}})
    words.insert(words.end(), {key, value});
  std::string names;
  for (const std::string& p : o.problems) names += (names.empty() ? "" : ",") + p;
  words.insert(words.end(), {"--problems", names});
  std::vector<char*> arguments;
  for (std::string& w : words) arguments.push_back(w.data());
  arguments.push_back(nullptr);
  execv(o.peers.c_str(), arguments.data());
  fmt::print(stderr, "optimizers: cannot run {}\n", o.peers);
  return 2;
}

template <class Work>
Status in_parallel(int jobs, Work part_of) {
  std::vector<pid_t> children;
  for (int part = 0; part < jobs; ++part) {
    const pid_t pid = fork();
    if (pid == 0) _exit(part_of(part));
    if (pid < 0) return Error{Code::kUnavailable, "cannot start a process"};
    children.push_back(pid);
  }
  bool ok = true;
  for (const pid_t pid : children) {
    int status = 0;
    waitpid(pid, &status, 0);
    ok = ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return ok ? Status{} : Status(Error{Code::kUnavailable, "a process of the runs failed"});
}

Status measure(const Options& o) {
  ATML_TRY(const auto problems, chosen(o));
  ATML_TRY_STATUS(records(o));  // a damaged file is refused before hours of work
  ATML_TRY_STATUS(in_parallel(o.jobs, [&](int part) { return work(o, problems, part); }));
  if (!o.peers.empty())
    ATML_TRY_STATUS(in_parallel(o.jobs, [&](int part) { return work_of_peers(o, part); }));
  ATML_TRY(const auto all, records(o));
  const bench::Tables tables = bench::make_tables(problems, all);
  fmt::print("{}", tables.text);
  if (!o.table.empty()) ATML_TRY_STATUS(write_file(o.table, tables.text));
  if (o.json.empty()) return {};
  Json document = Json::object();
  document.set("schema", 1).set("rows", tables.rows);
  return write_file(o.json, document.dump(1) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  const Status status = options.ok() ? measure(*options) : Status(options.error());
  if (!status.ok()) fmt::print(stderr, "optimizers: {}\n", status.error().message);
  return status.ok() ? 0 : 2;
}
