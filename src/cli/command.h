// A command of the program: its options and what it does. One file per command, one line each in
// main.cpp.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/events.h"
#include "base/result.h"
#include "base/units.h"

namespace atml::cli {

/// Exit codes of the design. Scripts rely on them: do not change.
inline constexpr int kExitDone = 0;
inline constexpr int kExitNothingFits = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitBug = 70;
inline constexpr int kExitInterrupted = 130;

/// What all commands share; filled by main from the global options.
struct Session {
  bool quiet = false;
  bool verbose = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool colour = false;  // NO_COLOR and pipes switch it off
  const std::atomic<bool>* interrupt = nullptr;
  EventSink* events = nullptr;
};

/// Runs after parsing; returns an exit code, or an Error that main prints with exit code 2.
using Action = std::function<Result<int>(const Session&)>;

inline constexpr const char* kCompressHelp =
    "store the weights of dense layers in fewer bits where that saves flash; they are decoded "
    "while "
    "the layer runs: same output bytes, many more instructions";

/// Adds a subcommand and sets `action` when it is the one that was chosen.
void add_search(CLI::App& app, Action& action);
void add_resume(CLI::App& app, Action& action);
void add_trials(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_dashboard(CLI::App& app, Action& action);
void add_check(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_evaluate(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_data(CLI::App& app, Action& action);
void add_targets(CLI::App& app, Action& action);
void add_spaces(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);

/// Result of a command to stdout. A closed pipe is no error.
void print(const std::string& text);

/// --format table|json|csv with the default table.
void add_format(CLI::App& command, std::string& format);

}  // namespace atml::cli
