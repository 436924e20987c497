#include "search/settings.h"

#include <fmt/format.h>

namespace atml::search {
namespace {

template <class Unit>
Json optional_value(const std::optional<Unit>& unit) {
  return unit ? Json(unit->value) : Json();
}

std::optional<Bytes> bytes_or_none(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(Bytes(json.integer()));
}

Status check_memory(const char* name, Bytes limit, Bytes reserve, Bytes available,
                    const std::string& part) {
  if (limit > available) {
    return Error{
        Code::kInvalidArgument,
        fmt::format("--{} {} is more than the {} that {} has; leave it out to use all of it", name,
                    to_text(limit), to_text(available), part)};
  }
  if (limit.value <= 0 || reserve >= limit) {
    return Error{Code::kInvalidArgument,
                 fmt::format("--reserve-{} {} leaves nothing of the {} of {}; reserve less", name,
                             to_text(reserve), to_text(limit), name)};
  }
  return {};
}

}  // namespace

Json to_json(const Settings& s) {
  Json json = Json::object();
  json.set("data", s.data).set("target", s.target);
  json.set("flash", optional_value(s.flash)).set("ram", optional_value(s.ram));
  json.set("latency_s", optional_value(s.latency)).set("energy_j", optional_value(s.energy));
  json.set("reserve_flash", s.reserve_flash.value).set("reserve_ram", s.reserve_ram.value);
  json.set("budget_s", optional_value(s.budget)).set("trials", s.trials ? Json(*s.trials) : Json());
  json.set("strategy", s.strategy).set("space", s.space);
  json.set("seed", std::to_string(s.seed))
      .set("jobs", s.jobs);  // text: 64 bits do not fit a JSON number
  json.set("epochs", s.epochs).set("final_epochs", s.final_epochs);
  json.set("finalists", s.finalists).set("final_seeds", s.final_seeds);
  json.set("optimize", s.optimize);
  json.set("single_rounding", s.single_rounding).set("fine_tune", s.fine_tune);
  json.set("inherit", s.inherit).set("distil", s.distil);
  json.set("oracle", s.oracle).set("oracle_timeout_s", s.oracle_timeout.value);
  return json;
}

Result<Settings> settings_from_json(const Json& json) {
  if (!json.is_object() || !json["data"].is_string() || !json["target"].is_string()) {
    return Error{Code::kParse, "the study's settings are damaged: 'data' or 'target' is missing"};
  }
  Settings s;
  s.data = json["data"].string();
  s.target = json["target"].string();
  s.flash = bytes_or_none(json["flash"]);
  s.ram = bytes_or_none(json["ram"]);
  if (!json["latency_s"].is_null()) s.latency = Seconds(json["latency_s"].number());
  if (!json["energy_j"].is_null()) s.energy = Joules(json["energy_j"].number());
  s.reserve_flash = Bytes(json["reserve_flash"].integer());
  s.reserve_ram = Bytes(json["reserve_ram"].integer());
  if (!json["budget_s"].is_null()) s.budget = Seconds(json["budget_s"].number());
  if (!json["trials"].is_null()) s.trials = static_cast<int>(json["trials"].integer());
  s.strategy = json["strategy"].string();
  s.space = json["space"].string();
  s.seed = std::strtoull(json["seed"].string().c_str(), nullptr, 10);
  s.jobs = static_cast<int>(json["jobs"].integer());
  s.epochs = static_cast<int>(json["epochs"].integer());
  s.final_epochs = static_cast<int>(json["final_epochs"].integer());
  s.finalists = static_cast<int>(json["finalists"].integer(3));
  s.final_seeds = static_cast<int>(json["final_seeds"].integer(3));
  if (json["optimize"].is_string()) s.optimize = json["optimize"].string();  // absent before 0.2
  s.single_rounding = json["single_rounding"].boolean();
  s.fine_tune = !json["fine_tune"].is_null() && json["fine_tune"].boolean();
  s.inherit = !json["inherit"].is_null() && json["inherit"].boolean();
  s.distil = !json["distil"].is_null() && json["distil"].boolean();
  if (json.contains("oracle")) s.oracle = json["oracle"].string();  // older studies: the default
  if (json.contains("oracle_timeout_s"))
    s.oracle_timeout = Seconds(json["oracle_timeout_s"].number());
  return s;
}

Result<target::Limits> limits_of(const Settings& settings, const target::Target& target) {
  target::Limits limits = target::full_limits(target);
  const Bytes flash = limits.flash;
  const Bytes ram = limits.ram;
  if (settings.flash) limits.flash = *settings.flash;
  if (settings.ram) limits.ram = *settings.ram;
  limits.reserve_flash = settings.reserve_flash;
  limits.reserve_ram = settings.reserve_ram;
  limits.latency = settings.latency;
  limits.energy = settings.energy;
  ATML_TRY_STATUS(check_memory("flash", limits.flash, limits.reserve_flash, flash, target.name));
  ATML_TRY_STATUS(check_memory("ram", limits.ram, limits.reserve_ram, ram, target.name));
  if (limits.energy && target.run_watts() <= 0) {
    return Error{
        Code::kInvalidArgument,
        fmt::format("--energy needs the run current of {}, which its file does not state; "
                    "add microamps_per_mhz to a copy of the file and pass that as --target",
                    target.name)};
  }
  return limits;
}

}  // namespace atml::search
