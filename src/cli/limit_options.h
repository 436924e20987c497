// What search and check share, as typed: the limits, and what the firmware is optimised for.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "search/settings.h"

namespace atml::cli {

inline constexpr const char* kOracleHelp =
    "what answers deployability: builtin (compile and emulate), analytic (bounds) or "
    "external:COMMAND";

struct LimitTexts {
  std::string flash, ram, latency, energy, reserve_flash, reserve_ram;
  std::string oracle_timeout;
  std::string optimize = "balanced";
};

void add_limit_options(CLI::App& command, LimitTexts& texts);

/// Writes what was typed into the settings; errors name the option.
Status parse_limits(const LimitTexts& texts, search::Settings& settings);

}  // namespace atml::cli
