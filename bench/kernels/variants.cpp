#include "variants.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "codegen/kernel_variants.h"
#include "codegen/lowering.h"
#include "deploy/builtin.h"
#include "quantize/quantize.h"
#include "target/target.h"

namespace atml::bench {
namespace {

using codegen::Optimize;
constexpr std::array kBuilds{Optimize::kSpeed, Optimize::kBalanced, Optimize::kSize};

struct Core {
  const char* name;
  const char* target;
};
constexpr std::array<Core, 5> kCores{{{"M4", "stm32l4r5zi"},
                                      {"M0+", "rp2040"},
                                      {"M33", "stm32u575zi"},
                                      {"M55", "mps3-an547"},
                                      {"RV32IMC", "esp32-c3"}}};

struct Layer {
  std::string name;
  Shape input;
  network::Op op;
};

std::string kernel_text(const network::Window& w) {
  return fmt::format("{}x{}{}", w.kernel_h, w.kernel_w,
                     w.stride_h > 1 ? fmt::format("/{}", w.stride_h) : "");
}

Layer convolution(Shape in, int outputs, network::Window w, int bits = 8) {
  const char* kind = w.kernel_h == 1 ? "pointwise" : "conv";
  const std::string size = w.kernel_h == 1 ? "" : kernel_text(w) + ", ";
  return {
      fmt::format("{} {}{} -> {}{}", kind, size, in.text(), outputs, bits == 4 ? ", 4 bits" : ""),
      in, network::Conv{outputs, w, true, bits}};
}

Layer depthwise(Shape in, network::Window w, int bits = 8) {
  return {fmt::format("depthwise {}, {}{}", kernel_text(w), in.text(), bits == 4 ? ", 4 bits" : ""),
          in, network::Depthwise{1, w, true, bits}};
}

Layer dense(int inputs, int outputs, int bits = 8) {
  return {fmt::format("dense {} -> {}{}", inputs, outputs, bits == 4 ? ", 4 bits" : ""),
          {1, 1, inputs},
          network::Dense{outputs, true, bits}};
}

std::vector<Layer> layers() {
  using namespace network;
  const Window one, three{3, 3}, strided{3, 3, 2, 2}, halves{2, 2, 2, 2};
  Window along{5, 1}, along_strided{9, 1, 2, 1};
  std::vector<Layer> list{
      convolution({24, 24, 3}, 8, three),
      convolution({24, 24, 3}, 8, strided),
      convolution({12, 12, 8}, 16, three),
      convolution({8, 8, 32}, 32, three),
      convolution({8, 8, 32}, 32, strided),
      convolution({4, 4, 64}, 64, three),
      convolution({8, 8, 16}, 24, three, 4),
      convolution({128, 1, 3}, 8, along),
      convolution({128, 1, 3}, 8, along_strided),
      convolution({64, 1, 16}, 16, along),
      convolution({24, 24, 8}, 16, one),
      convolution({8, 8, 64}, 64, one),
      convolution({3, 3, 128}, 128, one),
      convolution({8, 8, 6}, 5, one),
      convolution({8, 8, 64}, 64, one, 4),
      dense(13, 32),
      dense(256, 64),
      dense(640, 128),
      dense(256, 64, 4),
      depthwise({24, 24, 8}, three),
      depthwise({12, 12, 32}, three),
      depthwise({24, 24, 16}, strided),
      depthwise({6, 6, 64}, three),
      depthwise({3, 3, 128}, three),
      depthwise({6, 6, 64}, strided),
      depthwise({12, 12, 30}, three),
      depthwise({128, 1, 16}, along),
      depthwise({64, 1, 32}, Window{3, 1}),
      depthwise({59, 1, 96}, Window{9, 1}),
      depthwise({118, 1, 96}, along_strided),
      depthwise({6, 1, 64}, along),
      depthwise({16, 16, 16}, Window{5, 5}),
      depthwise({12, 12, 32}, three, 4),
      depthwise({3, 3, 128}, three, 4),
  };
  list.push_back({"add, 16x16x16", {16, 16, 16}, Add{}});
  list.push_back({"max pool 2x2, 16x16x16", {16, 16, 16}, MaxPool{halves}});
  list.push_back({"max pool 3x3, 16x16x16", {16, 16, 16}, MaxPool{three}});
  list.push_back({"average pool 2x2, 16x16x16", {16, 16, 16}, AveragePool{halves}});
  list.push_back({"global average, 8x8x64", {8, 8, 64}, GlobalAveragePool{}});
  return list;
}

struct Figures {
  std::int64_t instructions = 0, cycles = 0, flash = 0;
};

// One kernel of a layer in the three builds.
struct Row {
  std::string kernel;
  std::array<Figures, 3> builds;
  std::array<bool, 3> chosen{};
};

class Bench {
 public:
  Result<std::vector<Row>> measure(const Layer& layer, const target::Target& target) {
    network::Network net(layer.input);
    const bool sum = std::holds_alternative<network::Add>(layer.op);
    ATML_TRY(const int last, net.add(layer.op, sum ? std::vector<int>{0, 0} : std::vector<int>{0}));
    (void)last;
    const auto model = quantize::random_model(net, 1);
    ATML_TRY(const auto choices, codegen::choose_kernels(model));
    std::array<std::string, kBuilds.size()> chosen;
    for (std::size_t b = 0; b < kBuilds.size(); ++b) {
      codegen::Options options;
      options.optimize = kBuilds[b];
      options.streaming = codegen::Streaming::kOff;
      ATML_TRY(const auto firmware, codegen::generate(model, target, options));
      chosen[b] = firmware.ops.back().kernel;
    }
    std::vector<Row> rows;
    for (const auto& c :
         codegen::kernel_variants(model, model.ops.back(), target, choices.back())) {
      Row row{.kernel = std::string(codegen::function_name(c.kernel))};
      for (std::size_t b = 0; b < kBuilds.size(); ++b) {
        ATML_TRY(row.builds[b], figures(model, target, kBuilds[b], row.kernel));
        row.chosen[b] = chosen[b] == row.kernel;
      }
      rows.push_back(row);
    }
    return rows;
  }

