// bench/deployment: instructions, flash and RAM of the firmware of reference models beside other
// engines, with a check that the emulated outputs are the golden ones.
// Each model as it was given, then with and without row streaming, and after clean-up, which C from
// a model file gets unless the user says no: peers are compared without, or the comparison would be
// about pruning and not about code. IC and VWW are synthetic where no trained model is given. A
// depthwise network of eight layers shows what --optimize speed|balanced|size trades.
//   bench_deployment [--models FOLDER] [--ic FILE] [--vww FILE] [--target NAME] [--json FILE]
//                    [MODEL.tflite ...]
#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "base/files.h"
#include "base/json.h"
#include "deploy/builtin.h"
#include "deploy/run_model.h"
#include "exchange/tflite.h"
#include "peers.h"
#include "quantize/clean_up.h"
#include "quantize/interpreter.h"
#include "target/target.h"
#include "topologies.h"

namespace {

using namespace atml;

struct Options {
  std::string models = std::string(ATML_SOURCE_DIR) + "/../shared/models";
  std::string ic, vww;  // trained models of the topologies
  std::string target = "stm32l4r5zi";
  std::string json;
  std::vector<std::string> files;  // more models
};

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    if (!key.starts_with("--")) {
      options.files.push_back(key);
      continue;
    }
    if (i + 1 == argc) return false;
    const std::string value = argv[++i];
    if (key == "--models")
      options.models = value;
    else if (key == "--ic")
      options.ic = value;
    else if (key == "--vww")
      options.vww = value;
    else if (key == "--target")
      options.target = value;
    else if (key == "--json")
      options.json = value;
    else
      return false;
  }
  return true;
}

// The generator of the golden outputs: a linear congruential one for inputs 0 and 1, zeros for
// input 2.
std::vector<std::int8_t> golden_inputs(std::size_t size) {
  std::vector<std::int8_t> values;
  for (std::uint32_t r = 0; r < 3; ++r) {
    std::uint32_t x = 12345 + r;
    for (std::size_t i = 0; i < size; ++i) {
      x = x * 1664525u + 1013904223u;
      values.push_back(r == 2 ? std::int8_t{0} : static_cast<std::int8_t>(x >> 24));
    }
  }
  return values;
}

bool outputs_are_golden(const std::vector<std::int8_t>& outputs,
                        const std::array<std::uint32_t, 3>& golden) {
  const std::size_t size = outputs.size() / 3;
  for (std::size_t r = 0; r < 3; ++r) {
    std::uint32_t hash = 2166136261u;
    for (std::size_t i = 0; i < size; ++i)
      hash = (hash ^ static_cast<std::uint8_t>(outputs[r * size + i])) * 16777619u;
    if (hash != golden[r]) return false;
  }
  return true;
}

void print_row(const std::string& model, const bench::PeerFigures& f, const std::string& note) {
  fmt::print("{:<23} {:<27} {:>12} {:>10} {:>8}  {}\n", model, f.engine, f.instructions, f.flash,
             f.ram, note);
}

Json row(const std::string& model, const bench::PeerFigures& f) {
  Json r = Json::object();
  r.set("name", model + " " + f.engine)
      .set("instructions", f.instructions)
      .set("flash", f.flash)
      .set("ram", f.ram);
  return r;
}

struct Case {
  std::string name;
  quantize::Int8Model model;
  std::vector<bench::PeerFigures> peers;
  const std::array<std::uint32_t, 3>* golden = nullptr;  // else the interpreter is the judge
  bool trade = false;                                    // also built for speed and for size
};

struct Variant {
  codegen::Streaming streaming = codegen::Streaming::kAuto;
  bool clean = false;
  codegen::Optimize optimize = codegen::Optimize::kBalanced;
  bool compressed = false;  // weights, by the user's choice
  std::string name() const {
    std::string text = "autotinyml";
    if (optimize != codegen::Optimize::kBalanced)
      text += fmt::format(", {}", codegen::to_string(optimize));
    if (streaming == codegen::Streaming::kOff) text += ", no rows";
    if (streaming == codegen::Streaming::kOn) text += ", rows";
    if (compressed) text += ", compressed";
    return text + (clean ? ", clean-up" : "");
  }
};

// What the reference interpreter computes on the model as it was given.
std::vector<std::int8_t> interpreted(const quantize::Int8Model& model,
                                     const std::vector<std::int8_t>& inputs) {
  quantize::Interpreter interpreter(model);
  const std::size_t in = inputs.size() / 3;
  const auto out = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
  std::vector<std::int8_t> outputs(3 * out);
  for (std::size_t r = 0; r < 3; ++r)
    interpreter.run(std::span(inputs).subspan(r * in, in),
                    std::span(outputs).subspan(r * out, out));
  return outputs;
}

