#include "cli/limit_options.h"

#include <cstdio>

#include "codegen/firmware.h"
#include "deploy/application.h"

namespace atml::cli {
namespace {

template <class Unit, class Target>
Status take(const char* option, const std::string& text, Result<Unit> (*parse)(std::string_view),
            Target& value) {
  if (text.empty()) return {};
  const auto parsed = parse(text);
  if (!parsed.ok()) return parsed.error().with_context(option);
  value = *parsed;
  return {};
}

// The part that an application's ELF is counted for.
std::string target_of(const LimitTexts& t, const search::Settings& s) {
  if (!s.target.empty() || t.command == nullptr) return s.target;
  const CLI::Option* option = t.command->get_option_no_throw("--target");
  return option == nullptr || option->empty() ? "" : option->results().back();
}

Status add_application(const LimitTexts& t, search::Settings& s) {
  if (t.app.empty()) return {};
  const std::string name = target_of(t, s);
  if (name == "any") {
    return Error{Code::kInvalidArgument,
                 "--app: a firmware is linked for one part; name it with --target, or give "
                 "--reserve-flash and --reserve-ram"};
  }
  ATML_TRY(const target::Target target, target::find_target(name));
  const auto application = deploy::read_application(t.app, target);
  if (!application.ok()) return application.error().with_context("--app");
  s.reserve_flash += application->flash;
  s.reserve_ram += application->ram;
  std::fputs((application->text + "\n").c_str(), stderr);
  return {};
}

}  // namespace

void add_limit_options(CLI::App& command, LimitTexts& texts) {
  command.add_option("--flash", texts.flash,
                     "flash for the whole firmware, e.g. 64KiB (default: the part's)");
  command.add_option("--ram", texts.ram, "RAM for the whole firmware: arena, static data, stack");
  command.add_option("--latency", texts.latency, "longest inference, e.g. 100ms");
  command.add_option("--energy", texts.energy, "most energy per inference, e.g. 300uJ");
  command.add_option("--reserve-flash", texts.reserve_flash,
                     "flash that the rest of the application takes");
  command.add_option("--reserve-ram", texts.reserve_ram,
                     "RAM that the rest of the application takes");
  command.add_option("--app", texts.app,
                     "an existing firmware (ELF): what it takes is added to both reserves");
  texts.command = &command;
  command.add_option("--oracle-timeout", texts.oracle_timeout,
                     "longest wait for one answer of an external oracle, e.g. 5s (default: 1min)");
  command.add_option("--optimize", texts.optimize,
                     "the firmware: speed, balanced or size (default: balanced)");
}

Status parse_limits(const LimitTexts& t, search::Settings& s) {
  ATML_TRY_STATUS(take("--flash", t.flash, parse_bytes, s.flash));
  ATML_TRY_STATUS(take("--ram", t.ram, parse_bytes, s.ram));
  ATML_TRY_STATUS(take("--latency", t.latency, parse_seconds, s.latency));
  ATML_TRY_STATUS(take("--energy", t.energy, parse_joules, s.energy));
  ATML_TRY_STATUS(take("--reserve-flash", t.reserve_flash, parse_bytes, s.reserve_flash));
  ATML_TRY_STATUS(take("--reserve-ram", t.reserve_ram, parse_bytes, s.reserve_ram));
  ATML_TRY_STATUS(take("--oracle-timeout", t.oracle_timeout, parse_seconds, s.oracle_timeout));
  if (s.oracle_timeout.value <= 0 || s.oracle_timeout.value > 86400)
    return Error{Code::kInvalidArgument, "--oracle-timeout must be between 0 and a day, e.g. 5s"};
  const auto optimize = codegen::parse_optimize(t.optimize);
  if (!optimize.ok()) return optimize.error().with_context("--optimize");
  s.optimize = t.optimize;
  return add_application(t, s);
}

}  // namespace atml::cli
