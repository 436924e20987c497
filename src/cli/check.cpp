#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/json.h"
#include "cli/limit_options.h"
#include "cli/model_file.h"
#include "deploy/battery.h"
#include "deploy/explain.h"
#include "deploy/oracle_choice.h"
#include "exchange/tflite.h"
#include "quantize/clean_up.h"
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

// The same model after clean-up, reported apart from what the code itself achieves.
struct Cleaned {
  quantize::CleanUp clean;
  deploy::Deployability verdict;
};

// What the table and the document say beside the verdict.
struct Extras {
  std::vector<codegen::StreamedGroup> groups;
  std::optional<Cleaned> cleaned;
};

std::string extra_lines(const quantize::Int8Model& model, const Extras& extras) {
  const auto& [groups, cleaned] = extras;
  std::string text;
  for (const codegen::StreamedGroup& g : groups) {
    text += fmt::format("rows: {} to {} run row by row, about {} instructions more\n",
                        model.ops[static_cast<std::size_t>(g.first_op)].name,
                        model.ops[static_cast<std::size_t>(g.last_op)].name, g.extra_instructions);
  }
  if (!cleaned) return text;
  const deploy::Deployability& d = cleaned->verdict;
  return text + fmt::format(
                    "clean-up would remove {} operators and {} channels (same output bytes): flash "
                    "{} B, RAM {} B, {} instructions; see export --clean-up\n",
                    cleaned->clean.operators_removed, cleaned->clean.channels_removed,
                    d.flash.value, d.ram.value, d.instructions.value);
}

Result<std::string> extra_json(const std::string& check, const Extras& extras) {
  const auto& [groups, cleaned] = extras;
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

Result<Extras> extras_of(deploy::Oracle& oracle, const quantize::Int8Model& model,
                         const target::Target& target, const target::Limits& limits,
                         codegen::Streaming streaming, const deploy::Deployability& verdict,
                         const StopToken& stop) {
  Extras extras;
  if (!verdict.computable) return extras;
  extras.groups = streamed_groups(model, target, limits, streaming);
  quantize::CleanUp clean = quantize::clean_up(model);
  if (!clean.changed()) return extras;
  ATML_TRY(auto after, oracle.check(clean.model, target, limits, stop));
  extras.cleaned = Cleaned{std::move(clean), std::move(after)};
  return extras;
}

struct Options {
  std::string model, target, format = "table", streaming = "auto", oracle = "builtin", duty,
                             battery;
  double volts = 3.0;
  LimitTexts limits;
};

/// "1/s", "30/min", "6/h": inferences a second.
Result<double> parse_duty(const std::string& text) {
  const Error bad{Code::kInvalidArgument,
                  fmt::format("--duty '{}' is no rate; write inferences per time, e.g. 1/s, 30/min "
                              "or 6/h",
                              text)};
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0) return bad;
  char* end = nullptr;
  const double count = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + slash || !(count > 0 && count <= 1e6)) return bad;
  const auto period = parse_seconds("1" + text.substr(slash + 1));
  if (!period.ok() || period->value <= 0) return bad;
  return count / period->value;
}

/// "230mAh", "2.4Ah": milliampere hours.
Result<double> parse_battery(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string unit(end);
  const double scale = unit == "mAh" ? 1 : unit == "Ah" ? 1000 : 0;
  if (scale > 0 && value > 0 && value * scale <= 1e7) return value * scale;
  return Error{
      Code::kInvalidArgument,
      fmt::format("--battery '{}' is no capacity; write e.g. 230mAh (a CR2032) or 2.4Ah", text)};
}

struct Supply {
  double per_second = 0;
  deploy::Battery battery;
};

/// None where neither option was given.
Result<std::optional<Supply>> supply_of(const Options& options) {
  if (options.duty.empty() && options.battery.empty()) return std::optional<Supply>();
  if (options.duty.empty() || options.battery.empty()) {
    return Error{Code::kInvalidArgument,
                 "--duty and --battery belong together, e.g. --duty 1/s --battery 230mAh"};
  }
  Supply supply;
  ATML_TRY(supply.per_second, parse_duty(options.duty));
  ATML_TRY(supply.battery.milliamp_hours, parse_battery(options.battery));
  supply.battery.volts = options.volts;
  return std::optional(supply);
}

// How the same model can be built otherwise, in the words of the command line.
struct Alternatives {
  std::vector<std::unique_ptr<deploy::Oracle>> oracles;
  std::vector<deploy::Alternative> list;
};

