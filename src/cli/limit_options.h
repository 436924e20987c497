// What search and check share, as typed: the limits, and what the firmware is optimised for.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "search/settings.h"

namespace atml::cli {

inline constexpr const char* kOracleHelp =
    "what answers deployability: builtin (compile and emulate), analytic (bounds), "
    "external:COMMAND or serial:ADDRESS (a board, see docs/board-protocol.md)";

struct LimitTexts {
  std::string flash, ram, latency, energy, reserve_flash, reserve_ram;
  std::string app;                    // an ELF file, counted for the command's --target
  const CLI::App* command = nullptr;  // that has the options
  std::string oracle_timeout;
  std::string optimize = "balanced";
};

void add_limit_options(CLI::App& command, LimitTexts& texts);

/// Writes what was typed into the settings; errors name the option. What --app takes is added to
/// the reserves, for settings.target or, where that is empty, the command's --target; what was
/// counted goes to stderr.
Status parse_limits(const LimitTexts& texts, search::Settings& settings);

}  // namespace atml::cli
