#include "cli/supply_options.h"

#include <fmt/format.h>

#include <cstdlib>

namespace atml::cli {
namespace {

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

}  // namespace

Result<std::optional<Supply>> supply_of(const SupplyTexts& texts) {
  if (texts.duty.empty() && texts.battery.empty()) return std::optional<Supply>();
  if (texts.duty.empty() || texts.battery.empty()) {
    return Error{Code::kInvalidArgument,
                 "--duty and --battery belong together, e.g. --duty 1/s --battery 230mAh"};
  }
  Supply supply;
  ATML_TRY(supply.per_second, parse_duty(texts.duty));
  ATML_TRY(supply.battery.milliamp_hours, parse_battery(texts.battery));
  supply.battery.volts = texts.volts;
  return std::optional(supply);
}

void add_supply_options(CLI::App& command, SupplyTexts& texts) {
  command.add_option("--duty", texts.duty, "inferences per time, e.g. 1/s (with --battery)");
  command.add_option("--battery", texts.battery,
                     "usable capacity, e.g. 230mAh: the answer is in days");
  command.add_option("--battery-volts", texts.volts, "of the battery")
      ->capture_default_str()
      ->check(CLI::Range(0.5, 100.0));
}

Days days_of(const deploy::Deployability& verdict, const target::Target& target,
             const Supply& supply) {
  Days days{.per_second = supply.per_second};
  const double busy = supply.per_second * verdict.latency.value;
  if (busy > 1) {
    days.keeps_up = false;
    days.reason = fmt::format(
        "duty: {:g} inferences a second of {} each need {:.0f} % of the processor; at most {:.3g} "
        "a "
        "second are possible",
        supply.per_second, to_text(verdict.latency), 100 * busy, 1 / verdict.latency.value);
    return days;
  }
  const auto e = deploy::endurance(verdict, target, supply.per_second, supply.battery);
  if (e.ok())
    days.endurance = *e;
  else
    days.reason = e.error().message;
  return days;
}

std::string days_text(const Days& days) {
  if (!days.keeps_up) return "";  // a reason of the verdict, said there
  if (!days.reason.empty()) return fmt::format("  battery      not known: {}\n", days.reason);
  std::string text = fmt::format(
      "  battery      {:.1f} days at {:g} inference{} a second; {:.0f} % of the energy is "
      "inference\n",
      days.endurance.days, days.per_second, days.per_second == 1 ? "" : "s",
      100 * days.endurance.active_share);
  if (!days.endurance.sleep_known)
    text += "               sleep current unknown for this part: the days count inference alone\n";
  return text;
}

Json days_json(const Days& days) {
  Json json = Json::object();
  json.set("inferences_per_second", days.per_second);
  if (!days.reason.empty()) return json.set("days", nullptr).set("reason", days.reason);
  return json.set("days", days.endurance.days)
      .set("active_share", days.endurance.active_share)
      .set("sleep_known", days.endurance.sleep_known);
}

}  // namespace atml::cli
