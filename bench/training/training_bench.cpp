// Samples per second of one training step (forward, backward, AdamW) beside PyTorch's, same
// networks, same batch, one thread each. Both are measured in CPU time of the thread, medians of
// the repetitions, so that other programs on the machine disturb them little and equally.
//
//   training_bench [--peer PYTHON] [--repetitions N] [--seconds S] [--layers 0|1] [--threads 0|1]
//                  [--json FILE]
// PYTHON is the interpreter of an environment made by make_venv.sh; without it only ours is
// measured. --layers (on): which share of the machine's sgemm (the peer's, else our own product)
// each kind of layer reaches, forward and backward. --threads (off; wants an idle machine): two
// networks on two threads, and one network on two.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <string>
#include <thread>

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
  bool layers = true;
  bool threads = false;
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

double wall_seconds() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// One network with random data, ready to take training steps.
class Stepper {
 public:
  Stepper(const network::Network& net, int batch, int threads = 1)
      : classes_(static_cast<int>(net.output_shape().elements())),
        engine_(net, batch, train::best_kernels(), nullptr, threads),
        optimiser_(train::Settings{}),
        loss_(data::Task::kClassification, classes_, 0),
        score_(data::Task::kClassification, classes_) {
    engine_.set_threads(threads);
    engine_.initialise(Rng(1));
    optimiser_.prepare(engine_.values().size(), state_);
    Rng rng(2);
    const train::Layout& l = engine_.input().layout;
    for (int ch = 0; ch < l.shape.channels; ++ch)
      for (int g = 0; g < l.groups; ++g)
        for (int y = 0; y < l.shape.height; ++y)
          for (int x = 0; x < l.shape.width * l.lanes; ++x)
            engine_.input().value[l.at(ch, g, y, 0) + x] = static_cast<float>(rng.normal());
    for (int i = 0; i < batch; ++i) {
      split_.labels.push_back(rng.integer(0, classes_ - 1));
      indices_.push_back(static_cast<std::size_t>(i));
    }
  }
  void step() {
    engine_.forward(true);
    loss_.run(engine_, split_, indices_, indices_.size(), true, {}, {}, score_);
    engine_.backward();
    optimiser_.step(engine_, state_, 1e-3);
  }
  void passes() {  // forward and backward with whatever gradient is there
    engine_.forward(true);
    engine_.backward();
  }

 private:
  int classes_;
  train::Engine engine_;
  train::Optimiser optimiser_;
  train::State state_;
  train::Loss loss_;
  train::Score score_;
  data::Split split_;
  std::vector<std::size_t> indices_;
};

// Calls of `work` a second of the clock, the median of the repetitions.
template <class Clock, class Work>
double rate_of(const Options& o, Clock clock, Work work) {
  const train::FlushDenormals flush;
  for (int i = 0; i < 10; ++i) work();
  std::vector<double> rates;
  for (int r = 0; r < o.repetitions; ++r) {
    const double start = clock();
    int count = 0;
    do {
      work();
      ++count;
    } while (clock() - start < o.seconds);
    rates.push_back(count / (clock() - start));
  }
  return median(rates);
}

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

// ---- Layers: what share of the machine's sgemm each kind reaches

struct LayerCase {
  const char* name;
  Shape input;
  network::Op op;
  const char* limit;
};

std::vector<LayerCase> layer_cases() {
  using network::Window;
  return {
      {"conv 3x3, 16 -> 16", {32, 32, 16}, network::Conv{16, Window{3, 3}}, "multiplications"},
      {"conv 3x3, 64 -> 64", {8, 8, 64}, network::Conv{64, Window{3, 3}}, "multiplications"},
      {"conv 3x3, 1 -> 8",
       {28, 28, 1},
       network::Conv{8, Window{3, 3}},
       "nine products a load and store of the output"},
      {"conv 5x1, 16 -> 32", {64, 1, 16}, network::Conv{32, Window{5, 1, 2, 1}}, "multiplications"},
      {"pointwise 64 -> 64",
       {25, 5, 64},
       network::Conv{64, Window{}},
       "loads of activations from the second-level cache"},
      {"pointwise 8 -> 16",
       {14, 14, 8},
       network::Conv{16, Window{}},
       "loads and stores: 8 products an input vector"},
      {"depthwise 3x3, 64",
       {25, 5, 64},
       network::Depthwise{1, Window{3, 3}},
       "one load a product; sums over lanes of short planes"},
      {"depthwise 3x3/2, 8",
       {28, 28, 8},
       network::Depthwise{1, Window{3, 3, 2, 2}},
       "one load a product; strided stores backward"},
      {"dense 64 -> 32",
       {1, 1, 64},
       network::Dense{32},
       "two vectors a weight at batch 32: sums over lanes and their stores"},
  };
}

// Both have a normalisation first, so that the layer's data gradient is wanted; the difference is
// the layer.
network::Network around(const LayerCase& c, bool with) {
  network::Network net(c.input);
  (void)net.add(network::BatchNorm{}, {0});
  if (with) (void)net.add(c.op, {net.last()});
  return net;
}

Json layer_table(const Options& o, double peak) {
  constexpr int kBatch = 32;
  Json rows = Json::array();
  std::printf("\n%-20s %9s %8s   limited by   (peak %.1f GFLOP/s)\n", "layer", "GFLOP/s", "of peak",
              peak / 1e9);
  for (const LayerCase& c : layer_cases()) {
    Stepper with(around(c, true), kBatch), without(around(c, false), kBatch);
    const double seconds = 1 / rate_of(o, cpu_seconds, [&] { with.passes(); }) -
                           1 / rate_of(o, cpu_seconds, [&] { without.passes(); });
    const double work = 6.0 * static_cast<double>(around(c, true).macs().value) * kBatch;
    const double speed = work / std::max(seconds, 1e-9);
    std::printf("%-20s %9.1f %7.0f%%   %s\n", c.name, speed / 1e9, 100 * speed / peak, c.limit);
    Json row = Json::object();
    row.set("name", c.name).set("gflops", speed / 1e9).set("of_peak", speed / peak);
    rows.push(row.set("limit", c.limit));
  }
  return rows;
}

// Without a peer: our own product, all in the first-level cache.
double own_peak(const Options& o) {
  LayerCase c{"", {5, 5, 64}, network::Conv{64, network::Window{}}, ""};
  Stepper with(around(c, true), 16);
  Stepper without(around(c, false), 16);
  const double seconds = 1 / rate_of(o, cpu_seconds, [&] { with.passes(); }) -
                         1 / rate_of(o, cpu_seconds, [&] { without.passes(); });
  return 6.0 * static_cast<double>(around(c, true).macs().value) * 16 / seconds;
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
  if (o.layers) {
    const double peak = peers.contains("sgemm") ? peers["sgemm"] : own_peak(o);
    const Json table =
        layer_table(o, peak);  // named: a range-for does not keep the document of items() alive
    for (const Json& row : table.items()) rows.push(row);
  }
  if (o.threads) {
    const Json table =
        thread_table(cases, o);  // named: a range-for does not keep the document of items() alive
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
    if (name == "--seconds") o.seconds = std::atof(argv[i + 1]);
  }
  return atml::bench::run(o);
}
