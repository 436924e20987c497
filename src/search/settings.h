// Settings: what a person asks of a search; kept in the study, so that `resume` needs nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/units.h"
#include "target/target.h"

namespace atml::search {

struct Settings {
  std::string data;            // built-in name, file or folder
  std::string target;          // catalogue name or .toml file
  std::optional<Bytes> flash;  // absent: the part's own
  std::optional<Bytes> ram;
  std::optional<Seconds> latency;  // absent: no limit
  std::optional<Joules> energy;
  Bytes reserve_flash;  // for the rest of the application
  Bytes reserve_ram;
  std::optional<Seconds> budget;   // wall time of the whole job, finalists and report included
  std::optional<int> trials;       // proposals at most; without budget and trials: kDefaultBudget
  std::string oracle = "builtin";  // or "analytic", "external:COMMAND"
  Seconds oracle_timeout{60};      // of one answer of an external command
  std::string strategy = "bayes";
  std::string space;  // name or file; empty: by the shape of the data
  std::uint64_t seed = 1;
  int jobs = 0;          // workers; 0: one per core
  int epochs = 0;        // of a full training in the search; 0: planned from budget and data
  int final_epochs = 0;  // of a finalist; 0: planned from the time that is left
  int finalists = 3;     // at most
  int final_seeds = 0;   // trainings per finalist; 0: planned from the time that is left
  std::string optimize = "balanced";  // the firmware: speed, balanced or size
  bool single_rounding = false;       // requantisation semantics of every model of the study

  bool fine_tune = true;  // finalists end with quantisation-aware fine tuning; false in studies
                          // that were begun before it existed
  bool inherit = false;   // trials may begin with the weights of a trained neighbour
  bool distil = false;    // finalists follow a larger network of the study, where there is one

  bool operator==(const Settings&) const = default;
};

inline constexpr Seconds kDefaultBudget{600};

Json to_json(const Settings& settings);
Result<Settings> settings_from_json(const Json& json);

/// The limits that settings mean for a target. Fails where a limit exceeds the part or the reserve
/// leaves nothing, naming both figures.
Result<target::Limits> limits_of(const Settings& settings, const target::Target& target);

}  // namespace atml::search
