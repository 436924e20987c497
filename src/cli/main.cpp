// The program: global options, signals, exit codes. Commands are in files of their own.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "search/fill_report.h"

namespace {

std::atomic<bool> interrupted{false};

// The first Ctrl-C asks the stages to stop and record what they have; a second one does not wait.
void on_signal(int) {
  if (interrupted.exchange(true)) _exit(atml::cli::kExitInterrupted);
}

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// CLI11's message, with "did you mean" for an unknown command or option.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const CLI::App* command = &app;
  for (const CLI::App* sub : app.get_subcommands()) command = sub;
  std::vector<std::string> commands;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back(sub->get_name());
  std::vector<std::string> options = option_names(*command);
  if (command != &app) std::ranges::copy(option_names(app), std::back_inserter(options));
  for (int i = 1; i < argc; ++i) {
    const std::string word = atml::split(argv[i], '=')[0];
    if (word.starts_with("--") && std::ranges::find(options, word) == options.end()) {
      return fmt::format("unknown option '{}'{}", word, atml::suggestion(word, options));
    }
    if (command == &app && !word.starts_with("-")) {
      return fmt::format("unknown command '{}'{}", word, atml::suggestion(word, commands));
    }
  }
  return fmt::format("{}; see autotinyml {}{}--help", error.what(),
                     command == &app ? "" : command->get_name(), command == &app ? "" : " ");
}

}  // namespace

namespace atml::cli {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void add_format(CLI::App& command, std::string& format) {
  command.add_option("--format", format, "table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
}

int main_with(int argc, char** argv) {
  CLI::App app{
      "designs, trains, quantises, compiles and verifies the best neural network that fits a "
      "microcontroller"};
  app.name("autotinyml");
  app.require_subcommand(1);
  app.set_version_flag("--version", "autotinyml " + search::version());
  Session session;
  app.add_flag("-q,--quiet", session.quiet, "no progress, only results and warnings");
  app.add_flag("-v,--verbose", session.verbose, "tell what is done, and each external command");
  app.fallthrough();
  Action action;
  for (const auto add : {add_search, add_resume, add_trials, add_report, add_dashboard, add_check, add_export,
                         add_evaluate, add_run, add_data, add_targets, add_spaces, add_doctor}) {
    add(app, action);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "error: %s\n", usage_error(app, error, argc, argv).c_str());
    return kExitUsage;
  }
  session.out_is_terminal = isatty(STDOUT_FILENO) != 0;
  session.err_is_terminal = isatty(STDERR_FILENO) != 0;
  const char* no_colour = std::getenv("NO_COLOR");
  const bool want_colour = no_colour == nullptr || *no_colour == '\0';
  session.colour = want_colour && session.out_is_terminal;
  session.interrupt = &interrupted;
  install_signal_handlers();
  Terminal terminal(session.err_is_terminal, want_colour && session.err_is_terminal, session.quiet,
                    session.verbose);
  session.events = &terminal;
  const Result<int> code = action(session);
  terminal.clear();
  if (code.ok()) return *code;
  std::fprintf(stderr, "error: %s\n", code.error().message.c_str());
  return code.error().code == Code::kCancelled ? kExitInterrupted : kExitUsage;
}

}  // namespace atml::cli

int main(int argc, char** argv) {
  try {
    return atml::cli::main_with(argc, argv);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "autotinyml: bug: %s; please report it\n", problem.what());
    return atml::cli::kExitBug;
  }
}
