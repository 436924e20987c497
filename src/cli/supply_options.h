// --duty, --battery and --battery-volts of `check`: how many days a battery lasts.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "base/json.h"
#include "deploy/battery.h"

namespace atml::cli {

struct SupplyTexts {
  std::string duty, battery;
  double volts = 3.0;
};
void add_supply_options(CLI::App& command, SupplyTexts& texts);

struct Supply {
  double per_second = 0;
  deploy::Battery battery;
};
/// None where neither option was given.
Result<std::optional<Supply>> supply_of(const SupplyTexts& texts);

/// The answer in days, or why there is none.
struct Days {
  double per_second = 0;
  bool keeps_up = true;  // false: one inference takes longer than the time between two
  std::string reason;    // why there are no days; empty: there are
  deploy::Endurance endurance;
};
Days days_of(const deploy::Deployability& verdict, const target::Target& target,
             const Supply& supply);
/// Lines of the table, and the object "battery" of the document: days (null: not known),
/// active_share, sleep_known, inferences_per_second, reason.
std::string days_text(const Days& days);
Json days_json(const Days& days);

}  // namespace atml::cli
