#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/files.h"
#include "cli/clean_up_option.h"
#include "cli/command.h"
#include "cli/model_file.h"
#include "data/npy.h"
#include "deploy/run_model.h"
#include "quantize/interpreter.h"
#include "target/target.h"

namespace atml::cli {
namespace {

using Bytes8 = std::vector<std::int8_t>;

struct Options {
  std::string model, input, output, on = "reference", target;
  bool compress = false, clean_up = true;
};

/// Real numbers are quantised as the model's input says; int8 numbers are taken as they are.
Result<Bytes8> from_array(const data::Array& array, const quantize::Tensor& tensor,
                          const std::string& path) {
  Bytes8 bytes(array.elements());
  const bool plain = array.type == data::NumberType::kInt8;
  if (!plain && !data::is_float(array.type)) {
    return Error{Code::kUnsupported,
                 fmt::format("{}: numbers of type {}; give int8 (quantised) or float (real) ones",
                             path, data::to_string(array.type))};
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const double q =
        plain ? array.number(i) : std::round(array.number(i) / tensor.scale) + tensor.zero_point;
    if (!std::isfinite(q))
      return Error{Code::kInvalidArgument, fmt::format("{}: element {} is not finite", path, i)};
    bytes[i] = static_cast<std::int8_t>(std::clamp(q, -128.0, 127.0));
  }
  return bytes;
}

Result<Bytes8> read_inputs(const std::string& path, const quantize::Int8Model& model) {
  const quantize::Tensor& tensor = model.tensor(model.input);
  Bytes8 bytes;
  if (path.ends_with(".npy") || path.ends_with(".npy.gz")) {
    ATML_TRY(const data::Array array, data::read_npy(path));
    ATML_TRY(bytes, from_array(array, tensor, path));
  } else {
    ATML_TRY(const std::string raw, read_file(path));
    bytes.assign(raw.begin(), raw.end());
  }
  const auto size = static_cast<std::size_t>(tensor.shape.elements());
  if (bytes.empty() || bytes.size() % size != 0) {
    return Error{Code::kInvalidArgument,
                 fmt::format("{}: {} numbers are not a whole number of inputs of {} ({})", path,
                             bytes.size(), size, tensor.shape.text())};
  }
  return bytes;
}

Bytes8 run_reference(const quantize::Int8Model& model, const Bytes8& inputs, std::size_t n) {
  const std::size_t in = inputs.size() / n;
  const auto out = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
  Bytes8 outputs(n * out);
  quantize::Interpreter interpreter(model);
  for (std::size_t i = 0; i < n; ++i) {
    interpreter.run(std::span(inputs).subspan(i * in, in),
                    std::span(outputs).subspan(i * out, out));
  }
  return outputs;
}

/// NumPy's format, version 1: magic, length, a Python dict padded to 64 bytes, the numbers.
std::string npy_bytes(const Bytes8& values, std::size_t rows) {
  std::string header =
      fmt::format("{{'descr': '|i1', 'fortran_order': False, 'shape': ({}, {}), }}", rows,
                  values.size() / rows);
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size());
  return bytes;
}

Result<int> run_run(const Session& session, const Options& options) {
  if (options.compress && options.on == "reference") {
    return Error{Code::kInvalidArgument,
                 "--compress-weights is about generated C: add --on host or --on mcu"};
  }
  ATML_TRY(const quantize::Int8Model model, read_model_file(options.model));
  ATML_TRY(const Bytes8 inputs, read_inputs(options.input, model));
  const std::size_t n =
      inputs.size() / static_cast<std::size_t>(model.tensor(model.input).shape.elements());
  codegen::Options firmware;
  firmware.compress_weights = options.compress;
  const auto generated = [&] { return cleaned(model, options.clean_up).model; };
  Bytes8 outputs;
  if (options.on == "reference") {
    outputs = run_reference(model, inputs, n);
  } else if (options.on == "host") {
    ATML_TRY(outputs, deploy::run_on_host(generated(), inputs, n, {.firmware = firmware}));
  } else {
    if (options.target.empty())
      return Error{Code::kInvalidArgument,
                   "--on mcu needs --target; 'autotinyml targets' lists the parts"};
    ATML_TRY(const target::Target target, target::find_target(options.target));
    ATML_TRY(outputs, deploy::run_on_mcu(generated(), target, inputs, n, firmware));
  }
  const bool npy = options.output.ends_with(".npy");
  const std::string raw(reinterpret_cast<const char*>(outputs.data()), outputs.size());
  ATML_TRY_STATUS(write_file(options.output, npy ? npy_bytes(outputs, n) : raw));
  session.events->info(fmt::format("{} inference(s) on {}: {} bytes written to {}", n, options.on,
                                   outputs.size(), options.output));
  return kExitDone;
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("run", "inference on .npy or raw int8 input");
  const auto options = std::make_shared<Options>();
  command->add_option("model", options->model, "int8 .tflite or .onnx (QDQ) file")->required();
  command
      ->add_option("--input", options->input,
                   ".npy (int8, or real numbers to be quantised) or raw int8 bytes")
      ->required();
  command->add_option("--output", options->output, ".npy or raw int8 bytes")->required();
  command->add_option("--on", options->on, "reference, host or mcu")
      ->capture_default_str()
      ->check(CLI::IsMember({"reference", "host", "mcu"}));
  command->add_option("--target", options->target, "part to emulate, for --on mcu");
  command->add_flag(kCleanUpFlag, options->clean_up,
                    std::string("of generated C: ") + kCleanUpHelp + " (default: on)");
  command->add_flag("--compress-weights", options->compress, kCompressHelp);
  command->callback([&action, options] {
    action = [options](const Session& session) { return run_run(session, *options); };
  });
}

}  // namespace atml::cli
