// Samples per second of one training step (forward, backward, AdamW) beside PyTorch's, same
// networks, same batch, one thread each. Both are measured in CPU time of the thread, medians of
// the repetitions, so that other programs on the machine disturb them little and equally.
//
//   training_bench [--peer PYTHON] [--repetitions N] [--seconds S] [--layers 0|1] [--threads 0|1]
//                  [--seeds 0|1] [--only PART_OF_A_NAME] [--kernels NAME] [--json FILE]
// PYTHON is the interpreter of an environment made by make_venv.sh; without it only ours is
// measured. --layers (on): which share of the machine's best measured sgemm (Eigen's, the peer's,
// our own product) each kind of layer reaches, forward and backward, and what limits it. --threads
// (off; wants an idle machine): two networks on two threads, and one network on two. --seeds (off):
// what training several seeds in one pass could gain. --kernels: portable, avx2, avx512 or neon
// instead of the best.
#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <functional>
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

// ---- Threads: wall time in paired slices
//
// Another program on the machine slows whichever leg it meets, so that legs measured one after the
// other give any ratio. Here short slices alternate: one network alone, two at once (started
// together, each counted over its own steps), one network alone again, one network on two threads.
// A ratio is that of a slice to the mean of the single slices before and after it, the result the
// median of all ratios.

// A second thread that works on demand.
class Partner {
 public:
  Partner() : thread_([this] { serve(); }) {}
  ~Partner() {
    work_ = nullptr;
    round_.fetch_add(1);
    round_.notify_all();
    thread_.join();
  }
  void start(std::function<void()> work) {
    work_ = std::move(work);
    done_ = false;
    round_.fetch_add(1);
    round_.notify_all();
  }
  void finish() const { done_.wait(false); }

 private:
  void serve() {
    const train::FlushDenormals flush;
    for (int seen = 0;; ++seen) {
      round_.wait(seen);
      if (!work_) return;
      work_();
      done_ = true;
      done_.notify_all();
    }
  }
  std::function<void()> work_;
  std::atomic<int> round_{0};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

// Steps a second of a slice, by the wall's clock and by the threads' own.
struct Rate {
  double wall = 0;
  double cpu = 0;
};

Rate slice(Stepper& stepper, double stop) {
  const double start = wall_seconds(), cpu_start = cpu_seconds();
  int count = 0;
  do {
    stepper.step();
    ++count;
  } while (wall_seconds() < stop);
  return {count / (wall_seconds() - start), count / (cpu_seconds() - cpu_start)};
}

Rate slice_of_two(Stepper& own, Stepper& other, Partner& partner, double seconds) {
  std::atomic<int> ready{0};
  std::atomic<double> stop{0};
  Rate second;
  partner.start([&] {
    ready = 1;
    while (stop == 0) {
    }
    second = slice(other, stop);
  });
  while (ready == 0) {
  }
  stop = wall_seconds() + seconds;
  const Rate first = slice(own, stop);
  partner.finish();
  return {first.wall + second.wall, first.cpu + second.cpu};
}

struct Scaling {
  double one = 0, two = 0, shared = 0;  // samples/s, medians
  double scaling = 0, sharing = 0;      // medians of the paired ratios
  double cpu_scaling = 0;               // the same in CPU time: what the two take from each other
};

Scaling scaling_of(const Case& c, const Options& o, int pairs) {
  const train::FlushDenormals flush;
  Stepper first(c.network, c.batch), second(c.network, c.batch), wide(c.network, c.batch, 2);
  Partner partner;
  const auto alone = [&](Stepper& s, double seconds) {
    const Rate r = slice(s, wall_seconds() + seconds);
    return Rate{c.batch * r.wall, c.batch * r.cpu};
  };
  // At least thirty steps, so that the last of a slice, which may run alone, hardly counts.
  const double seconds =
      std::max(o.seconds / 3, 30 * c.batch / std::max(1.0, alone(first, o.seconds / 3).wall));
  alone(second, seconds / 3);
  alone(wide, seconds / 3);
  std::vector<double> ones, twos, wides, scaling, sharing, cpu_scaling;
  Rate before = alone(first, seconds);
  for (int i = 0; i < pairs; ++i) {
    const Rate both = slice_of_two(first, second, partner, seconds);
    const Rate between = alone(first, seconds);
    const double shared = alone(wide, seconds).wall;
    const Rate after = alone(first, seconds);
    ones.push_back(between.wall);
    twos.push_back(c.batch * both.wall);
    wides.push_back(shared);
    scaling.push_back(2 * c.batch * both.wall / (before.wall + between.wall));
    cpu_scaling.push_back(2 * c.batch * both.cpu / (before.cpu + between.cpu));
    sharing.push_back(2 * shared / (between.wall + after.wall));
    before = after;
  }
  return {median(ones),    median(twos),    median(wides),
          median(scaling), median(sharing), median(cpu_scaling)};
}

Json thread_table(const std::vector<Case>& cases, const Options& o) {
  Json rows = Json::array();
  const int pairs = 2 * o.repetitions + 1;
  std::printf(
      "\nThreads, wall time; times: median of %d ratios of a slice to the mean of the single "
      "slices\n"
      "beside it; (cpu): the same by the CPU time of each thread, without what other programs "
      "take\n"
      "%-18s %12s %14s %7s %7s %14s %7s\n",
      pairs, "network", "1 x 1 thread", "2 x 1 thread", "times", "(cpu)", "1 x 2 threads", "times");
  for (const Case& c : cases) {
    const Scaling s = scaling_of(c, o, pairs);
    std::printf("%-18s %12.0f %14.0f %7.2f %7.2f %14.0f %7.2f\n", c.name.c_str(), s.one, s.two,
                s.scaling, s.cpu_scaling, s.shared, s.sharing);
    Json row = Json::object();
    row.set("name", c.name + " threads").set("one", s.one).set("two_networks", s.two);
    row.set("two_threads", s.shared).set("scaling", s.scaling).set("sharing", s.sharing);
    row.set("pairs", pairs).set("cpu_scaling", s.cpu_scaling);
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

bool choose_kernels(const std::string& name) {
  int count = 0;
  const train::Kernels* const* all = train::available_kernels(&count);
  std::string names;
  for (int i = 0; i < count; ++i) {
    if (name == all[i]->name) {
      measured_kernels() = all[i];
      return true;
    }
    names += std::string(i > 0 ? ", " : "") + all[i]->name;
  }
  std::fprintf(stderr, "--kernels '%s': this processor has %s\n", name.c_str(), names.c_str());
  return false;
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
              "ratio", "GFLOP/s", measured_kernels()->name);
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
    if (name == "--kernels" && !atml::bench::choose_kernels(argv[i + 1])) return 2;
    if (name == "--seconds") o.seconds = std::atof(argv[i + 1]);
  }
  return atml::bench::run(o);
}
