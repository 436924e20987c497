#include "deploy/serial_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "base/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "base/random.h"
#include "base/text.h"
#include "deploy/limits.h"
#include "deploy/serial_firmware.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;
using serial::Session;

constexpr double kClockTolerance = 0.01;
// The board measures from the network's caller down. Above it a firmware has the frames of start-up
// and main: this is what they take in the emulated measurement.
constexpr Bytes kCallerFrames(64);
constexpr double kTimingBudget = 5;  // seconds of repeated inferences

struct Asked {
  const quantize::Int8Model& model;
  const target::Target& target;
  std::uint64_t model_id = 0, build_id = 0;

  std::size_t elements(int tensor) const {
    return static_cast<std::size_t>(model.tensor(tensor).shape.elements());
  }
};

struct Measured {
  serial::SelfTestReply self_test;
  serial::TimeReply time;
  double clock_hz = 0;
};

Error wrong(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

// What every conversation starts with: is this the firmware that was asked about?
Status verify(const serial::Hello& hello, const Asked& asked) {
  if (hello.model_id != asked.model_id) {
    return wrong(fmt::format(
        "the board holds another model: '{}' {:016x}, asked was '{}' {:016x}; flash it, or give a "
        "flash command",
        hello.name, hello.model_id, asked.model.name, asked.model_id));
  }
  const std::string target = serial::board_name(asked.target.name);
  if (hello.target != target)
    return wrong(
        fmt::format("the board's firmware was built for '{}', asked was '{}'; flash it "
                    "again",
                    hello.target, target));
  if (hello.build_id != asked.build_id)
    return wrong(
        fmt::format("the board's firmware is another build of the model ({:016x}, this "
                    "program builds {:016x}); flash it again",
                    hello.build_id, asked.build_id));
  if (hello.input_bytes != asked.elements(asked.model.input) ||
      hello.output_bytes != asked.elements(asked.model.output))
    return wrong(
        fmt::format("the board's model has {} input and {} output bytes, asked were {} "
                    "and {}",
                    hello.input_bytes, hello.output_bytes, asked.elements(asked.model.input),
                    asked.elements(asked.model.output)));
  if (std::abs(hello.clock_hz - asked.target.clock_hz) > kClockTolerance * asked.target.clock_hz)
    return wrong(
        fmt::format("the board runs at {:.6g} MHz, target '{}' at {:.6g} MHz; correct "
                    "the port's clock set-up or clock_mhz of the target",
                    1e-6 * hello.clock_hz, asked.target.name, 1e-6 * asked.target.clock_hz));
  return {};
}

Status judge_self_test(const serial::SelfTestReply& reply) {
  if (reply.stack_bytes >= reply.stack_room)
    return wrong(fmt::format("the stack overflowed on the board: {} bytes were free for it",
                             reply.stack_room));
  if (reply.passed && reply.crc == reply.expected_crc) return {};
  return wrong(fmt::format("the self-test failed on the board: checksum {:08x} instead of {:08x}",
                           reply.crc, reply.expected_crc));
}

Result<serial::TimeReply> time_inferences(Session& session, int runs, double clock_hz) {
  ATML_TRY(const serial::TimeReply first, session.time(1, Seconds(0)));
  const double each = static_cast<double>(first.median) / clock_hz;
  const int count = std::clamp(static_cast<int>(std::min(kTimingBudget / each, 1e3)), 1, runs);
  if (count == 1) return first;
  return session.time(count, Seconds(each));
}

Status compare(Session& session, const Asked& asked, const SerialOptions& options,
               Seconds expected) {
  const std::size_t in = asked.elements(asked.model.input);
  const std::size_t out = asked.elements(asked.model.output);
  const auto count = static_cast<std::size_t>(options.samples);
  const std::vector<std::int8_t> inputs = quantize::random_inputs(asked.model, count, options.seed);
  quantize::Interpreter interpreter(asked.model);
  std::vector<std::int8_t> wanted(out);
  for (std::size_t n = 0; n < count; ++n) {
    const std::span<const std::int8_t> sample(inputs.data() + n * in, in);
    interpreter.run(sample, wanted);
    ATML_TRY(const std::string found,
             session.infer({reinterpret_cast<const char*>(sample.data()), in}, out, expected));
    for (std::size_t i = 0; i < out; ++i) {
      const int got = static_cast<std::int8_t>(found[i]);
      if (got != wanted[i])
        return wrong(
            fmt::format("the board's output differs from the reference interpreter: "
                        "sample {}, element {}: {} instead of {}",
                        n, i, got, static_cast<int>(wanted[i])));
    }
  }
  return {};
}

Result<Measured> measure_once(Session& session, const Asked& asked, const SerialOptions& options) {
  Measured measured;
  ATML_TRY(const serial::Hello hello, session.hello());
  ATML_TRY_STATUS(verify(hello, asked));
  measured.clock_hz = hello.clock_hz;
  ATML_TRY(measured.self_test, session.self_test());
  ATML_TRY_STATUS(judge_self_test(measured.self_test));
  ATML_TRY(measured.time, time_inferences(session, std::clamp(options.runs, 1, serial::kMostRuns),
                                          hello.clock_hz));
  const double each = static_cast<double>(measured.time.median) / hello.clock_hz;
  ATML_TRY_STATUS(compare(session, asked, options, Seconds(each)));
  return measured;
}

// A reset begins everything again, with another firmware perhaps: hello asks.
Result<Measured> measure(Session& session, const Asked& asked, const SerialOptions& options) {
  for (int resets = 0;; ++resets) {
    auto measured = measure_once(session, asked, options);
    if (measured.ok() || measured.error().code != Code::kConflict) return measured;
    if (resets >= options.resets) {
      return Error{Code::kUnavailable,
                   fmt::format("the measurement was interrupted {} times, last: {}; does the board "
                               "reset or fault?",
                               resets + 1, measured.error().message)};
    }
  }
}

std::string quoted(const std::string& path) {
  std::string text = "'";
  for (const char c : path) {
    if (c == '\'') {
      text += "'\\''";
    } else {
      text += c;
    }
  }
  return text + "'";
}

// Empty: the firmware is on the board; else why not.
Result<std::string> flash(const SerialOptions& options, const fs::path& elf,
                          const StopToken& stop) {
  if (options.flash_command.empty()) return std::string();
  std::string text = options.flash_command;
  const std::string path = quoted(elf.string());
  for (std::size_t at = text.find("{elf}"); at != std::string::npos;
       at = text.find("{elf}", at + path.size()))
    text.replace(at, 5, path);
  Command command{.argv = {"sh", "-c", text}, .environment = {{"AUTOTINYML_ELF", elf.string()}}};
  command.timeout =
      Seconds(std::clamp(stop.deadline() - now_seconds(), 0.01, options.flash_timeout.value));
  ATML_TRY(const ProcessResult result, run_process(command));
  const std::string words = trim(result.err).substr(0, 300);
  if (result.exit_code == 126 || result.exit_code == 127)
    return Error{Code::kNotFound, fmt::format("the flash command '{}' cannot be run: {}",
                                              options.flash_command, words)};
  if (result.succeeded()) return std::string();
  return "the flash command " + result.ending() + (words.empty() ? "" : ": " + words);
}

Deployability not_computable(std::string reason, const Timings& timings) {
  Deployability d;
  d.reason = std::move(reason);
  d.timings = timings;
  return d;
}

Deployability linked_figures(const Production& production, const Toolchain& tools) {
  Deployability d;
  d.computable = true;
  d.origin = fmt::format("linked ELF ({})", tools.version());
  d.flash = production.flash;
  d.arena = production.arena;
  d.statics = production.statics;
  d.ram = d.arena + d.statics;
  for (const codegen::OpInfo& op : production.firmware.ops) {
    d.flash_split.weights += op.weights;
    d.flash_split.tables += op.tables;
  }
  // Not told apart here: code, start-up, main and initial values.
  d.flash_split.code = d.flash - d.flash_split.weights - d.flash_split.tables;
  d.timings = production.timings;
  return d;
}

void add_measured(const Measured& measured, const target::Target& target,
                  const std::string& address, Deployability& d) {
  const auto cycles = [](std::uint64_t n) { return Cycles(static_cast<std::int64_t>(n)); };
  d.stack = Bytes(measured.self_test.stack_bytes) + kCallerFrames;
  d.ram = d.arena + d.statics + d.stack;
  d.cycles = {cycles(measured.time.low), cycles(measured.time.median), cycles(measured.time.high)};
  d.latency = Seconds(static_cast<double>(measured.time.median) / measured.clock_hz);
  d.energy = Joules(d.latency.value * target.run_watts());
  d.origin = fmt::format("measured on board {} ({:.6g} MHz, {} inferences); {}", address,
                         1e-6 * measured.clock_hz, measured.time.runs, d.origin);
}

Status keep(const fs::path& elf, const fs::path& copy) {
  if (copy.empty()) return {};
  ATML_TRY(const std::string bytes, read_file(elf));
  return write_file(copy, bytes);
}

}  // namespace

