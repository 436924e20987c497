// Samples per second of one training step (forward, backward, AdamW) beside PyTorch's, same
// networks, same batch, one thread each. Both are measured in CPU time of the thread, medians of
// the repetitions, so that other programs on the machine disturb them little and equally.
//
//   training_bench [--peer PYTHON] [--repetitions N] [--seconds S] [--json FILE]
// PYTHON is the interpreter of an environment made by make_venv.sh; without it only ours is
// measured.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <string>

#include "base/files.h"
#include "base/json.h"
#include "base/process.h"
#include "networks.h"
#include "train/denormals.h"
#include "train/engine.h"
#include "train/loss.h"
#include "train/optimiser.h"

namespace atml::bench {
namespace {

struct Options {
  std::string peer;
  std::string json;
  int repetitions = 5;
  double seconds = 0.5;
};

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

// Floating-point operations of a training step for one sample: forward, weight and data gradients
// of every layer, without the data gradient of the first.
double flops(const network::Network& net) {
  double first = 0;
  for (int i = 0; i < net.size() && first == 0; ++i) first = static_cast<double>(net.macs(i).value);
  return 6 * static_cast<double>(net.macs().value) - 2 * first;
}

double our_rate(const Case& c, const Options& o) {
  const train::FlushDenormals flush;
  train::Engine engine(c.network, c.batch, train::best_kernels());
  engine.initialise(Rng(1));
  const int classes = static_cast<int>(c.network.output_shape().elements());
  train::Settings settings;
  train::Optimiser optimiser(settings);
  train::State state;
  optimiser.prepare(engine.values().size(), state);
  train::Loss loss(data::Task::kClassification, classes, 0);
  data::Split split;
  std::vector<std::size_t> indices;
  Rng rng(2);
  const train::Layout& l = engine.input().layout;
  for (int ch = 0; ch < l.shape.channels; ++ch)
    for (int g = 0; g < l.groups; ++g)
      for (int y = 0; y < l.shape.height; ++y)
        for (int x = 0; x < l.shape.width * l.lanes; ++x)
          engine.input().value[l.at(ch, g, y, 0) + x] = static_cast<float>(rng.normal());
  for (int i = 0; i < c.batch; ++i) {
    split.labels.push_back(rng.integer(0, classes - 1));
    indices.push_back(static_cast<std::size_t>(i));
  }
  train::Score score(data::Task::kClassification, classes);
  const auto step = [&] {
    engine.forward(true);
    loss.run(engine, split, indices, indices.size(), true, {}, {}, score);
    engine.backward();
    optimiser.step(engine, state, 1e-3);
  };
  for (int i = 0; i < 10; ++i) step();
  std::vector<double> rates;
  for (int r = 0; r < o.repetitions; ++r) {
    const double start = cpu_seconds();
    int count = 0;
    do {
      step();
      ++count;
    } while (cpu_seconds() - start < o.seconds);
    rates.push_back(count * c.batch / (cpu_seconds() - start));
  }
  return median(rates);
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
  const std::vector<Case> cases = training_cases();
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
    if (name == "--seconds") o.seconds = std::atof(argv[i + 1]);
  }
  return atml::bench::run(o);
}
