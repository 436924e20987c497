// bench/optimizers: every strategy on every problem over many seeds, beside the peers' records, in
// one table.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../arguments.h"
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

constexpr char kUsage[] =
    R"(usage: bench_optimizers [options]
Runs strategies and peers on the problems, then prints one table of all runs that are kept.

  --runs FILE         where runs are kept, one JSON line each; none is repeated (optimizers.jsonl)
  --strategies a,b    of ours; "none" for none (all)
  --problems a,b      (all)
  --seeds N           (20)
  --first-seed N      seeds N, N + 1, ...; from 1000 on for tuning (0)
  --quick             5 seeds
  --jobs N            processes at once (2)
  --seconds S         no run is started later; the table then says what is missing
  --peers PYTHON      also runs the peers, by this interpreter (see make_venv.sh)
  --solvers a,b       the peers to run (optuna-tpe)
  --peer-seeds N      (as --seeds)
  --table FILE        writes the table as Markdown too
  --json FILE         writes its figures
)";

Result<Options> parse(int argc, char** argv) {
  Options o;
  const auto strategies = [&](const std::string& value) {
    o.strategies = value == "none" ? std::vector<std::string>{} : split(value, ',');
    return Status{};
  };
  const Status read =
      bench::read_arguments(argc, argv,
                            {{"--quick", bench::flag_option([&] { o.seeds = 5; })},
                             {"--seeds", bench::number_option(o.seeds, 1)},
                             {"--first-seed", bench::number_option(o.first_seed, 0)},
                             {"--jobs", bench::number_option(o.jobs, 1)},
                             {"--seconds", bench::seconds_option(o.seconds)},
                             {"--strategies", {strategies}},
                             {"--problems", bench::list_option(o.problems)},
                             {"--runs", bench::text_option(o.runs)},
                             {"--peers", bench::text_option(o.peers)},
                             {"--solvers", bench::text_option(o.solvers)},
                             {"--peer-seeds", bench::number_option(o.peer_seeds, 1)},
                             {"--table", bench::text_option(o.table)},
                             {"--json", bench::text_option(o.json)}});
  ATML_TRY_STATUS(read);
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
  const std::string command = fmt::format(
      "`bench_optimizers --strategies none --runs {} --table {}{}` makes this table from the runs "
      "that are kept.\n\n",
      o.runs, o.table, o.json.empty() ? "" : " --json " + o.json);
  if (!o.table.empty()) ATML_TRY_STATUS(write_file(o.table, command + tables.text));
  if (o.json.empty()) return {};
  Json document = Json::object();
  document.set("schema", 1).set("rows", tables.rows);
  return write_file(o.json, document.dump(1) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (bench::asks_for_help(argc, argv)) return std::fputs(kUsage, stdout) < 0;
  const auto options = parse(argc, argv);
  const Status status = options.ok() ? measure(*options) : Status(options.error());
  if (!status.ok()) fmt::print(stderr, "optimizers: {}\n", status.error().message);
  return status.ok() ? 0 : 2;
}
