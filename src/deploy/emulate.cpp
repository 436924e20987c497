#include "deploy/emulate.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <numeric>

#include "base/files.h"
#include "base/text.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;

constexpr int kExitLimit = 98, kExitMap = 99, kExitReport = 97;  // of the plugin
constexpr int kExitFault = 100;                                  // + exception number: the harness
constexpr int kRiscVCause = 32;  // its exception number is this + mcause

Error missing_emulator(const std::string& emulator) {
  return {Code::kNotFound,
          fmt::format("'{}' is not in PATH; install the Debian package {}", emulator,
                      emulator == "qemu-system-arm" ? emulator : "qemu-system-misc")};
}

std::string range_text(const AddressRange& range) {
  return fmt::format("0x{:x}:0x{:x}", range.low, range.high);
}

Result<Command> command_for(const EmulationJob& job) {
  ATML_TRY(const fs::path plugin, find_plugin());
  std::string options = fmt::format("{},start=0x{:x},stop=0x{:x},out=report.txt", plugin.string(),
                                    job.mark_start, job.mark_stop);
  if (job.flash.high != 0) options += ",flash=" + range_text(job.flash);
  if (job.ram.high != 0) options += ",ram=" + range_text(job.ram);
  if (job.stack.high != 0) options += ",stack=" + range_text(job.stack);
  if (job.aligned_only) options += ",align=on";
  if (job.cache_bytes != 0) options += fmt::format(",cache={}", job.cache_bytes);
  if (job.instruction_limit != 0) options += fmt::format(",limit={}", job.instruction_limit);
  if (!job.layers.empty()) {
    std::string lines;
    for (const std::uint32_t address : job.layers) lines += fmt::format("0x{:x}\n", address);
    ATML_TRY_STATUS(write_scratch_file(job.folder / "layers.txt", lines));
    options += ",layers=layers.txt";
  }
  Command command;
  command.argv = {job.emulator,
                  "-M",
                  job.machine,
                  "-nodefaults",
                  "-display",
                  "none",
                  "-monitor",
                  "none",
                  "-serial",
                  "none",
                  "-semihosting-config",
                  "enable=on,target=native",
                  "-kernel",
                  job.elf.string(),
                  "-plugin",
                  options};
  // Else the RISC-V machines start a boot loader first.
  if (job.emulator != "qemu-system-arm") command.argv.insert(command.argv.end(), {"-bios", "none"});
  command.working_folder = job.folder;
  command.timeout = job.timeout;
  return command;
}

std::string exception_name(int number) {
  switch (number) {
    case 3:
      return "hard fault";
    case 4:
      return "memory management fault";
    case 5:
      return "bus fault";
    case 6:
      return "usage fault (undefined instruction, unaligned access or disabled FPU)";
    case kRiscVCause + 0:
    case kRiscVCause + 1:
      return "instruction access fault";
    case kRiscVCause + 2:
      return "illegal instruction";
    case kRiscVCause + 4:
    case kRiscVCause + 5:
      return "load access fault";
    case kRiscVCause + 6:
    case kRiscVCause + 7:
      return "store access fault";
    default:
      return fmt::format("exception {}", number);
  }
}

std::string harness_ending(int code) {
  switch (code) {
    case 10:
      return "the program cannot open its input file";
    case 11:
      return "the program cannot write its output files";
    case 12:
      return "the last input sample is incomplete";
    default:
      return fmt::format("the emulator exited with code {}", code);
  }
}

// "write 0x00000010 0x08000000" of the report as a sentence.
std::string map_violation(const std::vector<std::string>& words) {
  const std::string where = words.size() > 1 ? words[1] : "?";
  const std::string address = words.size() > 2 ? words[2] : "?";
  if (words[0] == "execute") return fmt::format("the code jumped outside flash, to {}", where);
  if (words[0] == "unaligned")
    return fmt::format("unaligned access to {} at {}, which this core cannot do", address, where);
  return fmt::format("{} of {} at {} is outside the memory that the firmware has", words[0],
                     address, where);
}

// How the run ended: first what the plugin saw, then the emulator's exit.
std::string failure_text(const EmulationJob& job, const ProcessResult& result,
                         const std::string& end) {
  const std::vector<std::string> words = split(end, ' ');
  if (words[0] == "limit") {
    return fmt::format("runaway: more than {} instructions without an end, last at {}",
                       with_thousands(static_cast<std::int64_t>(job.instruction_limit)),
                       words.back());
  }
  if (words[0] == "abort")
    return fmt::format("the core locked up (a fault inside a fault), last block at {}",
                       words.back());
  if (result.exit_code == kExitMap) return map_violation(words);
  if (result.timed_out)
    return fmt::format("the emulator was stopped after {} of wall time", to_text(job.timeout));
  if (result.signal != 0)
    return "the emulator " + result.ending() + ": " + trim(result.err).substr(0, 300);
  if (result.exit_code > kExitFault && result.exit_code < kExitFault + 64) {
    return exception_name(result.exit_code - kExitFault) + " while running";
  }
  return result.exit_code == 0 ? "" : harness_ending(result.exit_code);
}

