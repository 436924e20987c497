// Runs a measurement program in QEMU with the counting plugin (emulator/).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "deploy/board.h"

namespace atml::deploy {

struct AddressRange {
  std::uint32_t low = 0;
  std::uint32_t high = 0;  // first address behind it; 0: no range
};

struct EmulationJob {
  std::string emulator = "qemu-system-arm";
  std::string machine;  // of the emulator's -M
  std::filesystem::path elf;
  std::filesystem::path folder;  // working folder: semihosting files and the plugin's report
  std::uint32_t mark_start = 0;  // addresses of the marker functions
  std::uint32_t mark_stop = 0;
  AddressRange flash, ram, stack;  // what the measured code may touch; flash read-only
  bool aligned_only = false;
  int cache_bytes = 256;                // of the cache for data in flash, for flash_misses; 0: none
  std::vector<std::uint32_t> layers;    // entry addresses; the last entered is the current layer
  std::uint64_t instruction_limit = 0;  // between two markers; 0: none
  Seconds timeout{60};
};

struct ExecutedBlock {
  int layer = -1;  // index into EmulationJob::layers; -1: before the first was entered
  std::uint32_t pc = 0;
  std::uint32_t count = 0;  // instructions
  std::uint32_t end = 0;
  std::uint64_t executions = 0;
  std::uint64_t taken = 0;  // times a branch was taken at its end
};

struct EmulationReport {
  std::string end;      // how the run ended in the plugin's words ("exit", "limit 0x00000124")
  std::string failure;  // why the program did not run to its end; empty: it did
  std::vector<std::uint64_t> windows;  // instructions between each pair of markers
  std::uint32_t lowest_stack = 0;      // lowest address written in the stack range
  std::uint64_t unaligned = 0;         // accesses
  std::uint64_t flash_lines = 0;       // changes of the 16-byte flash line that is read as data
  std::vector<std::uint64_t> flash_misses;  // 32-byte lines that the cache lacked, by layer + 1
  std::vector<ExecutedBlock> blocks;
  Seconds duration{0};  // wall time of the process

  std::uint64_t instructions() const;  // of all windows
};

/// Error when QEMU or the plugin is missing or cannot start. A program that faults, locks up,
/// leaves its memory map, runs away or runs out of time is a report with `failure`.
Result<EmulationReport> emulate(const EmulationJob& job);

/// Parses the plugin's report (format: emulator/count.c). `failure` and `duration` are left empty.
Result<EmulationReport> parse_report(std::string_view text);

/// libatml_count.so: in AUTOTINYML_HOME, beside the installed program (../lib/autotinyml), or in
/// the build tree.
Result<std::filesystem::path> find_plugin();

/// First line of `qemu-system-arm --version`, or of another emulator's; not_found, with the Debian
/// package, where it is missing.
Result<std::string> emulator_version(const std::string& emulator = "qemu-system-arm");

}  // namespace atml::deploy
