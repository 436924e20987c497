#include <fmt/format.h>

#include <memory>

#include "cli/limit_options.h"
#include "cli/model_file.h"
#include "deploy/builtin.h"
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

struct Options {
  std::string model, target, format = "table";
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
  ATML_TRY(builtin.optimize, codegen::parse_optimize(settings.optimize));
  ATML_TRY(const auto oracle, deploy::BuiltinOracle::create(builtin));
  ATML_TRY(const auto verdict, oracle->check(model, target, limits, StopToken(session.interrupt)));
  const report::Check check = to_check(options.model, model, target, limits, verdict);
  print(options.format == "json" ? report::check_json(check)
                                 : report::check_table(check, session.colour));
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
  command->add_option("--format", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([&action, options] {
    action = [options](const Session& session) { return run_check(session, *options); };
  });
}

}  // namespace atml::cli