template <class Number>
bool to_number(std::string_view text, Number& value) {
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return code == std::errc() && end == text.data() + text.size();
}

bool parse_block(const std::vector<std::string>& words, ExecutedBlock& block) {
  return words.size() == 7 && to_number(words[1], block.layer) && to_number(words[2], block.pc) &&
         to_number(words[3], block.count) && to_number(words[4], block.end) &&
         to_number(words[5], block.executions) && to_number(words[6], block.taken);
}

bool parse_miss(const std::vector<std::string>& words, EmulationReport& report) {
  int layer = 0;
  std::uint64_t count = 0;
  if (words.size() != 3 || !to_number(words[1], layer) || !to_number(words[2], count)) return false;
  if (layer < -1 || layer > 1 << 16) return false;
  const auto at = static_cast<std::size_t>(layer + 1);
  if (report.flash_misses.size() <= at) report.flash_misses.resize(at + 1, 0);
  report.flash_misses[at] = count;
  return true;
}

bool parse_line(const std::vector<std::string>& words, EmulationReport& report) {
  if (words[0] == "block") return parse_block(words, report.blocks.emplace_back());
  if (words.size() < 2) return false;
  if (words[0] == "miss") return parse_miss(words, report);
  if (words[0] == "window") return to_number(words[1], report.windows.emplace_back());
  if (words[0] == "stack") return to_number(words[1], report.lowest_stack);
  if (words[0] == "unaligned") return to_number(words[1], report.unaligned);
  if (words[0] == "lines") return to_number(words[1], report.flash_lines);
  if (words[0] == "end") {
    report.end = join(std::span(words).subspan(1), " ");
    return true;
  }
  return false;
}

}  // namespace

std::uint64_t EmulationReport::instructions() const {
  return std::accumulate(windows.begin(), windows.end(), std::uint64_t{0});
}

Result<EmulationReport> parse_report(std::string_view text) {
  EmulationReport report;
  int number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    const bool good = number == 1 ? line == "atml-count 1" : parse_line(split(line, ' '), report);
    if (!good)
      return Error{Code::kParse,
                   fmt::format("line {} of the emulator plugin's report is not understood: '{}'",
                               number, line)};
  }
  if (report.end.empty()) return Error{Code::kParse, "the emulator plugin's report is incomplete"};
  return report;
}

Result<EmulationReport> emulate(const EmulationJob& job) {
  ATML_TRY(const Command command, command_for(job));
  std::error_code ignored;
  fs::remove(job.folder / "report.txt", ignored);
  auto started = run_process(command);
  if (!started.ok() && started.error().code == Code::kNotFound)
    return missing_emulator(job.emulator);
  ATML_TRY(const ProcessResult result, std::move(started));
  if (result.exit_code == kExitReport)
    return Error{Code::kIo, "the emulator plugin cannot write its report: " + trim(result.err)};
  EmulationReport report;
  const auto text = read_file(job.folder / "report.txt");
  if (text.ok()) {
    ATML_TRY(report, parse_report(*text));
  }
  if (result.exit_code == 1 && result.signal == 0 &&
      report.windows.empty()) {  // an option, the plugin, the file
    return Error{Code::kUnavailable, fmt::format("{} does not start: {}", job.emulator,
                                                 trim(result.err).substr(0, 300))};
  }
  report.failure = failure_text(job, result, report.end);
  report.duration = result.duration;
  return report;
}

Result<std::string> emulator_version(const std::string& emulator) {
  const auto result = run_process({.argv = {emulator, "--version"}});
  if (!result.ok()) return missing_emulator(emulator);
  if (result->succeeded()) return result->out.substr(0, result->out.find('\n'));
  return Error{Code::kUnavailable, fmt::format("'{} --version' {}: {}", emulator, result->ending(),
                                               trim(result->err).substr(0, 300))};
}

Result<fs::path> find_plugin() {
  constexpr const char* kName = "libatml_count.so";
  std::vector<fs::path> places;
  if (const char* home = std::getenv("AUTOTINYML_HOME"); home != nullptr && *home != '\0') {
    places.push_back(fs::path(home) / kName);
    places.push_back(fs::path(home) / "lib/autotinyml" / kName);
  }
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  places.push_back(program.parent_path().parent_path() / "lib/autotinyml" / kName);
  places.push_back(fs::path(ATML_PLUGIN_BUILD_FOLDER) / kName);
  for (const fs::path& place : places) {
    if (fs::exists(place, ignored)) return place;
  }
  return Error{Code::kNotFound,
               fmt::format("the emulator plugin {} is missing; build the target atml_count or "
                           "install autotinyml completely (looked last in '{}')",
                           kName, places.back().string())};
}

}  // namespace atml::deploy
