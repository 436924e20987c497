// Our half of quality.py: trains one of the benchmark's networks with several seeds and writes the
// test metric of each; exports data, network and settings for the twin.
//
//   quality_bench DATA NETWORK EPOCHS SAMPLES FIRST_SEED LAST_SEED FOLDER
// NETWORK: index into training_cases(). SAMPLES: at most so many training samples (the first ones).
// FOLDER gets x_train.f32, x_test.f32 (normalised, HWC), y_train.i32, y_test.i32, network.txt and
// settings.json; one line of JSON a seed goes to standard output.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "data/load.h"
#include "networks.h"
#include "subset.h"
#include "train/trainer.h"

namespace atml::bench {
namespace {

template <class T>
Status write_numbers(const std::filesystem::path& path, const std::vector<T>& v) {
  return write_file(path, {reinterpret_cast<const char*>(v.data()), v.size() * sizeof(T)});
}

std::vector<float> values_of(const data::Split& split, std::size_t size) {
  std::vector<float> values(split.size() * size);
  for (std::size_t i = 0; i < split.size(); ++i) split.x.read(i, {values.data() + i * size, size});
  return values;
}

Status export_split(const std::filesystem::path& folder, const char* name, const data::Dataset& d,
                    const data::Split& split) {
  const auto size = static_cast<std::size_t>(d.shape.elements());
  std::vector<float> values = values_of(split, size);
  for (std::size_t i = 0; i < split.size(); ++i)
    d.normalisation.apply(std::span(values).subspan(i * size, size));
  ATML_TRY_STATUS(write_numbers(folder / fmt::format("x_{}.f32", name), values));
  return write_numbers(folder / fmt::format("y_{}.i32", name), split.labels);
}

Status run(char** argv) {
  ATML_TRY(data::Dataset d, data::load_dataset(argv[1], {}));
  const std::vector<Case> cases = training_cases();
  const Case& c = cases.at(static_cast<std::size_t>(std::atoi(argv[2])));
  keep_first(d, static_cast<std::size_t>(std::atoi(argv[4])));
  train::Settings s;
  s.epochs = std::atoi(argv[3]);
  s.batch_size = 32;
  s.weight_decay = 1e-3;
  const std::filesystem::path folder = argv[7];
  ATML_TRY_STATUS(make_directories(folder));
  ATML_TRY_STATUS(export_split(folder, "train", d, d.train));
  ATML_TRY_STATUS(export_split(folder, "test", d, d.test));
  ATML_TRY_STATUS(write_file(folder / "network.txt", c.network.text()));
  Json settings = Json::object();
  settings.set("epochs", s.epochs).set("batch", s.batch_size).set("rate", s.learning_rate);
  settings.set("decay", s.weight_decay).set("warmup", s.warmup_epochs).set("name", d.name);
  ATML_TRY_STATUS(write_file(folder / "settings.json", settings.dump()));
  for (int seed = std::atoi(argv[5]); seed <= std::atoi(argv[6]); ++seed) {
    s.seed = static_cast<std::uint64_t>(seed);
    ATML_TRY(const auto trainer, train::Trainer::create(c.network, d, s));
    train::EpochReport report;
    for (int e = 0; e < s.epochs; ++e) trainer->run_epoch({}, report);
    std::printf("{\"seed\": %d, \"test\": %.6f}\n", seed, trainer->evaluate(d.test).metric);
    std::fflush(stdout);
  }
  return {};
}

}  // namespace
}  // namespace atml::bench

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "usage: quality_bench DATA NETWORK EPOCHS SAMPLES FIRST LAST FOLDER\n");
    return 2;
  }
  const atml::Status status = atml::bench::run(argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return 2;
}
