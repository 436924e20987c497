// Rebuilds the table of the architecture problem: trains, quantises, links and emulates every
// network of space.toml. Resumable: each network is a line in WORK/part-I.csv as soon as it is
// known.
//   bench_tabulate WORK [--part I/N] [--seconds S]    measures what is missing of part I (of N)
//   bench_tabulate WORK --out table.csv               joins the parts once all is there
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "../arguments.h"
#include "base/clock.h"
#include "base/files.h"
#include "data/load.h"
#include "deploy/builtin.h"
#include "quantize/evaluate.h"
#include "quantize/quantize.h"
#include "space/decode.h"
#include "tabulated.h"
#include "target/target.h"
#include "train/trainer.h"

namespace {

using namespace atml;

constexpr char kTarget[] = "stm32f103rb";
constexpr std::size_t kTrainSamples = 1600, kValidationSamples = 3000;
constexpr int kEpochs = 3;

struct Options {
  std::string work;
  std::size_t part = 0, parts = 1;
  double seconds = 1e9;
  std::string out;
};

/// The first samples of a seeded shuffle.
data::Split part_of(const data::Split& split, std::size_t count) {
  std::vector<std::size_t> order(split.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  Rng::derive(1, "tabulated subset").shuffle(std::span(order));
  order.resize(std::min(count, order.size()));
  return split.select(order);
}

Result<data::Dataset> small_fashion() {
  ATML_TRY(data::Dataset d, data::load_dataset("fashion-mnist"));
  d.train = part_of(d.train, kTrainSamples);
  d.validation = part_of(d.validation, kValidationSamples);
  return d;
}

Result<double> accuracy(const network::Network& network, const data::Dataset& dataset,
                        const space::Configuration& c, std::uint64_t seed) {
  const space::TrainingChoice choice = space::training_choice(c);
  train::Settings s;
  s.learning_rate = choice.learning_rate;
  s.weight_decay = choice.weight_decay;
  s.batch_size = choice.batch_size;
  s.epochs = kEpochs;
  s.warmup_epochs = 0.3;
  s.ema_decay = 0.96;
  s.seed = seed;
  ATML_TRY(const auto trainer, train::Trainer::create(network, dataset, s));
  train::EpochReport report;
  for (int e = 0; e < kEpochs; ++e) {
    if (trainer->run_epoch(StopToken(), report) != train::TrainEnd::kOk) return 0.1;  // diverged
  }
  ATML_TRY(const auto model, quantize::quantize(network, trainer->weights(), dataset, {}));
  ATML_TRY(const auto score, quantize::evaluate(model, dataset, dataset.validation, StopToken()));
  return score.metric;
}

Result<bench::Entry> measure(const space::Configuration& c, const data::Dataset& dataset,
                             const target::Target& target, deploy::Oracle& oracle) {
  ATML_TRY(const network::Network network, space::decode(c, dataset.shape, dataset.outputs()));
  bench::Entry e;
  const deploy::Deployability d = [&] {
    auto verdict = oracle.check(quantize::random_model(network, 1), target,
                                target::full_limits(target), StopToken());
    ATML_ASSERT(verdict.ok(), verdict.error().message);
    return *verdict;
  }();
  if (!d.computable || d.latency.value <= 0)
    return Error{Code::kUnsupported, fmt::format("{}: no firmware: {}", c.text(), d.reason)};
  e.flash_bytes = d.flash.value;
  e.ram_bytes = d.ram.value;
  e.latency_ms = 1000 * d.latency.value;
  for (std::uint64_t s = 0; s < 2; ++s) {
    ATML_TRY(e.accuracy[s], accuracy(network, dataset, c, s + 1));
  }
  return e;
}

/// All that is in WORK, whoever wrote it.
Result<bench::Table> known(const std::string& work) {
  bench::Table all;
  for (const auto& file : std::filesystem::directory_iterator(work)) {
    // An empty file belongs to a process that has just begun.
    if (file.path().extension() != ".csv" || file.file_size() == 0) continue;
    ATML_TRY(bench::Table part, bench::read_table(file.path().string(), true));
    all.merge(part);
  }
  return all;
}

Status run(const Options& o) {
  ATML_TRY_STATUS(make_directories(o.work));
  ATML_TRY(const space::Space space,
           space::load_space(std::string(ATML_SOURCE_DIR) + "/bench/architectures/space.toml"));
  ATML_TRY(const auto all, bench::enumerate(space));
  ATML_TRY(const bench::Table table, known(o.work));
  std::size_t missing = 0;
  for (const auto& c : all) missing += !table.contains(bench::key_of(space, c));
  fmt::print("{} networks, {} missing\n", all.size(), missing);
  if (!o.out.empty()) {
    if (missing > 0)
      return Error{Code::kNotFound, fmt::format("{} networks are missing in {}", missing, o.work)};
    std::string text = bench::line_of("", {});
    for (const auto& [key, entry] : table) text += bench::line_of(key, entry);
    return write_file(o.out, text);
  }
  ATML_TRY(const data::Dataset dataset, small_fashion());
  ATML_TRY(const target::Target target, target::find_target(kTarget));
  deploy::BuiltinOptions full;
  full.full_figures = true;
  ATML_TRY(const auto oracle, deploy::BuiltinOracle::create(full));
  // A new file each run: a torn last line of a killed run is never written on to.
  const std::string path = fmt::format("{}/part-{}-{}.csv", o.work, o.part, table.size());
  std::ofstream out(path, std::ios::trunc);
  out << bench::line_of("", {}) << std::flush;
  const double start = now_seconds();
  for (std::size_t i = o.part; i < all.size() && now_seconds() - start < o.seconds; i += o.parts) {
    const std::string key = bench::key_of(space, all[i]);
    if (table.contains(key)) continue;
    ATML_TRY(const bench::Entry e, measure(all[i], dataset, target, *oracle));
    out << bench::line_of(key, e) << std::flush;
    if (!out) return Error{Code::kIo, fmt::format("cannot write {}", path)};
  }
  return {};
}

constexpr char kUsage[] =
    R"(usage: bench_tabulate WORK [--part I/N] [--seconds S]    measures what is missing of part I of N
       bench_tabulate WORK --out FILE                    joins the parts once all is there
)";

Result<Options> parse(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-')
    return Error{Code::kInvalidArgument, "the first argument must be the folder of the parts"};
  Options o;
  o.work = argv[1];
  const auto part = [&](const std::string& value) -> Status {
    if (std::sscanf(value.c_str(), "%zu/%zu", &o.part, &o.parts) == 2 && o.part < o.parts)
      return {};
    return Error{Code::kInvalidArgument,
                 fmt::format("must be I/N with I from 0 to N - 1, not '{}'", value)};
  };
  const Status read = bench::read_arguments(argc - 1, argv + 1,
                                            {{"--part", {part}},
                                             {"--seconds", bench::seconds_option(o.seconds)},
                                             {"--out", bench::text_option(o.out)}});
  ATML_TRY_STATUS(read);
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  if (bench::asks_for_help(argc, argv)) return std::fputs(kUsage, stdout) < 0;
  const auto options = parse(argc, argv);
  const Status status = options.ok() ? run(*options) : Status(options.error());
  if (!status.ok()) fmt::print(stderr, "bench_tabulate: {}\n", status.error().message);
  return status.ok() ? 0 : 2;
}
