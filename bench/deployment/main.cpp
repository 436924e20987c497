// bench/deployment: instructions, flash and RAM of the firmware of reference models beside other
// engines, with a check that the emulated outputs are the golden ones.
//   bench_deployment [--models FOLDER] [--target NAME] [--json FILE]
#include <fmt/format.h>

#include <cstdio>

#include "base/files.h"
#include "base/json.h"
#include "deploy/builtin.h"
#include "deploy/run_model.h"
#include "exchange/tflite.h"
#include "peers.h"
#include "target/target.h"

namespace {

using namespace atml;

struct Options {
  std::string models = std::string(ATML_SOURCE_DIR) + "/../shared/models";
  std::string target = "stm32l4r5zi";
  std::string json;
};

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i];
    if (key == "--models")
      options.models = argv[i + 1];
    else if (key == "--target")
      options.target = argv[i + 1];
    else if (key == "--json")
      options.json = argv[i + 1];
    else
      return false;
  }
  return argc % 2 == 1;
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
  fmt::print("{:<6} {:<24} {:>12} {:>10} {:>8}  {}\n", model, f.engine, f.instructions, f.flash,
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

Status measure(const bench::ReferenceModel& reference, const Options& options,
               const target::Target& target, Json& rows,
               codegen::Streaming streaming = codegen::Streaming::kOff) {
  ATML_TRY(const std::string bytes, read_file(options.models + "/" + reference.name + ".tflite"));
  ATML_TRY(const auto model, exchange::read_tflite(bytes, reference.name));
  deploy::BuiltinOptions builtin;
  builtin.full_figures = true;
  builtin.streaming = streaming;
  ATML_TRY(const auto oracle, deploy::BuiltinOracle::create(builtin));
  ATML_TRY(const auto verdict,
           oracle->check(model, target, target::full_limits(target), StopToken{}));
  if (!verdict.computable) return Error{Code::kUnavailable, reference.name + ": " + verdict.reason};
  codegen::Options run;
  run.streaming = streaming;
  const auto inputs =
      golden_inputs(static_cast<std::size_t>(model.tensor(model.input).shape.elements()));
  ATML_TRY(const auto outputs, deploy::run_on_mcu(model, target, inputs, 3, run));
  const bool golden = outputs_are_golden(outputs, reference.golden);
  const bench::PeerFigures ours{"autotinyml", verdict.instructions.value, verdict.flash.value,
                                verdict.ram.value};
  if (std::getenv("ATML_LAYERS") != nullptr) {
    for (const auto& l : verdict.layers) fmt::print("   {} {} {}\n", l.name, l.kind, l.instructions.value);
  }
  print_row(reference.name, ours, golden ? "outputs golden" : "OUTPUTS DIFFER");
  Json own = row(reference.name, ours);
  own.set("golden", golden);
  rows.push(own);
  for (const bench::PeerFigures& peer : reference.peers) {
    const auto ratio = [](std::int64_t theirs, std::int64_t mine) {
      return static_cast<double>(theirs) / static_cast<double>(mine);
    };
    print_row(reference.name, peer,
              fmt::format("{:.2f} x, {:.2f} x, {:.2f} x ours",
                          ratio(peer.instructions, ours.instructions),
                          ratio(peer.flash, ours.flash), ratio(peer.ram, ours.ram)));
    rows.push(row(reference.name, peer));
  }
  if (!golden)
    return Error{Code::kInvalidArgument,
                 reference.name + ": the emulated outputs are not the golden ones"};
  return {};
}

Status run(const Options& options) {
  ATML_TRY(const auto target, target::find_target(options.target));
  fmt::print("{:<6} {:<24} {:>12} {:>10} {:>8}\n", "model", "engine", "instructions", "flash, B",
             "RAM, B");
  Json rows = Json::array();
  for (const bench::ReferenceModel& reference : bench::reference_models()) {
    ATML_TRY_STATUS(measure(reference, options, target, rows));
    ATML_TRY_STATUS(measure(reference, options, target, rows, codegen::Streaming::kOn));
  }
  if (options.json.empty()) return {};
  Json document = Json::object();
  document.set("schema", 1).set("rows", rows);
  return write_file(options.json, document.dump(2) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    fmt::print(stderr, "usage: bench_deployment [--models FOLDER] [--target NAME] [--json FILE]\n");
    return 2;
  }
  const Status status = run(options);
  if (status.ok()) return 0;
  fmt::print(stderr, "bench_deployment: {}\n", status.error().message);
  return 2;
}