// Flash, RAM and instructions of one variant, and whether its emulated outputs are right.
Status measure(const Case& c, const Variant& variant, const target::Target& target, Json& rows,
               bench::PeerFigures& ours) {
  const quantize::CleanUp clean = quantize::clean_up(c.model);
  const quantize::Int8Model& model = variant.clean ? clean.model : c.model;
  deploy::BuiltinOptions builtin;
  builtin.full_figures = true;
  builtin.streaming = variant.streaming;
  builtin.optimize = variant.optimize;
  builtin.compress_weights = variant.compressed;
  ATML_TRY(const auto oracle, deploy::BuiltinOracle::create(builtin));
  ATML_TRY(const auto verdict,
           oracle->check(model, target, target::full_limits(target), StopToken{}));
  if (!verdict.computable) return Error{Code::kUnavailable, c.name + ": " + verdict.reason};
  const auto inputs =
      golden_inputs(static_cast<std::size_t>(model.tensor(model.input).shape.elements()));
  codegen::Options options;
  options.streaming = variant.streaming;
  options.optimize = variant.optimize;
  options.compress_weights = variant.compressed;
  ATML_TRY(const auto outputs, deploy::run_on_mcu(model, target, inputs, 3, options));
  const bool equal = outputs == interpreted(c.model, inputs) &&
                     (c.golden == nullptr || outputs_are_golden(outputs, *c.golden));
  ours = {variant.name(), verdict.instructions.value, verdict.flash.value, verdict.ram.value};
  std::string note = !equal                ? "OUTPUTS DIFFER"
                     : c.golden != nullptr ? "outputs golden"
                                           : "outputs as interpreted";
  if (variant.clean) {
    note += fmt::format("; {} operators and {} channels fewer", clean.operators_removed,
                        clean.channels_removed);
  }
  for (const auto& g : codegen::plan_memory(model, target, options).groups)
    note += fmt::format("; layers {}-{} by rows, price about {}", g.first_op, g.last_op,
                        g.extra_instructions);
  print_row(c.name, ours, note);
  Json own = row(c.name, ours);
  own.set("golden", equal)
      .set("streaming", std::string(codegen::to_string(variant.streaming)))
      .set("optimize", std::string(codegen::to_string(variant.optimize)))
      .set("compressed", variant.compressed)
      .set("clean_up", variant.clean);
  rows.push(own);
  if (equal) return {};
  return Error{Code::kInvalidArgument, c.name + ": the emulated outputs are not the expected ones"};
}

Status compare(const Case& c, const target::Target& target, Json& rows) {
  std::optional<bench::PeerFigures> base;
  std::vector<Variant> variants{
      {codegen::Streaming::kAuto}, {codegen::Streaming::kOff}, {codegen::Streaming::kOn}};
  if (quantize::clean_up(c.model).changed()) variants.push_back({.clean = true});
  if (codegen::compression_pays(c.model, target, {})) variants.push_back({.compressed = true});
  if (c.trade) {
    for (const auto optimize : {codegen::Optimize::kSpeed, codegen::Optimize::kSize})
      variants.push_back({codegen::Streaming::kAuto, false, optimize});
  }
  for (const Variant& variant : variants) {
    bench::PeerFigures ours;
    ATML_TRY_STATUS(measure(c, variant, target, rows, ours));
    if (!base) base = ours;
  }
  for (const bench::PeerFigures& peer : c.peers) {
    const auto ratio = [](std::int64_t theirs, std::int64_t mine) {
      return static_cast<double>(theirs) / static_cast<double>(mine);
    };
    print_row(c.name, peer,
              fmt::format("{:.2f} x, {:.2f} x, {:.2f} x ours (first row)",
                          ratio(peer.instructions, base->instructions),
                          ratio(peer.flash, base->flash), ratio(peer.ram, base->ram)));
    rows.push(row(c.name, peer));
  }
  return {};
}

Result<quantize::Int8Model> read_model(const std::string& path, const std::string& name) {
  ATML_TRY(const std::string bytes, read_file(path));
  return exchange::read_tflite(bytes, name);
}

Status run(const Options& options) {
  ATML_TRY(const auto target, target::find_target(options.target));
  std::vector<Case> cases;
  for (const bench::ReferenceModel& reference : bench::reference_models()) {
    ATML_TRY(auto model,
             read_model(options.models + "/" + reference.name + ".tflite", reference.name));
    cases.push_back({reference.name, std::move(model), reference.peers, &reference.golden});
  }
  const auto add = [&](const std::string& name, const std::string& trained,
                       quantize::Int8Model (*synthetic)(),
                       std::vector<bench::PeerFigures> peers) -> Status {
    quantize::Int8Model model = synthetic();
    if (!trained.empty()) {
      ATML_TRY(model, read_model(trained, name));
    }
    cases.push_back({(trained.empty() ? "synthetic " : "trained ") + name, std::move(model),
                     std::move(peers), nullptr});
    return {};
  };
  ATML_TRY_STATUS(add("IC", options.ic, bench::image_classification_topology,
                      bench::image_classification_peers()));
  ATML_TRY_STATUS(
      add("VWW", options.vww, bench::visual_wake_words_topology, bench::visual_wake_words_peers()));
  cases.push_back({"8 layers, depthwise", bench::depthwise_topology(), {}, nullptr, true});
  for (const std::string& path : options.files) {
    ATML_TRY(auto model, read_model(path, "model"));
    cases.push_back({path, std::move(model), {}, nullptr});
  }
  fmt::print("{:<23} {:<27} {:>12} {:>10} {:>8}\n", "model", "engine", "instructions", "flash, B",
             "RAM, B");
  Json rows = Json::array();
  for (const Case& c : cases) ATML_TRY_STATUS(compare(c, target, rows));
  if (options.json.empty()) return {};
  Json document = Json::object();
  document.set("schema", 1).set("rows", rows);
  return write_file(options.json, document.dump(2) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    fmt::print(stderr,
               "usage: bench_deployment [--models FOLDER] [--ic FILE] [--vww FILE] [--target NAME] "
               "[--json FILE] [MODEL.tflite ...]\n");
    return 2;
  }
  const Status status = run(options);
  if (status.ok()) return 0;
  fmt::print(stderr, "bench_deployment: {}\n", status.error().message);
  return 2;
}
