// Samples per second of one training step (forward, backward, AdamW) beside PyTorch's, same
// networks, same batch, one thread each. Both are measured in CPU time of the thread, medians of
// the repetitions, so that other programs on the machine disturb them little and equally.
//
//   training_bench [--peer PYTHON] [--repetitions N] [--seconds S] [--layers 0|1] [--threads 0|1]
//                  [--seeds 0|1] [--only PART_OF_A_NAME] [--json FILE]
// PYTHON is the interpreter of an environment made by make_venv.sh; without it only ours is
// measured. --layers (on): which share of the machine's best measured sgemm (Eigen's, the peer's,
// our own product) each kind of layer reaches, forward and backward, and what limits it. --threads
// (off; wants an idle machine): two networks on two threads, and one network on two. --seeds (off):
// what training several seeds in one pass could gain.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <string>
#include <thread>

#include "base/files.h"
#include "base/json.h"
#include "base/process.h"
#include "layer_table.h"
#include "networks.h"
#include "stepper.h"

namespace atml::bench {
namespace {

double our_rate(const Case& c, const Options& o) {
  Stepper stepper(c.network, c.batch);
  return c.batch * rate_of(o, cpu_seconds, [&] { stepper.step(); });
}

// ---- Threads: wall time, so an idle machine with two cores is needed

double wall_rate(const Case& c, const Options& o, int threads) {
  Stepper stepper(c.network, c.batch, threads);
  return c.batch * rate_of(o, wall_seconds, [&] { stepper.step(); });
}

double rate_of_two(const Case& c, const Options& o) {
  double other = 0;
  std::thread second([&] { other = wall_rate(c, o, 1); });
  const double own = wall_rate(c, o, 1);
  second.join();
  return own + other;
}

Json thread_table(const std::vector<Case>& cases, const Options& o) {
  Json rows = Json::array();
  std::printf("\n%-18s %12s %14s %7s %14s %7s   (wall time)\n", "network", "1 x 1 thread",
              "2 x 1 thread", "times", "1 x 2 threads", "times");
  for (const Case& c : cases) {
    const double one = wall_rate(c, o, 1), two = rate_of_two(c, o), shared = wall_rate(c, o, 2);
    std::printf("%-18s %12.0f %14.0f %7.2f %14.0f %7.2f\n", c.name.c_str(), one, two, two / one,
                shared, shared / one);
    Json row = Json::object();
    row.set("name", c.name + " threads").set("one", one).set("two_networks", two);
    row.set("two_threads", shared).set("scaling", two / one).set("sharing", shared / one);
    rows.push(std::move(row));
  }
  return rows;
}

// ---- Several seeds in one pass: what there is to gain
//
// Seeds have weights of their own, so that multiplications, sums over lanes, packing and the
// optimiser are done for each whatever the order. Together they could share only what a step costs
// without any sample: calls and tables. That part is at most twice the step of 16 samples less that
// of 32 (which still contains packing and optimiser), and the gain at most step / (step - part).
Json seeds_table(const std::vector<Case>& cases, const Options& o) {
  Json rows = Json::array();
  std::printf("\n%-18s %10s %10s %10s %8s   (several seeds in one pass)\n", "network", "us at 16",
              "us at 32", "fixed us", "gain <=");
  for (const Case& c : cases) {
    const auto step_of = [&](int batch) {
      Stepper stepper(c.network, batch);
      return 1e6 / rate_of(o, cpu_seconds, [&] { stepper.step(); });
    };
    const double small = step_of(16), large = step_of(32), fixed = std::max(0.0, 2 * small - large);
    std::printf("%-18s %10.1f %10.1f %10.1f %8.2f\n", c.name.c_str(), small, large, fixed,
                small / (small - fixed));
    Json row = Json::object();
    row.set("name", c.name + " seeds").set("us_16", small).set("us_32", large);
    rows.push(row.set("fixed_us", fixed).set("gain_bound", small / (small - fixed)));
  }
  return rows;
}

Result<std::map<std::string, double>> peer_rates(const std::vector<Case>& cases, const Options& o) {
  Command command;
  command.argv = {o.peer, ATML_SOURCE_DIR "/bench/training/peer.py", std::to_string(o.repetitions),
                  fmt::format("{}", o.seconds)};
  command.environment = {{"OMP_NUM_THREADS", "1"},
                         {"MALLOC_MMAP_THRESHOLD_", "4000000000"},
                         {"MALLOC_TRIM_THRESHOLD_", "4000000000"}};
  command.timeout = Seconds(1800);
  for (const Case& c : cases)
    command.input += fmt::format("case {} {}\n{}end\n", c.batch, c.name, c.network.text());
  ATML_TRY(const ProcessResult result, run_process(command));
  if (!result.succeeded())
    return Error{Code::kUnavailable, "the peer " + result.ending() + ": " + result.err};
  std::map<std::string, double> rates;
  for (std::size_t at = 0; at < result.out.size();) {
    const std::size_t end = std::min(result.out.find('\n', at), result.out.size());
    const auto line = Json::parse(std::string_view(result.out).substr(at, end - at));
    if (line.ok()) rates[(*line)["name"].string()] = (*line)["samples_per_s"].number();
    at = end + 1;
  }
  return rates;
}

int run(const Options& o) {
  std::vector<Case> cases = training_cases();
  std::erase_if(cases, [&](const Case& c) { return c.name.find(o.only) == std::string::npos; });
  std::map<std::string, double> peers;
  if (!o.peer.empty()) {
    auto rates = peer_rates(cases, o);
    if (!rates.ok()) {
      std::fprintf(stderr, "%s\n", rates.error().message.c_str());
      return 2;
    }
    peers = *rates;
  }
  Json rows = Json::array();
  std::printf("%-18s %5s %12s %12s %7s %8s   (%s)\n", "network", "batch", "samples/s", "peer",
              "ratio", "GFLOP/s", train::best_kernels().name);
  for (const Case& c : cases) {
    const double rate = our_rate(c, o);
    const double peer = peers.contains(c.name) ? peers[c.name] : 0;
    const double gflops = rate * flops(c.network) / 1e9;
    std::printf("%-18s %5d %12.0f %12.0f %7.2f %8.1f\n", c.name.c_str(), c.batch, rate, peer,
                peer > 0 ? rate / peer : 0, gflops);
    Json row = Json::object();
    row.set("name", c.name).set("batch", c.batch).set("samples_per_s", rate).set("peer", peer);
    row.set("ratio", peer > 0 ? rate / peer : 0).set("gflops", gflops);
    rows.push(std::move(row));
  }
  if (o.layers) {
    const Json table = layer_table(
        o, peers.contains("sgemm") ? peers["sgemm"] : 0);  // named: a range-for does not keep the
                                                           // document of items() alive
    for (const Json& row : table.items()) rows.push(row);
  }
  if (o.threads) {
    const Json table =
        thread_table(cases, o);  // named: a range-for does not keep the document of items() alive
    for (const Json& row : table.items()) rows.push(row);
  }
  if (o.seeds) {
    const Json table = seeds_table(cases, o);
    for (const Json& row : table.items()) rows.push(row);
  }
  if (o.json.empty()) return 0;
  Json file = Json::object();
  file.set("schema", 1).set("rows", std::move(rows));
  return write_file(o.json, file.dump(1) + "\n").ok() ? 0 : 2;
}

}  // namespace
}  // namespace atml::bench

int main(int argc, char** argv) {
  atml::bench::Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--peer") o.peer = argv[i + 1];
    if (name == "--json") o.json = argv[i + 1];
    if (name == "--repetitions") o.repetitions = std::max(1, std::atoi(argv[i + 1]));
    if (name == "--layers") o.layers = std::atoi(argv[i + 1]) != 0;
    if (name == "--threads") o.threads = std::atoi(argv[i + 1]) != 0;
    if (name == "--only") o.only = argv[i + 1];
    if (name == "--seeds") o.seeds = std::atoi(argv[i + 1]) != 0;
    if (name == "--seconds") o.seconds = std::atof(argv[i + 1]);
  }
  return atml::bench::run(o);
}
