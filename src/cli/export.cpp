#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/files.h"
#include "cli/clean_up_option.h"
#include "cli/command.h"
#include "cli/model_file.h"
#include "codegen/firmware.h"
#include "exchange/onnx.h"
#include "exchange/tflite.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "search/finalists.h"
#include "search/model_blob.h"
#include "search/search.h"
#include "study/store.h"
#include "target/target.h"

namespace atml::cli {
namespace {

struct Options {
  std::string source, format, out, target, optimize = "balanced", streaming = "auto";
  std::string layout = "plain", prefix = "model";
  bool clean_up = false, clean_up_said = false;  // unsaid: of C from a model file
  bool compress = false;
};

struct Source {
  quantize::Int8Model model;
  std::string target;  // of a study; empty for a model file
  bool is_file = false;
};

Result<Source> from_study(const std::string& path) {
  ATML_TRY(const auto store, study::open_store(path));
  ATML_TRY(const study::StudyInfo info, store->info());
  ATML_TRY(const auto note, store->get_note("winner"));
  if (!note)
    return Error{
        Code::kNotFound,
        fmt::format("the study '{}' has no winner yet; 'autotinyml resume {}' goes on with it",
                    path, path)};
  ATML_TRY(const Json winner, Json::parse(*note));
  ATML_TRY(quantize::Int8Model model,
           search::get_model(
               *store, static_cast<int>(winner["trial"].integer()),
               search::final_model_kind(static_cast<int>(winner["seed_index"].integer()))));
  return Source{std::move(model), info.target, false};
}

Result<Source> load_source(const Options& options) {
  const bool file = options.source.ends_with(".tflite") || options.source.ends_with(".onnx");
  if (!file) return from_study(options.source);
  ATML_TRY(quantize::Int8Model model, read_model_file(options.source));
  return Source{std::move(model), "", true};
}

// The output of the model as it was given is what its firmware must compute.
codegen::SelfTest self_test(const quantize::Int8Model& given) {
  codegen::SelfTest test;
  test.input = quantize::random_inputs(given, 1, 1);
  test.output.resize(static_cast<std::size_t>(given.tensor(given.output).shape.elements()));
  quantize::Interpreter(given).run(test.input, test.output);
  return test;
}

Status export_c(const Source& source, const quantize::Int8Model& model, const Options& options) {
  const std::string name = options.target.empty() ? source.target : options.target;
  if (name.empty())
    return Error{Code::kInvalidArgument,
                 "--target is missing: C is generated for a part; 'autotinyml targets' lists them"};
  ATML_TRY(const target::Target target, target::find_target(name));
  codegen::Options codegen_options;
  ATML_TRY(codegen_options.optimize, codegen::parse_optimize(options.optimize));
  ATML_TRY(codegen_options.streaming, codegen::parse_streaming(options.streaming));
  codegen_options.compress_weights = options.compress;
  ATML_TRY(codegen_options.layout, codegen::parse_layout(options.layout));
  codegen_options.prefix = options.prefix;
  codegen_options.provenance = "exported by autotinyml for " + target.name;
  codegen_options.self_test = self_test(source.model);
  ATML_TRY(const codegen::Firmware firmware,
           codegen::firmware_folder(model, target, codegen_options));
  for (const codegen::File& file : firmware.files) {
    ATML_TRY_STATUS(write_file(std::filesystem::path(options.out) / file.path, file.bytes));
  }
  return {};
}

Result<int> run_export(const Session& session, const Options& options) {
  if (options.compress && options.format != "c") {
    return Error{Code::kInvalidArgument,
                 fmt::format("--compress-weights is for --format c: a .{} file stores its weights "
                             "as the format says",
                             options.format)};
  }
  ATML_TRY(const Source source, load_source(options));
  const bool clean =
      options.clean_up_said ? options.clean_up : options.format == "c" && source.is_file;
  const quantize::CleanUp result = cleaned(source.model, clean);
  if (result.changed()) {
    session.events->info(fmt::format(
        "clean-up: {} operators and {} channels left out, the output bytes stay the same "
        "(--no-clean-up keeps them)",
        result.operators_removed, result.channels_removed));
  }
  if (options.format == "c") {
    ATML_TRY_STATUS(export_c(source, result.model, options));
  } else if (options.format == "onnx") {
    ATML_TRY(const std::string bytes, exchange::write_onnx(result.model));
    ATML_TRY_STATUS(write_file(std::filesystem::path(options.out) / "model.onnx", bytes));
  } else {
    ATML_TRY(const std::string bytes, exchange::write_tflite(result.model));
    ATML_TRY_STATUS(write_file(std::filesystem::path(options.out) / "model.tflite", bytes));
  }
  session.events->info("written: " + options.out);
  return kExitDone;
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "export",
      "the winner of a study, or a .tflite or .onnx model, as C sources, .tflite or .onnx");
  const auto options = std::make_shared<Options>();
  command->add_option("source", options->source, "study, or int8 .tflite or .onnx (QDQ) file")
      ->required();
  command->add_option("--format", options->format, "c, tflite or onnx")
      ->required()
      ->check(CLI::IsMember({"c", "tflite", "onnx"}));
  command->add_option("--out", options->out, "folder to write to")->required();
  command->add_option("--target", options->target, "part to generate C for (default: the study's)");
  const CLI::Option* clean_up = command->add_flag(
      kCleanUpFlag, options->clean_up,
      std::string(kCleanUpHelp) + " (default: on for C from a model file, off otherwise)");
  command->add_flag("--compress-weights", options->compress, kCompressHelp);
  command
      ->add_option("--streaming", options->streaming,
                   "row streaming: off, auto (as the part's RAM asks for, and where it is nearly "
                   "free) or on")
      ->capture_default_str();
  command->add_option("--optimize", options->optimize, "speed, balanced or size")
      ->capture_default_str();
  command
      ->add_option("--layout", options->layout,
                   "of C: plain (make, CMake), arduino (a library) or zephyr (a module)")
      ->check(CLI::IsMember({"plain", "arduino", "zephyr"}))
      ->capture_default_str();
  command
      ->add_option("--prefix", options->prefix,
                   "of C: the C identifier that all files, functions and macros begin with")
      ->capture_default_str();
  command->callback([&action, options, clean_up] {
    options->clean_up_said = clean_up->count() > 0;
    action = [options](const Session& session) { return run_export(session, *options); };
  });
}

}  // namespace atml::cli