struct SerialOracle::State {
  serial::Address address;
  SerialOptions options;
  ModelWriter writer;
  Workbench workbench;
  std::mutex mutex;  // one board

  Result<Deployability> check(const Asked& question, const target::Limits& limits,
                              const StopToken& stop);
  Result<Deployability> ask_board(const Asked& asked, const fs::path& elf, Deployability linked,
                                  const StopToken& stop);
};

SerialOracle::SerialOracle(std::unique_ptr<State> state) : state_(std::move(state)) {}
SerialOracle::~SerialOracle() = default;
std::string SerialOracle::name() const { return "serial:" + state_->address.text; }

Result<std::unique_ptr<SerialOracle>> SerialOracle::create(std::string_view address,
                                                           SerialOptions options,
                                                           ModelWriter writer) {
  ATML_TRY(serial::Address parsed, serial::parse_address(address));
  if (!options.port.empty()) ATML_TRY_STATUS(read_file(options.port));
  ATML_TRY(Workbench workbench, Workbench::create());
  return std::unique_ptr<SerialOracle>(new SerialOracle(std::unique_ptr<State>(new State{
      std::move(parsed), std::move(options), std::move(writer), std::move(workbench), {}})));
}

Result<Deployability> SerialOracle::State::ask_board(const Asked& asked, const fs::path& elf,
                                                     Deployability linked, const StopToken& stop) {
  const double started = now_seconds();
  ATML_TRY(const std::string unflashed, flash(options, elf, stop));
  if (!unflashed.empty()) return not_computable(unflashed, linked.timings);
  ATML_TRY(Session session, Session::open(address, options.session, stop));
  const auto measured = measure(session, asked, options);
  linked.timings.emulate = Seconds(now_seconds() - started);
  if (!measured.ok() && measured.error().code == Code::kCancelled) return measured.error();
  if (!measured.ok()) return not_computable(measured.error().message, linked.timings);
  add_measured(*measured, asked.target, address.text, linked);
  return linked;
}