 private:
  Result<Figures> figures(const quantize::Int8Model& model, const target::Target& target,
                          Optimize optimize, const std::string& kernel) {
    auto& oracle = oracles_[{optimize, kernel}];
    if (oracle == nullptr) {
      deploy::BuiltinOptions options;
      options.optimize = optimize;
      options.streaming = codegen::Streaming::kOff;
      options.kernel = kernel;
      options.inputs = 1;
      options.full_figures = true;
      ATML_TRY(oracle, deploy::BuiltinOracle::create(options));
    }
    ATML_TRY(const auto d, oracle->check(model, target, target::full_limits(target), StopToken{}));
    if (!d.computable)
      return Error{Code::kUnavailable, fmt::format("{} on {}: {}", kernel, target.name, d.reason)};
    const auto& layer = d.layers.back();
    const auto& split = d.flash_split;
    return Figures{layer.instructions.value, layer.cycles.value,
                   (split.weights + split.tables + split.code).value};
  }

  std::map<std::pair<Optimize, std::string>, std::unique_ptr<deploy::BuiltinOracle>> oracles_;
};

std::int64_t least(const std::vector<Row>& rows, std::int64_t Figures::*figure) {
  std::int64_t value = rows[0].builds[0].*figure;
  for (const Row& row : rows) {
    for (const Figures& f : row.builds) value = std::min(value, f.*figure);
  }
  return value;
}

int percent_above(std::int64_t value, std::int64_t best) {
  return static_cast<int>(static_cast<double>(value - best) * 100 / static_cast<double>(best) +
                          0.5);
}

// What the builds choose and how far that is off the best of all kernels in all builds: speed in
// cycles, size in bytes, balance in both.
std::string verdict(const std::vector<Row>& rows, const Row& row) {
  const auto cycles = least(rows, &Figures::cycles), flash = least(rows, &Figures::flash);
  std::vector<std::string> parts;
  for (std::size_t b = 0; b < kBuilds.size(); ++b) {
    if (!row.chosen[b]) continue;
    const Figures& f = row.builds[b];
    const int slower = percent_above(f.cycles, cycles), larger = percent_above(f.flash, flash);
    switch (kBuilds[b]) {
      case Optimize::kSpeed:
        parts.push_back(fmt::format("speed +{} %", slower));
        break;
      case Optimize::kBalanced:
        parts.push_back(fmt::format("balanced +{} %, +{} % B", slower, larger));
        break;
      case Optimize::kSize:
        parts.push_back(fmt::format("size +{} % B", larger));
        break;
    }
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string three(const Row& row, std::int64_t Figures::*figure) {
  return fmt::format("{} / {} / {}", row.builds[0].*figure, row.builds[1].*figure,
                     row.builds[2].*figure);
}

Json json_of(const std::string& core, const std::string& layer, const Row& row) {
  Json json = Json::object();
  json.set("core", core).set("layer", layer).set("kernel", row.kernel);
  for (std::size_t b = 0; b < kBuilds.size(); ++b) {
    const Figures& f = row.builds[b];
    Json figures = Json::object();
    figures.set("instructions", f.instructions)
        .set("cycles", f.cycles)
        .set("flash", f.flash)
        .set("chosen", static_cast<bool>(row.chosen[b]));
    json.set(std::string(codegen::to_string(kBuilds[b])), std::move(figures));
  }
  return json;
}

Status run_core(const Core& core, const std::string& some, Json& json) {
  ATML_TRY(const auto target, target::find_target(core.target));
  fmt::print(
      "\n## {} ({})\n\n| layer | kernel | instructions | cycles | flash, B | chosen by |\n"
      "|---|---|---:|---:|---:|---|\n",
      core.name, core.target);
  Bench bench;
  for (const Layer& layer : layers()) {
    if (layer.name.find(some) == std::string::npos) continue;
    ATML_TRY(const auto rows, bench.measure(layer, target));
    for (const Row& row : rows) {
      fmt::print("| {} | {} | {} | {} | {} | {} |\n", &row == &rows[0] ? layer.name : "",
                 row.kernel.substr(5), three(row, &Figures::instructions),
                 three(row, &Figures::cycles), three(row, &Figures::flash), verdict(rows, row));
      json.push(json_of(core.name, layer.name, row));
    }
    std::fflush(stdout);
  }
  return {};
}

}  // namespace

Status run_variants(const VariantOptions& options) {
  Json rows = Json::array();
  bool found = false;
  for (const Core& core : kCores) {
    if (!options.core.empty() && options.core != core.name) continue;
    found = true;
    ATML_TRY_STATUS(run_core(core, options.layer, rows));
  }
  if (!found) {
    return Error{Code::kInvalidArgument,
                 fmt::format("unknown core '{}'; M4, M0+, M33, M55 or RV32IMC", options.core)};
  }
  if (options.json.empty()) return {};
  Json document = Json::object();
  document.set("schema", 1).set("rows", std::move(rows));
  return write_file(options.json, document.dump(2) + "\n");
}

}  // namespace atml::bench
