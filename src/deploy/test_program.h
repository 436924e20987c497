// For tests: compiles a small C program with the harness's start-up and runs it on an emulated
// board.
#pragma once

#include <string>

#include "base/files.h"
#include "base/result.h"
#include "deploy/board.h"
#include "deploy/elf.h"
#include "deploy/emulate.h"
#include "deploy/toolchain.h"

namespace atml::deploy {

/// The program defines `void measured(void)`, which runs once between the markers, and may use
/// `uint8_t atml_arena[]` (1 KiB, the only RAM of its map beside its statics and the stack).
struct TestProgram {
  std::string source;
  target::Core core = target::Core::kCortexM4;
  std::vector<std::string> flags{"-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard",
                                 "-mfpu=fpv4-sp-d16"};
  std::vector<std::string> layers;  // function names
  int cache_bytes = 256;            // for data in flash
  std::uint64_t instruction_limit = 10'000'000;
};

struct TestRun {
  EmulationReport report;
  ElfFile elf;
  EmulationJob job;
};

Result<TestRun> run_program(const TestProgram& program);

}  // namespace atml::deploy
