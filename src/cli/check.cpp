#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/json.h"
#include "cli/clean_up_option.h"
#include "cli/limit_options.h"
#include "cli/model_file.h"
#include "cli/supply_options.h"
#include "deploy/alternatives.h"
#include "deploy/explain.h"
#include "deploy/oracle_choice.h"
#include "exchange/tflite.h"
#include "report/report.h"
#include "search/fill_report.h"
#include "search/trial_runner.h"

namespace atml::cli {
namespace {

constexpr std::size_t kAllParts = 1000;

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
  const codegen::MemoryPlan plan = codegen::plan_memory(model, target, options);
  std::vector<codegen::StreamedGroup> groups = plan.groups;
  for (codegen::StreamedGroup& g : groups) {  // as numbers of the model's operators
    g.first_op = plan.order[static_cast<std::size_t>(g.first_op)];
    g.last_op = plan.order[static_cast<std::size_t>(g.last_op)];
  }
  return groups;
}

// What clean-up does to the model, and the figures of the other choice: clean-up is reported apart
// from what the code itself achieves.
struct CleanUpRow {
  bool applied = false;
  int operators = 0, channels = 0;
  deploy::Deployability other;
};

// What the table and the document say beside the verdict.
struct Extras {
  std::vector<codegen::StreamedGroup> groups;
  std::optional<CleanUpRow> clean_up;
  std::optional<deploy::Deployability> uncompressed;  // the same without --compress-weights
};

std::string compression_line(const deploy::Deployability& now,
                             const deploy::Deployability& before) {
  if (now.flash == before.flash)
    return "compression: no layer has weights that would take less flash; nothing is changed\n";
  return fmt::format(
      "compression: flash {} B instead of {} B for {} instructions instead of {} (same output "
      "bytes)\n",
      now.flash.value, before.flash.value, now.instructions.value, before.instructions.value);
}

std::string clean_up_line(const CleanUpRow& row) {
  const deploy::Deployability& d = row.other;
  const std::string figures = fmt::format("flash {} B, RAM {} B, {} instructions", d.flash.value,
                                          d.ram.value, d.instructions.value);
  if (row.applied) {
    return fmt::format(
        "clean-up: {} operators and {} channels left out, same output bytes; as given "
        "(--no-clean-up): {}\n",
        row.operators, row.channels, figures);
  }
  return fmt::format(
      "clean-up would leave out {} operators and {} channels, same output bytes: {}\n",
      row.operators, row.channels, figures);
}

std::string extra_lines(const quantize::Int8Model& model, const deploy::Deployability& verdict,
                        const Extras& extras) {
  const auto& [groups, clean_up, uncompressed] = extras;
  std::string text;
  if (uncompressed) text += compression_line(verdict, *uncompressed);
  for (const codegen::StreamedGroup& g : groups) {
    text += fmt::format("rows: {} to {} run row by row, about {} instructions more\n",
                        model.ops[static_cast<std::size_t>(g.first_op)].name,
                        model.ops[static_cast<std::size_t>(g.last_op)].name, g.extra_instructions);
  }
  for (const codegen::PlainLayer& layer : codegen::plain_layers(model)) {
    text += fmt::format("slow: {} runs by portable code ({})\n",
                        model.ops[static_cast<std::size_t>(layer.op)].name, layer.reason);
  }
  return clean_up ? text + clean_up_line(*clean_up) : text;
}

Result<std::string> extra_json(const std::string& check, const Extras& extras) {
  const auto& [groups, clean_up, uncompressed] = extras;
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
  clean.set("applied", clean_up && clean_up->applied)
      .set("operators_removed", clean_up ? clean_up->operators : 0)
      .set("channels_removed", clean_up ? clean_up->channels : 0);
  if (clean_up) {
    Json other = Json::object();
    other.set("flash_bytes", clean_up->other.flash.value)
        .set("ram_bytes", clean_up->other.ram.value)
        .set("instructions", clean_up->other.instructions.value);
    clean.set(clean_up->applied ? "as_given" : "cleaned", other);
  }
  document.set("clean_up", clean);
  if (uncompressed) {
    Json without = Json::object();
    without.set("flash_bytes", uncompressed->flash.value)
        .set("ram_bytes", uncompressed->ram.value)
        .set("instructions", uncompressed->instructions.value);
    document.set("without_compression", without);
  }
  return document.dump(2) + "\n";
}

Result<Extras> extras_of(const deploy::BuiltinOptions& builtin, const quantize::Int8Model& model,
                         const target::Target& target, const target::Limits& limits,
                         const deploy::Deployability& verdict, const StopToken& stop) {
  Extras extras;
  if (!verdict.computable) return extras;
  extras.groups = streamed_groups(model, target, limits, builtin.streaming);
  if (builtin.compress_weights) {
    deploy::BuiltinOptions without = builtin;
    without.compress_weights = false;
    ATML_TRY(const auto plain, deploy::BuiltinOracle::create(without));
    ATML_TRY(auto before, plain->check(model, target, limits, stop));
    if (before.computable) extras.uncompressed = std::move(before);
  }
  return extras;
}

// The model that is checked, and the one that clean-up would make of it or was made from.
struct Models {
  quantize::Int8Model model, other;
  CleanUpRow row;
  bool differ = false;
};

Models models_of(quantize::Int8Model given, bool clean_up) {
  quantize::CleanUp clean = quantize::clean_up(given);
  Models m;
  m.row = {clean_up, clean.operators_removed, clean.channels_removed, {}};
  m.differ = clean.changed();
  m.model = clean_up ? std::move(clean.model) : std::move(given);
  m.other = clean_up ? std::move(given) : std::move(clean.model);
  return m;
}

struct Options {
  std::string model, target, format = "table", streaming = "auto", oracle = "builtin";
  bool compress = false, clean_up = true;
  SupplyTexts supply;
  LimitTexts limits;
};

target::Limits reserves_of(const search::Settings& settings) {
  target::Limits limits;
  limits.reserve_flash = settings.reserve_flash;
  limits.reserve_ram = settings.reserve_ram;
  limits.latency = settings.latency;
  limits.energy = settings.energy;
  return limits;
}

std::string parts_text(const std::vector<deploy::PartVerdict>& parts, const std::string& format) {
  if (format == "json") {
    Json rows = Json::array();
    for (const auto& p : parts) {
      Json row = Json::object();
      row.set("target", p.part.name).set("flash_bytes", p.verdict.flash.value);
      row.set("ram_bytes", p.verdict.ram.value).set("latency_ms", 1e3 * p.verdict.latency.value);
      row.set("part_flash_bytes", p.part.flash.size.value)
          .set("part_ram_bytes", p.part.ram.size.value);
      rows.push(row);
    }
    Json json = Json::object();
    return json.set("schema", 1).set("parts", rows).dump(2) + "\n";
  }
  std::string text = fmt::format("{:<18} {:>10} {:>10} {:>10} {:>10} {:>12}\n", "part", "flash",
                                 "RAM", "uses", "uses", "latency");
  for (const auto& p : parts) {
    text +=
        fmt::format("{:<18} {:>10} {:>10} {:>10} {:>10} {:>12}\n", p.part.name,
                    to_text(p.part.flash.size), to_text(p.part.ram.size), to_text(p.verdict.flash),
                    to_text(p.verdict.ram), to_text(p.verdict.latency));
  }
  return parts.empty() ? "no part of the catalogue can run this model within the limits\n" : text;
}

/// --target any: the parts that can run the model, cheapest first.
Result<int> check_any(deploy::Oracle& oracle, const quantize::Int8Model& model,
                      const search::Settings& settings, const Options& options,
                      const StopToken& stop) {
  if (settings.flash || settings.ram) {
    return Error{Code::kInvalidArgument,
                 "--target any uses each part's own flash and RAM: leave --flash and --ram out, or "
                 "give --reserve-flash and --reserve-ram"};
  }
  ATML_TRY(const auto catalogue, target::catalogue());
  std::vector<deploy::PartVerdict> unanswered;
  ATML_TRY(const auto parts, deploy::find_parts(oracle, model, catalogue, reserves_of(settings),
                                                kAllParts, stop, &unanswered));
  std::string text = parts_text(parts, options.format);
  if (options.format != "json")
    for (const auto& p : unanswered)
      text += fmt::format("{}: not computable: {}\n", p.part.name, p.verdict.reason);
  print(text);
  return parts.empty() ? kExitNothingFits : kExitDone;
}

// What would do instead; nothing where the model fits.
Result<std::optional<deploy::Explanation>> explain(
    deploy::Oracle& oracle, const deploy::OracleChoice& choice,
    const deploy::BuiltinOptions& builtin, const quantize::Int8Model& model,
    const target::Target& target, const target::Limits& limits,
    const deploy::Deployability& verdict, const StopToken& stop) {
  if (verdict.deployable() || !verdict.computable) return std::optional<deploy::Explanation>();
  ATML_TRY(const auto catalogue, target::catalogue());
  deploy::Alternatives builds;
  if (choice.kind == deploy::OracleKind::kBuiltin) {
    ATML_TRY(builds, deploy::other_builds(builtin, true));
    ATML_TRY_STATUS(deploy::add_compressed(builtin, model, target, builds));
  }
  ATML_TRY(auto why,
           deploy::explain(oracle, builds.list, model, target, limits, verdict, catalogue, stop));
  return std::optional(std::move(why));
}

// All that a check answers.
struct Answer {
  report::Check check;
  deploy::Deployability verdict;
  Extras extras;
  std::optional<Days> days;
  std::optional<deploy::Explanation> why;
};

Result<std::string> to_json(const Answer& answer) {
  ATML_TRY(const std::string text, extra_json(report::check_json(answer.check), answer.extras));
  ATML_TRY(Json json, Json::parse(text));
  if (answer.days) json.set("battery", days_json(*answer.days));
  if (answer.why) json.set("explanation", answer.why->json());
  return json.dump(2) + "\n";
}

std::string to_text(const Answer& answer, const quantize::Int8Model& model, bool colour) {
  std::string text =
      report::check_table(answer.check, colour) + extra_lines(model, answer.verdict, answer.extras);
  if (answer.days) text += days_text(*answer.days);
  if (answer.why) text += answer.why->text();
  return text;
}

Result<int> run_check(const Session& session, const Options& options) {
  ATML_TRY(const std::optional<Supply> supply, supply_of(options.supply));
  ATML_TRY(deploy::OracleChoice choice, deploy::parse_oracle(options.oracle));
  if (options.compress && choice.kind != deploy::OracleKind::kBuiltin) {
    return Error{Code::kInvalidArgument,
                 fmt::format("--compress-weights is about the C that is generated here, which "
                             "--oracle {} does not measure; leave one of them out",
                             options.oracle)};
  }
  ATML_TRY(quantize::Int8Model given, read_model_file(options.model));
  Models models = models_of(std::move(given), options.clean_up);
  const quantize::Int8Model& model = models.model;
  search::Settings settings;
  ATML_TRY_STATUS(parse_limits(options.limits, settings));
  choice.timeout = settings.oracle_timeout;
  const StopToken stop(session.interrupt);
  deploy::BuiltinOptions builtin;
  builtin.full_figures = true;
  ATML_TRY(builtin.streaming, codegen::parse_streaming(options.streaming));
  builtin.compress_weights = options.compress;
  ATML_TRY(builtin.optimize, codegen::parse_optimize(settings.optimize));
  ATML_TRY(const auto oracle, deploy::make_oracle(choice, builtin, exchange::write_tflite));
  if (options.target == "any" && supply) {
    return Error{Code::kInvalidArgument,
                 "--duty and --battery need one part: choose a --target instead of any"};
  }
  if (options.target == "any") return check_any(*oracle, model, settings, options, stop);
  ATML_TRY(const target::Target target, target::find_target(options.target));
  ATML_TRY(const target::Limits limits, search::limits_of(settings, target));
  ATML_TRY(const auto verdict, oracle->check(model, target, limits, stop));
  Answer answer{to_check(options.model, model, target, limits, verdict), verdict, {}, {}, {}};
  ATML_TRY(answer.extras, extras_of(builtin, model, target, limits, verdict, stop));
  if (verdict.computable && models.differ) {
    ATML_TRY(models.row.other, oracle->check(models.other, target, limits, stop));
    answer.extras.clean_up = std::move(models.row);
  }
  if (supply && verdict.computable) answer.days = days_of(verdict, target, *supply);
  if (answer.days && !answer.days->keeps_up) {
    answer.check.deployable = false;
    answer.check.reasons.push_back(answer.days->reason);
  }
  ATML_TRY(answer.why, explain(*oracle, choice, builtin, model, target, limits, verdict, stop));
  if (options.format == "json") {
    ATML_TRY(const std::string text, to_json(answer));
    print(text);
  } else {
    print(to_text(answer, model, session.colour));
  }
  return answer.check.deployable ? kExitDone : kExitNothingFits;
}

}  // namespace

void add_check(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "check", "deployability of any int8 .tflite model, before you flash anything");
  const auto options = std::make_shared<Options>();
  command->add_option("model", options->model, "int8 .tflite or .onnx (QDQ) file")->required();
  command
      ->add_option("--target", options->target,
                   "part, see 'autotinyml targets', a .toml file, or 'any': which parts can run it")
      ->required();
  add_limit_options(*command, options->limits);
  command
      ->add_option(
          "--streaming", options->streaming,
          "row streaming: off, auto (as the RAM limit asks for, and where it is nearly free) or on")
      ->capture_default_str();
  command->add_flag(kCleanUpFlag, options->clean_up, std::string(kCleanUpHelp) + " (default: on)");
  command->add_flag("--compress-weights", options->compress, kCompressHelp);
  command->add_option("--oracle", options->oracle, kOracleHelp)->capture_default_str();
  add_supply_options(*command, options->supply);
  command->add_option("--format", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([&action, options] {
    action = [options](const Session& session) { return run_check(session, *options); };
  });
}

}  // namespace atml::cli
