#include "search/package.h"

#include <fmt/format.h>

#include <array>

#include "base/files.h"
#include "codegen/firmware.h"
#include "deploy/build_folder.h"
#include "exchange/tflite.h"
#include "quantize/evaluate.h"
#include "quantize/interpreter.h"
#include "report/report.h"
#include "search/firmware_options.h"

namespace atml::search {
namespace {

/// An input that the firmware's own test runs, with what must come out.
codegen::SelfTest self_test_vector(const Context& context, const quantize::Int8Model& model) {
  const data::Split& split =
      context.dataset.validation.size() > 0 ? context.dataset.validation : context.dataset.train;
  const std::array<std::size_t, 1> first{0};
  codegen::SelfTest vector;
  vector.input = quantize::quantize_inputs(model, context.dataset, split.select(first));
  vector.output.resize(static_cast<std::size_t>(model.tensor(model.output).shape.elements()));
  quantize::Interpreter(model).run(vector.input, vector.output);
  return vector;
}

/// How a sensor value becomes an input of the model: what a firmware engineer needs beside the
/// sizes.
std::string input_text(const data::Normalisation& n, const quantize::Tensor& input) {
  if (n.exact_pixels) return "input: q = pixel - 128, pixel in 0..255";
  const std::string formula = fmt::format(
      "input: q = round((value - mean[c]) x factor[c]) + ({}), clamped to -128..127; c = channel",
      input.zero_point);
  std::string mean;
  std::string factor;
  for (std::size_t c = 0; c < n.mean.size(); ++c) {
    const char* separator = c == 0 ? "" : ", ";
    mean += fmt::format("{}{:.9g}", separator, n.mean[c]);
    factor += fmt::format("{}{:.9g}", separator, n.gain[c] / input.scale);
  }
  constexpr std::size_t kChannelsShown = 1024;
  if (n.mean.size() > kChannelsShown)
    return formula + "; autotinyml data prints mean and deviation";
  return formula + "\n  mean = " + mean + "\n  factor = " + factor;
}

std::string classes_text(const data::Dataset& dataset) {
  if (dataset.classes.empty()) return "";
  std::string text = "\noutput, largest wins:";
  for (std::size_t i = 0; i < dataset.classes.size(); ++i) {
    text += fmt::format("{} {} = {}", i == 0 ? "" : ",", i, dataset.classes[i]);
  }
  return text;
}

std::string provenance_text(const Context& context, const quantize::Int8Model& model,
                            const report::ReportData& data) {
  const report::Winner& w = *data.winner;
  return fmt::format(
      "autotinyml {}, study {}, trial {}, seed {}\ntarget {}: flash {} B, RAM {} B\nreproduce: "
      "{}\n{}{}",
      data.provenance.version, data.study, w.trial, data.provenance.seed, data.target.name,
      w.figures.flash_bytes, w.figures.ram_bytes, data.provenance.command,
      input_text(context.dataset.normalisation, model.tensor(model.input)),
      classes_text(context.dataset));
}

}  // namespace

Status write_model_files(const Context& context, const quantize::Int8Model& model,
                         const report::ReportData& data) {
  ATML_TRY(codegen::Options options, firmware_options(context.settings, context.limits));
  options.self_test = self_test_vector(context, model);
  options.provenance = provenance_text(context, model, data);
  ATML_TRY(const codegen::Firmware firmware,
           codegen::firmware_folder(model, context.target, options));
  const std::filesystem::path folder = context.out / "firmware";
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);  // files of an earlier winner must not linger
  for (const codegen::File& file : firmware.files)
    ATML_TRY_STATUS(write_file(folder / file.path, file.bytes));

  ATML_TRY(const deploy::BuiltFirmware built, deploy::build_firmware_folder(folder));
  const std::int64_t measured = data.winner->figures.flash_bytes;
  const bool same_build = context.settings.oracle == "builtin";  // other oracles count otherwise
  if (same_build && built.flash.value != measured) {
    context.events->warning(fmt::format(
        "firmware/ builds to {} B of flash, the search measured {} B; the larger figure counts",
        built.flash.value, measured));
  }
  if (model.rounding == quantize::Rounding::kSingle) {
    context.events->warning(
        "no model.tflite is written: that format means double rounding, this study asked for "
        "single");
    return {};
  }
  ATML_TRY(const std::string tflite, exchange::write_tflite(model));
  return write_file(context.out / "model.tflite", tflite);
}

Status write_report_files(const Context& context, const report::ReportData& data) {
  ATML_TRY_STATUS(write_file(context.out / "summary.json", report::summary_json(data)));
  return write_file(context.out / "report.html", report::html_report(data));
}

}  // namespace atml::search