Result<Deployability> SerialOracle::State::check(const Asked& question,
                                                 const target::Limits& limits,
                                                 const StopToken& stop) {
  Asked asked = question;
  ATML_TRY(const ScratchFolder folder, ScratchFolder::create());
  const auto file = writer(asked.model);
  if (!file.ok()) return not_computable("the model cannot be written: " + file.error().message, {});
  asked.model_id = fnv1a(*file);
  ATML_TRY(
      const Production production,
      workbench.build(asked.model, asked.target, {.optimize = options.optimize}, folder.path()));
  if (!production.failure.empty()) return not_computable(production.failure, production.timings);
  ATML_TRY(const ToolKit* kit, workbench.kit(asked.target.core));
  Deployability linked = linked_figures(production, kit->tools);
  linked.violations = find_violations(linked, limits);
  if (!linked.violations.empty()) {
    linked.origin += ", not run on the board";
    return linked;
  }
  if (!production.fits_part)
    return not_computable("the firmware does not fit the part's memory map", production.timings);
  ATML_TRY(const serial::BoardFirmware firmware,
           serial::build_board_firmware(
               kit->tools, asked.model, asked.target, production,
               {.model_id = asked.model_id, .port = options.port, .folder = folder.path()}));
  if (!firmware.failure.empty()) return not_computable(firmware.failure, production.timings);
  ATML_TRY_STATUS(keep(firmware.elf, options.keep_firmware));
  asked.build_id = firmware.build_id;
  ATML_TRY(Deployability d, ask_board(asked, firmware.elf, std::move(linked), stop));
  if (d.computable) d.violations = find_violations(d, limits);
  return d;
}

Result<Deployability> SerialOracle::check(const quantize::Int8Model& model,
                                          const target::Target& target,
                                          const target::Limits& limits, const StopToken& stop) {
  const std::lock_guard lock(state_->mutex);
  if (stop.stop_requested()) return Error{Code::kCancelled, "deployability check cancelled"};
  ATML_TRY(Deployability d, state_->check({model, target}, limits, stop));
  if (d.origin.empty()) d.origin = name();
  return d;
}

namespace {

Error bad_spec(std::string_view spec, const std::string& what) {
  return {Code::kInvalidArgument,
          fmt::format("oracle '{}': {}; write serial:ADDRESS[,port=FILE.c][,keep=FILE.elf]"
                      "[,flash=COMMAND], for example serial:/dev/ttyACM0@115200",
                      spec, what)};
}

// What stands behind the address.
Status read_words(std::string_view spec, std::string_view words, SerialOptions& options) {
  while (!words.empty()) {
    words.remove_prefix(1);  // the comma
    const bool flash = words.starts_with("flash=");
    const std::string_view word = flash ? words : words.substr(0, words.find(','));
    const std::size_t equals = word.find('=');
    const std::string_view key = word.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? "" : word.substr(equals + 1));
    if (value.empty()) return bad_spec(spec, fmt::format("'{}' has no value", key));
    if (flash) {
      options.flash_command = value;
    } else if (key == "port") {
      options.port = value;
    } else if (key == "keep") {
      options.keep_firmware = value;
    } else {
      const std::vector<std::string> known{"port", "keep", "flash"};
      return bad_spec(spec, fmt::format("unknown word '{}'{}", key, suggestion(key, known)));
    }
    words.remove_prefix(word.size());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Oracle>> make_serial_oracle(std::string_view spec, SerialOptions options,
                                                   ModelWriter writer) {
  constexpr std::string_view kPrefix = "serial:";
  if (!spec.starts_with(kPrefix)) return bad_spec(spec, "it is no board");
  const std::string_view text = spec.substr(kPrefix.size());
  const std::size_t comma = std::min(text.find(','), text.size());
  ATML_TRY_STATUS(read_words(spec, text.substr(comma), options));
  ATML_TRY(std::unique_ptr<SerialOracle> oracle,
           SerialOracle::create(text.substr(0, comma), std::move(options), std::move(writer)));
  return std::unique_ptr<Oracle>(std::move(oracle));
}

}  // namespace atml::deploy
