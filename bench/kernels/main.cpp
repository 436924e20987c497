// bench/kernels: instructions per multiply-accumulate (per output element where there are none) of
// each kernel on each emulated core, requantisation and packing included; bytes are those of random
// models.
//   bench_kernels [--optimize speed|balanced|size] [--json FILE]
// or, of each layer, all kernels that can compute it in all builds (variants.h):
//   bench_kernels --variants [--core M4|M0+|M33|M55|RV32IMC] [--layer TEXT] [--json FILE]
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <vector>

#include "../arguments.h"
#include "base/files.h"
#include "base/json.h"
#include "deploy/builtin.h"
#include "quantize/quantize.h"
#include "target/target.h"
#include "variants.h"

namespace {

using namespace atml;

struct Options {
  codegen::Optimize optimize = codegen::Optimize::kBalanced;
  bool variants = false;
  std::string core, layer;
  std::string json;
};

struct Case {
  const char* name;
  Shape input;
  network::Op op;
};

std::vector<Case> cases() {
  using namespace network;
  std::vector<Case> list;
  for (const int bits : {8, 4}) {
    const bool eight = bits == 8;
    list.push_back({eight ? "conv 3x3, 16 -> 32" : "conv 3x3, 16 -> 32, 4 bits",
                    {16, 16, 16},
                    Conv{32, Window{3, 3}, true, bits}});
    list.push_back({eight ? "pointwise 64 -> 64" : "pointwise 64 -> 64, 4 bits",
                    {16, 8, 64},
                    Conv{64, Window{}, true, bits}});
    list.push_back({eight ? "depthwise 3x3, 64" : "depthwise 3x3, 64, 4 bits",
                    {16, 16, 64},
                    Depthwise{1, Window{3, 3}, true, bits}});
    list.push_back({eight ? "depthwise 3x3 stride 2, 64" : "depthwise 3x3 stride 2, 64, 4 bits",
                    {16, 16, 64},
                    Depthwise{1, Window{3, 3, 2, 2}, true, bits}});
    list.push_back({eight ? "dense 256 -> 64" : "dense 256 -> 64, 4 bits",
                    {1, 1, 256},
                    Dense{64, true, bits}});
  }
  // Lines: sensor windows and temporal networks over audio features.
  list.push_back({"depthwise 9x1, 59x1x96", {59, 1, 96}, Depthwise{1, Window{9, 1, 1, 1}, true}});
  list.push_back({"depthwise 9x1, 15x1x96", {15, 1, 96}, Depthwise{1, Window{9, 1, 1, 1}, true}});
  list.push_back(
      {"depthwise 9x1 stride 2, 118x1x96", {118, 1, 96}, Depthwise{1, Window{9, 1, 2, 1}, true}});
  list.push_back({"depthwise 5x1, 128x1x16", {128, 1, 16}, Depthwise{1, Window{5, 1, 1, 1}, true}});
  list.push_back(
      {"depthwise 5x1 stride 2, 128x1x16", {128, 1, 16}, Depthwise{1, Window{5, 1, 2, 1}, true}});
  list.push_back({"depthwise 3x1, 64x1x32", {64, 1, 32}, Depthwise{1, Window{3, 1, 1, 1}, true}});
  list.push_back({"max pool 2x2, 32", {16, 16, 32}, MaxPool{Window{2, 2, 2, 2}}});
  list.push_back({"average pool 2x2, 32", {16, 16, 32}, AveragePool{Window{2, 2, 2, 2}}});
  list.push_back({"hard-swish, 32", {16, 16, 32}, Activate{Activation::kHardSwish}});
  list.push_back({"add, 32", {16, 16, 32}, Add{}});
  return list;
}

Result<network::Network> network_of(const Case& c) {
  network::Network net(c.input);
  std::vector<int> inputs{0};
  if (std::holds_alternative<network::Add>(c.op)) {
    ATML_TRY(const int other, net.add(network::MaxPool{network::Window{3, 3}}, {0}));
    inputs.push_back(other);
  }
  ATML_TRY(const int last, net.add(c.op, inputs));
  (void)last;
  return net;
}

// Of the last layer; negative where there is no figure.
Result<double> cost(deploy::Oracle& oracle, const Case& c, const target::Target& target) {
  ATML_TRY(const auto net, network_of(c));
  const auto model = quantize::random_model(net, 1);
  ATML_TRY(const auto verdict,
           oracle.check(model, target, target::full_limits(target), StopToken{}));
  if (!verdict.computable)
    return Error{Code::kUnavailable,
                 fmt::format("{} on {}: {}", c.name, target.name, verdict.reason)};
  const auto& layer = verdict.layers.back();
  const auto work = layer.macs.value > 0 ? layer.macs.value : layer.output.elements();
  return static_cast<double>(layer.instructions.value) / static_cast<double>(work);
}

struct CoreTarget {
  const char* core;
  const char* target;
};
constexpr std::array<CoreTarget, 7> kCores{{{"M0+", "rp2040"},
                                            {"M3", "lpc1768"},
                                            {"M4", "stm32l4r5zi"},
                                            {"M7", "stm32h743zi"},
                                            {"M33", "stm32u575zi"},
                                            {"M55", "mps3-an547"},
                                            {"RV32", "esp32-c3"}}};

Status run(const Options& options) {
  deploy::BuiltinOptions builtin;
  builtin.optimize = options.optimize;
  builtin.full_figures = true;
  ATML_TRY(const auto oracle, deploy::BuiltinOracle::create(builtin));
  fmt::print("instructions per MAC (pools, add, tables: per output element), --optimize {}\n{:<36}",
             codegen::to_string(options.optimize), "kernel");
  for (const CoreTarget& c : kCores) fmt::print("{:>8}", c.core);
  fmt::print("\n");
  Json rows = Json::array();
  for (const Case& c : cases()) {
    Json row = Json::object();
    row.set("name", c.name);
    fmt::print("{:<36}", c.name);
    for (const CoreTarget& core : kCores) {
      ATML_TRY(const auto target, target::find_target(core.target));
      ATML_TRY(const double figure, cost(*oracle, c, target));
      fmt::print("{:>8.2f}", figure);
      std::fflush(stdout);
      row.set(core.core, figure);
    }
    fmt::print("\n");
    rows.push(row);
  }
  if (options.json.empty()) return {};
  Json document = Json::object();
  document.set("schema", 1).set("rows", rows);
  return write_file(options.json, document.dump(2) + "\n");
}

constexpr char kUsage[] =
    R"(usage: bench_kernels [--optimize speed|balanced|size] [--json FILE]
       bench_kernels --variants [--core M4|M0+|M33|M55|RV32IMC] [--layer TEXT] [--json FILE]
)";

Result<Options> parse(int argc, char** argv) {
  Options options;
  const auto optimize = [&](const std::string& value) -> Status {
    ATML_TRY(options.optimize, codegen::parse_optimize(value));
    return {};
  };
  ATML_TRY_STATUS(
      bench::read_arguments(argc, argv,
                            {{"--variants", bench::flag_option([&] { options.variants = true; })},
                             {"--optimize", {optimize}},
                             {"--core", bench::text_option(options.core)},
                             {"--layer", bench::text_option(options.layer)},
                             {"--json", bench::text_option(options.json)}}));
  return options;
}

Status start(const Options& options) {
  return options.variants ? bench::run_variants({options.core, options.layer, options.json})
                          : run(options);
}

}  // namespace

int main(int argc, char** argv) {
  if (bench::asks_for_help(argc, argv)) return std::fputs(kUsage, stdout) < 0;
  const auto options = parse(argc, argv);
  const Status status = options.ok() ? start(*options) : Status(options.error());
  if (status.ok()) return 0;
  fmt::print(stderr, "bench_kernels: {}\n", status.error().message);
  return 2;
}