Result<Alternatives> alternatives_to(const deploy::OracleChoice& choice,
                                     const deploy::BuiltinOptions& chosen) {
  Alternatives all;
  if (choice.kind != deploy::OracleKind::kBuiltin) return all;
  const auto add = [&](const char* name, deploy::BuiltinOptions options) -> Status {
    ATML_TRY(auto oracle, deploy::make_oracle({}, options, exchange::write_tflite));
    all.oracles.push_back(std::move(oracle));
    all.list.push_back({name, all.oracles.back().get()});
    return {};
  };
  const bool stream = chosen.streaming != codegen::Streaming::kOn;
  const bool shrink = chosen.optimize != codegen::Optimize::kSize;
  deploy::BuiltinOptions streamed = chosen;
  streamed.streaming = codegen::Streaming::kOn;
  deploy::BuiltinOptions small = chosen;
  small.optimize = codegen::Optimize::kSize;
  deploy::BuiltinOptions both = streamed;
  both.optimize = codegen::Optimize::kSize;
  if (shrink) ATML_TRY_STATUS(add("--optimize size", small));
  if (stream) ATML_TRY_STATUS(add("--streaming on", streamed));
  if (shrink && stream) ATML_TRY_STATUS(add("--optimize size --streaming on", both));
  return all;
}

Result<std::string> battery_text(const deploy::Deployability& verdict, const target::Target& target,
                                 const Supply& supply) {
  ATML_TRY(const deploy::Endurance e,
           deploy::endurance(verdict, target, supply.per_second, supply.battery));
  std::string text = fmt::format(
      "  battery      {:.1f} days at {:g} inferences a second; {:.0f} % of the energy is "
      "inference\n",
      e.days, supply.per_second, 100 * e.active_share);
  if (!e.sleep_known)
    text += "               sleep current unknown for this part: the days count inference alone\n";
  return text;
}

Result<std::string> with_battery(const std::string& document, const deploy::Deployability& verdict,
                                 const target::Target& target, const Supply& supply) {
  ATML_TRY(const deploy::Endurance e,
           deploy::endurance(verdict, target, supply.per_second, supply.battery));
  ATML_TRY(Json json, Json::parse(document));
  Json battery = Json::object();
  battery.set("days", e.days)
      .set("active_share", e.active_share)
      .set("sleep_known", e.sleep_known)
      .set("inferences_per_second", supply.per_second);
  json.set("battery", battery);
  return json.dump(2) + "\n";
}

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

Result<std::string> explanation_text(deploy::Oracle& oracle, const Alternatives& alternatives,
                                     const quantize::Int8Model& model, const target::Target& target,
                                     const target::Limits& limits,
                                     const deploy::Deployability& verdict, const StopToken& stop) {
  if (verdict.deployable() || !verdict.computable) return std::string();
  ATML_TRY(const auto catalogue, target::catalogue());
  ATML_TRY(const deploy::Explanation why, deploy::explain(oracle, alternatives.list, model, target,
                                                          limits, verdict, catalogue, stop));
  return why.text();
}

Result<int> run_check(const Session& session, const Options& options) {
  ATML_TRY(const std::optional<Supply> supply, supply_of(options));
  ATML_TRY(deploy::OracleChoice choice, deploy::parse_oracle(options.oracle));
  ATML_TRY(const quantize::Int8Model model, read_model_file(options.model));
  search::Settings settings;
  ATML_TRY_STATUS(parse_limits(options.limits, settings));
  choice.timeout = settings.oracle_timeout;
  const StopToken stop(session.interrupt);
  deploy::BuiltinOptions builtin;
  builtin.full_figures = true;
  ATML_TRY(builtin.streaming, codegen::parse_streaming(options.streaming));
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
  const report::Check check = to_check(options.model, model, target, limits, verdict);
  ATML_TRY(const Extras extras,
           extras_of(*oracle, model, target, limits, builtin.streaming, verdict, stop));
  if (options.format == "json") {
    ATML_TRY(std::string text, extra_json(report::check_json(check), extras));
    if (supply && verdict.computable) {
      ATML_TRY(text, with_battery(text, verdict, target, *supply));
    }
    print(text);
    return verdict.deployable() ? kExitDone : kExitNothingFits;
  }
  std::string text = report::check_table(check, session.colour) + extra_lines(model, extras);
  if (supply && verdict.computable) {
    ATML_TRY(const std::string battery, battery_text(verdict, target, *supply));
    text += battery;
  }
  ATML_TRY(const Alternatives alternatives, alternatives_to(choice, builtin));
  ATML_TRY(const std::string why,
           explanation_text(*oracle, alternatives, model, target, limits, verdict, stop));
  print(text + why);
  return verdict.deployable() ? kExitDone : kExitNothingFits;
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
  command->add_option("--oracle", options->oracle, kOracleHelp)->capture_default_str();
  command->add_option("--duty", options->duty, "inferences per time, e.g. 1/s (with --battery)");
  command->add_option("--battery", options->battery,
                      "usable capacity, e.g. 230mAh: the answer is in days");
  command->add_option("--battery-volts", options->volts, "of the battery")
      ->capture_default_str()
      ->check(CLI::Range(0.5, 100.0));
  command->add_option("--format", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([&action, options] {
    action = [options](const Session& session) { return run_check(session, *options); };
  });
}

}  // namespace atml::cli
