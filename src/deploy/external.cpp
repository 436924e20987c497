#include "deploy/external.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/process.h"
#include "base/random.h"
#include "base/text.h"
#include "deploy/limits.h"

namespace atml::deploy {
namespace {

constexpr double kMostBytes = 1e12;  // beyond any microcontroller: nonsense
constexpr double kMostSeconds = 1e6;
constexpr double kMostJoules = 1e6;
constexpr double kMostCount = 1e15;

Error bad(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

// A number of the answer in [0, most]; absent: the fallback, or an error where there is none.
Result<double> number(const Json& answer, const std::string& key, double most,
                      std::optional<double> fallback) {
  if (!answer.contains(key)) {
    if (fallback) return *fallback;
    return bad(fmt::format("'{}' is missing", key));
  }
  const Json& value = answer[key];
  if (!value.is_number()) return bad(fmt::format("'{}' is no number", key));
  const double v = value.number();
  if (!std::isfinite(v) || v < 0 || v > most)
    return bad(fmt::format("'{}' is {}, expected 0 to {}", key, v, most));
  return v;
}

Result<Bytes> bytes(const Json& answer, const std::string& key, bool required) {
  ATML_TRY(const double value,
           number(answer, key, kMostBytes, required ? std::nullopt : std::optional(0.0)));
  if (value != std::floor(value))
    return bad(fmt::format("'{}' is {}, expected whole bytes", key, value));
  return Bytes(static_cast<std::int64_t>(value));
}

Cycles whole(double value) { return Cycles(std::llround(value)); }

Result<CycleRange> cycles(const Json& answer) {
  const Json& value = answer["cycles"];
  if (!value.is_object()) {
    ATML_TRY(const double one, number(answer, "cycles", kMostCount, 0.0));
    return CycleRange{whole(one), whole(one), whole(one)};
  }
  ATML_TRY(const double mid, number(value, "mid", kMostCount, std::nullopt));
  ATML_TRY(const double low, number(value, "low", kMostCount, mid));
  ATML_TRY(const double high, number(value, "high", kMostCount, mid));
  if (low > mid || mid > high) return bad("'cycles' are not in the order low, mid, high");
  return CycleRange{whole(low), whole(mid), whole(high)};
}

// The whole output, or its last line: tools like to talk before they answer.
Result<Json> find_json(std::string_view output) {
  const std::string text = trim(output);
  if (text.empty()) return bad("it printed nothing");
  auto whole_text = Json::parse(text);
  if (!whole_text.ok()) whole_text = Json::parse(text.substr(text.rfind('\n') + 1));
  if (whole_text.ok() && whole_text->is_object()) return whole_text;
  return bad(fmt::format("it printed no JSON object: '{}'", text.substr(0, 80)));
}

Status read_figures(const Json& answer, Deployability& d) {
  ATML_TRY(d.flash, bytes(answer, "flash_bytes", true));
  ATML_TRY(d.ram, bytes(answer, "ram_bytes", true));
  ATML_TRY(d.arena, bytes(answer, "arena_bytes", false));
  ATML_TRY(d.stack, bytes(answer, "stack_bytes", false));
  if (d.arena + d.stack > d.ram)
    return bad("'arena_bytes' and 'stack_bytes' are more than 'ram_bytes'");
  d.statics = d.ram - d.arena - d.stack;
  ATML_TRY(const double instructions, number(answer, "instructions", kMostCount, 0.0));
  d.instructions = Instructions(std::llround(instructions));
  ATML_TRY(d.cycles, cycles(answer));
  ATML_TRY(const double latency, number(answer, "latency_ms", 1e3 * kMostSeconds, 0.0));
  d.latency = Seconds(1e-3 * latency);
  ATML_TRY(const double energy, number(answer, "energy_uj", 1e6 * kMostJoules, 0.0));
  d.energy = Joules(1e-6 * energy);
  return {};
}

// What a command said goes to terminals, documents and the study: plain ASCII in one line.
std::string plain_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  std::ranges::replace_if(
      text, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

Deployability not_computable(const std::string& reason) {
  Deployability d;
  d.reason = plain_line(reason);
  return d;
}

// What a limit needs and the answer lacks.
std::string unanswered(const Deployability& d, const target::Limits& limits) {
  if (limits.latency && d.latency.value == 0)
    return "the answer has no 'latency_ms', which the latency limit needs";
  if (limits.energy && d.energy.value == 0)
    return "the answer has no 'energy_uj', which the energy limit needs";
  return "";
}

// A shell reports a killed command as exit code 128 + signal.
std::string ending_of(const ProcessResult& result) {
  constexpr int kKilled = 128;
  constexpr int kLastSignal = 64;
  const int signal = result.exit_code - kKilled;
  if (result.signal != 0 || result.timed_out || signal <= 0 || signal > kLastSignal)
    return result.ending();
  return fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal));
}

Deployability judge(const ProcessResult& result, const std::string& id,
                    const target::Limits& limits) {
  if (!result.succeeded()) {
    const std::string words = trim(result.err).substr(0, 200);
    return not_computable("the command " + ending_of(result) + (words.empty() ? "" : ": " + words));
  }
  if (result.truncated) return not_computable("the command printed more than 1 MiB");
  auto answer = parse_answer(result.out, id);
  if (!answer.ok())
    return not_computable("the command's answer is not usable: " + answer.error().message);
  Deployability d = std::move(*answer);
  if (!d.computable) return d;
  const std::string missing = unanswered(d, limits);
  if (!missing.empty()) return not_computable(missing);
  d.violations = find_violations(d, limits);
  return d;
}

}  // namespace

Result<Deployability> parse_answer(std::string_view output, std::string_view id) {
  ATML_TRY(const Json answer, find_json(output));
  if (!answer["model"].is_string())
    return bad("'model' is missing; answer with the id in AUTOTINYML_MODEL_ID");
  if (answer["model"].string() != id)
    return bad(fmt::format("it is for model '{}', asked was '{}'",
                           answer["model"].string().substr(0, 40), id));
  if (!answer["computable"].boolean(true)) {
    const std::string reason = answer["reason"].string().substr(0, 300);
    return not_computable(reason.empty() ? "the command refused the model without a reason"
                                         : reason);
  }
  Deployability d;
  ATML_TRY_STATUS(read_figures(answer, d));
  d.computable = true;
  return d;
}

std::string absolute_command(const std::string& command) {
  std::string text;
  for (const std::string& word : split(command, ' ')) {
    const std::filesystem::path path(word);
    const bool plain = word.find_first_of("'\"\\$`*?&|;<>(){}[]#~!") == std::string::npos;
    const bool in_path = text.empty() && word.find('/') == std::string::npos;
    std::error_code none;
    const bool beside_us =
        plain && !in_path && path.is_relative() && std::filesystem::is_regular_file(path, none);
    const std::string absolute =
        beside_us
            ? Command{.argv = {std::filesystem::absolute(path).lexically_normal().string()}}.text()
            : word;
    text += (text.empty() ? "" : " ") + absolute;
  }
  return text;
}

Result<Deployability> ExternalOracle::check(const quantize::Int8Model& model,
                                            const target::Target& target,
                                            const target::Limits& limits, const StopToken& stop) {
  if (stop.stop_requested()) return Error{Code::kCancelled, "deployability check cancelled"};
  ATML_TRY(const ScratchFolder folder, ScratchFolder::create());
  const double started = now_seconds();
  const auto file = writer_(model);
  if (!file.ok()) return not_computable("the model cannot be written: " + file.error().message);
  const auto path = folder.path() / options_.file_name;
  ATML_TRY_STATUS(write_scratch_file(path, *file));
  const std::string id = fmt::format("{:016x}", fnv1a(*file));
  Command command{.argv = {"sh", "-c", options_.command + " \"$@\"", "external", path.string()},
                  .working_folder = folder.path()};
  command.environment = {{"AUTOTINYML_MODEL_ID", id},
                         {"AUTOTINYML_TARGET", target.name},
                         {"AUTOTINYML_FLASH", fmt::format("{}", limits.usable_flash().value)},
                         {"AUTOTINYML_RAM", fmt::format("{}", limits.usable_ram().value)}};
  command.timeout = options_.timeout;
  command.stop = [&stop] { return stop.stop_requested(); };
  const double generated = now_seconds();
  ATML_TRY(const ProcessResult result, run_process(command));
  if (result.stopped) return Error{Code::kCancelled, "deployability check cancelled"};
  if (result.exit_code == 126 || result.exit_code == 127) {
    return Error{Code::kNotFound, fmt::format("the external command '{}' cannot be run: {}",
                                              options_.command, trim(result.err).substr(0, 200))};
  }
  Deployability d = judge(result, id, limits);
  d.origin = name();
  d.timings.generate = Seconds(generated - started);
  d.timings.emulate = result.duration;
  return d;
}

}  // namespace atml::deploy
