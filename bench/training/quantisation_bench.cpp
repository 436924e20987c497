// What quantisation costs, after training and after fine tuning: one network a data set, several
// seeds; test metrics of float, int8 and 4-bit weights (in every layer). "float equal" is the float
// network trained for as many epochs as training and fine tuning have together, "int8 equal" the
// int8 model of that, without fine tuning: what a search does with 8-bit weights.
//
//   quantisation_bench DATA [--epochs N] [--tune N] [--samples N] [--seeds FIRST,LAST] [--json
//   FILE]
// Rows of an existing FILE are kept, seeds that it holds are skipped: long runs can be cut in
// pieces. DATA: fashion-mnist or a folder with a dataset.toml.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/files.h"
#include "base/json.h"
#include "data/load.h"
#include "quantize/evaluate.h"
#include "quantize/fine_tune.h"
#include "space/decode.h"
#include "space/space.h"
#include "subset.h"
#include "train/trainer.h"

namespace atml::bench {
namespace {

struct Options {
  std::string data, json;
  int epochs = 8, tune = 2, first = 1, last = 5, samples = 1000000000;
};

network::Network with_bits(const network::Network& net, int bits) {
  network::Network copy(net.input_shape());
  for (int i = 1; i < net.size(); ++i) {
    network::Op op = net.layer(i).op;
    std::visit(
        [&](auto& o) {
          if constexpr (requires { o.weight_bits; }) o.weight_bits = bits;
        },
        op);
    (void)copy.add(op, net.layer(i).inputs, net.layer(i).name);
  }
  return copy;
}

Result<double> test_metric(const quantize::Int8Model& model, const data::Dataset& d) {
  ATML_TRY(const quantize::Score score, quantize::evaluate(model, d, d.test, {}));
  return score.metric;
}

Result<train::Weights> train_float(const network::Network& net, const data::Dataset& d,
                                   const train::Settings& s, Json& row, const char* key) {
  ATML_TRY(const auto trainer, train::Trainer::create(net, d, s));
  train::EpochReport report;
  for (int e = 0; e < s.epochs; ++e) trainer->run_epoch({}, report);
  row.set(key, trainer->evaluate(d.test).metric);
  return trainer->weights();
}

Result<Json> measure(const Options& o, const data::Dataset& d, const network::Network& net,
                     int seed) {
  Json row = Json::object();
  row.set("name", d.name).set("seed", seed).set("epochs", o.epochs).set("tune", o.tune);
  row.set("samples", static_cast<std::int64_t>(d.train.size()));
  train::Settings s;
  s.epochs = o.epochs;
  s.learning_rate = 4e-3;
  s.weight_decay = 2e-3;
  s.batch_size = 64;
  s.ema_decay = 0.98;
  s.seed = static_cast<std::uint64_t>(seed);
  ATML_TRY(const train::Weights weights, train_float(net, d, s, row, "float"));
  train::Settings longer = s;
  longer.epochs += o.tune;
  ATML_TRY(const train::Weights longest, train_float(net, d, longer, row, "float_equal"));
  ATML_TRY(const auto rounded, quantize::quantize(net, longest, d, {}));
  ATML_TRY(const double untuned, test_metric(rounded, d));
  row.set("int8_equal", untuned);
  for (const int bits : {8, 4}) {
    const network::Network narrow = with_bits(net, bits);
    ATML_TRY(const auto plain, quantize::quantize(narrow, weights, d, {}));
    ATML_TRY(const double before, test_metric(plain, d));
    quantize::FineTuneOptions options;
    options.epochs = o.tune;
    options.learning_rate = (bits == 8 ? 0.1 : 0.3) * s.learning_rate;
    ATML_TRY(const auto tuned, quantize::fine_tune(narrow, weights, d, s, options, {}));
    ATML_TRY(const double after, test_metric(tuned.model, d));
    row.set(fmt::format("int{}_after_training", bits), before);
    row.set(fmt::format("int{}_fine_tuned", bits), after);
  }
  return row;
}

void print_row(const Json& r) {
  std::printf("%-16s %6lld %8.2f %11.2f %10.2f %10.2f %10.2f %10.2f %10.2f\n",
              r["name"].string().c_str(), static_cast<long long>(r["seed"].integer()),
              100 * r["float"].number(), 100 * r["float_equal"].number(),
              100 * r["int8_equal"].number(), 100 * r["int8_after_training"].number(),
              100 * r["int8_fine_tuned"].number(), 100 * r["int4_after_training"].number(),
              100 * r["int4_fine_tuned"].number());
}

Status run(const Options& o) {
  Json rows = Json::array();
  if (std::filesystem::exists(o.json)) {
    ATML_TRY(const std::string text, read_file(o.json));
    ATML_TRY(const Json old, Json::parse(text));
    for (const Json& r : old["rows"].items()) rows.push(r);
  }
  ATML_TRY(data::Dataset d, data::load_dataset(o.data, {}));
  keep_first(d, static_cast<std::size_t>(o.samples));
  ATML_TRY(const space::Space space, space::load_space(space::default_space_name(d.shape)));
  ATML_TRY(const network::Network net,
           space::decode(space.default_configuration(), d.shape, d.outputs()));
  for (int seed = o.first; seed <= o.last; ++seed) {
    bool known = false;
    for (const Json& r : rows.items())
      known |= r["name"].string() == d.name && r["seed"].integer() == seed;
    if (known) continue;
    ATML_TRY(Json row, measure(o, d, net, seed));
    rows.push(row);
    if (o.json.empty()) continue;
    Json file = Json::object();
    file.set("schema", 1).set("rows", rows);
    ATML_TRY_STATUS(write_file(o.json, file.dump(1) + "\n"));
  }
  std::printf("%-16s %6s %8s %11s %10s %10s %10s %10s %10s   (test, %%)\n", "data", "seed", "float",
              "float equal", "int8 equal", "int8", "int8 tuned", "int4", "int4 tuned");
  double loss8 = 0, loss4 = 0, untuned8 = 0;
  int count = 0;
  for (const Json& r : rows.items()) {
    print_row(r);
    if (r["name"].string() != d.name) continue;
    ++count;
    untuned8 += 100 * (r["float_equal"].number() - r["int8_equal"].number());
    loss8 += 100 * (r["float_equal"].number() - r["int8_fine_tuned"].number());
    loss4 += 100 * (r["float_equal"].number() - r["int4_fine_tuned"].number());
  }
  std::printf(
      "%s: mean loss against float at equal epochs, points: int8 %.2f, fine tuned %.2f (bar "
      "0.5), 4-bit fine tuned %.2f (bar 1.5)\n",
      d.name.c_str(), untuned8 / count, loss8 / count, loss4 / count);
  return {};
}

}  // namespace
}  // namespace atml::bench

int main(int argc, char** argv) {
  atml::bench::Options o;
  if (argc > 1) o.data = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--epochs") o.epochs = std::atoi(argv[i + 1]);
    if (name == "--samples") o.samples = std::atoi(argv[i + 1]);
    if (name == "--tune") o.tune = std::atoi(argv[i + 1]);
    if (name == "--json") o.json = argv[i + 1];
    if (name == "--seeds") std::sscanf(argv[i + 1], "%d,%d", &o.first, &o.last);
  }
  const atml::Status status = atml::bench::run(o);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return 2;
}
