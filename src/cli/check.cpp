#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/json.h"
#include "cli/limit_options.h"
#include "cli/model_file.h"
#include "deploy/builtin.h"
#include "quantize/clean_up.h"
#include "report/report.h"
#include "search/fill_report.h"
#include "search/trial_runner.h"

namespace atml::cli {
namespace {

report::Check to_check(const std::string& name, const quantize::Int8Model& model,
                       const target::Target& target, const target::Limits& limits,
                       const deploy::Deployability& d) {
  report::Check check;
  check.model = name;
  check.target = target;
  check.limits = limits;
  check.deployable = d.deployable();
  if (!d.computable) check.reasons.push_back("not computable: " + d.reason);
  for (const deploy::Violation& v : d.violations) check.reasons.push_back(v.text);
  check.figures = search::figures_of(d, model.macs(), 0);
  check.statics_bytes = d.statics.value;
  check.layers = search::layer_rows(d);
  return check;
}

// The layers that run row by row under these options.
std::vector<codegen::StreamedGroup> streamed_groups(const quantize::Int8Model& model,
                                                    const target::Target& target,
                                                    const target::Limits& limits,
                                                    codegen::Streaming streaming) {
  codegen::Options options;
  options.streaming = streaming;
  options.arena_limit = codegen::arena_limit(limits);
  return codegen::plan_memory(model, target, options).groups;
}

// The same model after clean-up, reported apart from what the code itself achieves.
struct Cleaned {
  quantize::CleanUp clean;
  deploy::Deployability verdict;
};

std::string extra_lines(const quantize::Int8Model& model,
                        const std::vector<codegen::StreamedGroup>& groups,
                        const std::optional<Cleaned>& cleaned) {
  std::string text;
  for (const codegen::StreamedGroup& g : groups) {
    text += fmt::format("rows: {} to {} run row by row, about {} instructions more\n",
                        model.ops[static_cast<std::size_t>(g.first_op)].name,
                        model.ops[static_cast<std::size_t>(g.last_op)].name,
                        g.extra_instructions);
  }
  if (!cleaned) return text;
  const deploy::Deployability& d = cleaned->verdict;
  return text + fmt::format(
                    "clean-up would remove {} operators and {} channels (same output bytes): flash "
                    "{} B, RAM {} B, {} instructions; see export --clean-up\n",
                    cleaned->clean.operators_removed, cleaned->clean.channels_removed,
                    d.flash.value, d.ram.value, d.instructions.value);
}

Result<std::string> extra_json(const std::string& check, const std::vector<codegen::StreamedGroup>& groups,
                               const std::optional<Cleaned>& cleaned) {
  ATML_TRY(Json document, Json::parse(check));
  Json streamed = Json::array();
  for (const codegen::StreamedGroup& g : groups) {
    Json group = Json::object();
    group.set("first_layer", g.first_op)
        .set("last_layer", g.last_op)
        .set("extra_instructions", g.extra_instructions);
    streamed.push(group);
  }
  document.set("streamed", streamed);
  Json clean = Json::object();
  clean.set("operators_removed", cleaned ? cleaned->clean.operators_removed : 0)
      .set("channels_removed", cleaned ? cleaned->clean.channels_removed : 0);
  if (cleaned) {
    clean.set("flash_bytes", cleaned->verdict.flash.value)
        .set("ram_bytes", cleaned->verdict.ram.value)
        .set("instructions", cleaned->verdict.instructions.value);
  }
  document.set("clean_up", clean);
  return document.dump(2) + "\n";
}

struct Options {
  std::string model, target, format = "table", streaming = "auto";
  LimitTexts limits;
};

Result<int> run_check(const Session& session, const Options& options) {
  ATML_TRY(const quantize::Int8Model model, read_model_file(options.model));
  ATML_TRY(const target::Target target, target::find_target(options.target));
  search::Settings settings;
  ATML_TRY_STATUS(parse_limits(options.limits, settings));
  ATML_TRY(const target::Limits limits, search::limits_of(settings, target));
  deploy::BuiltinOptions builtin;
  builtin.full_figures = true;
  ATML_TRY(builtin.streaming, codegen::parse_streaming(options.streaming));
  ATML_TRY(const auto oracle, deploy::BuiltinOracle::create(builtin));
  ATML_TRY(const auto verdict, oracle->check(model, target, limits, StopToken(session.interrupt)));
  const report::Check check = to_check(options.model, model, target, limits, verdict);
  std::vector<codegen::StreamedGroup> groups;
  std::optional<Cleaned> cleaned;
  if (verdict.computable) {
    groups = streamed_groups(model, target, limits, builtin.streaming);
    quantize::CleanUp clean = quantize::clean_up(model);
    if (clean.changed()) {
      ATML_TRY(auto after, oracle->check(clean.model, target, limits, StopToken(session.interrupt)));
      cleaned = Cleaned{std::move(clean), std::move(after)};
    }
  }
  if (options.format == "json") {
    ATML_TRY(const std::string text, extra_json(report::check_json(check), groups, cleaned));
    print(text);
  } else {
    print(report::check_table(check, session.colour) + extra_lines(model, groups, cleaned));
  }
  return verdict.deployable() ? kExitDone : kExitNothingFits;
}

}  // namespace

void add_check(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "check", "deployability of any int8 .tflite model, before you flash anything");
  const auto options = std::make_shared<Options>();
  command->add_option("model", options->model, "int8 .tflite file")->required();
  command
      ->add_option("--target", options->target, "part, see 'autotinyml targets', or a .toml file")
      ->required();
  add_limit_options(*command, options->limits);
  command
      ->add_option("--streaming", options->streaming,
                   "row streaming: off, auto (as the RAM limit asks for) or on")
      ->capture_default_str();
  command->add_option("--format", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([&action, options] {
    action = [options](const Session& session) { return run_check(session, *options); };
  });
}

}  // namespace atml::cli
