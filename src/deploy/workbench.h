// From a model to two linked programs: the production ELF, from which sizes are read, and the
// measurement program for the emulated board, made of the same objects.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "codegen/firmware.h"
#include "deploy/board.h"
#include "deploy/deployability.h"
#include "deploy/elf.h"
#include "deploy/emulate.h"
#include "deploy/kernels.h"
#include "deploy/toolchain.h"

namespace atml::deploy {

/// A model's firmware, compiled and linked for the part. Where `failure` is not empty it says why
/// this is impossible and the rest is unset.
struct Production {
  std::string failure;
  codegen::Firmware firmware;
  std::optional<ElfFile> elf;  // with enlarged regions where the part is too small
  bool fits_part = true;       // the linker accepted the part's own memory map
  Bytes flash;                 // of the ELF
  Bytes arena, statics;        // statics: .data and .bss without the arena
  KernelSet kernels;
  Timings timings;
};

/// One emulated run of the measurement program.
struct MeasuredRun {
  std::string failure;  // why there are no figures; empty: all inputs ran
  std::optional<ElfFile> elf;
  EmulationReport report;
  Bytes stack;                       // deepest use, the harness's two small frames included
  std::vector<std::int8_t> outputs;  // sample after sample
  double link_seconds = 0;
};

struct RunSettings {
  std::uint64_t instruction_limit = 0;  // of one inference; 0: none
  Seconds timeout{60};
};

/// The programs that build and run firmware for one family of cores.
struct ToolKit {
  Toolchain tools;
  std::string emulator;  // first line of its --version
};

/// Thread safe.
class Workbench {
 public:
  /// Error when the cross compiler or the emulator for Cortex-M is missing (with the Debian
  /// package). Those for RISC-V are looked for when a RISC-V part is asked for; where they are
  /// missing, build() of such parts fails and says what to install.
  static Result<Workbench> create();

  /// Compiles and links into `folder`, which must exist and be private to the caller.
  Result<Production> build(const quantize::Int8Model& model, const target::Target& target,
                           const codegen::Options& options, const std::filesystem::path& folder);
  /// Runs all samples of `inputs` (sample after sample) in one emulator process, in the folder of
  /// build().
  Result<MeasuredRun> run(const target::Target& target, const Production& production,
                          std::span<const std::int8_t> inputs, const RunSettings& settings,
                          const std::filesystem::path& folder);

  /// What serves this core; not_found, with the Debian package, where a program is missing.
  Result<const ToolKit*> kit(target::Core core) const;
  /// Of Cortex-M.
  const Toolchain& tools() const { return arm_.tools; }

 private:
  struct Lazy {
    std::once_flag once;
    std::optional<Result<ToolKit>> kit;
  };
  Workbench(ToolKit arm, KernelCache kernels)
      : arm_(std::move(arm)), riscv_(std::make_unique<Lazy>()), kernels_(std::move(kernels)) {}
  ToolKit arm_;
  std::unique_ptr<Lazy> riscv_;
  KernelCache kernels_;
};

/// Address of an operator's function in a linked program; the compiler may have given a specialised
/// copy a suffix ("model_layer_03_conv.constprop.0"). Fails (not_found) with the symbol's name.
Result<std::uint32_t> layer_address(const ElfFile& elf, const std::string& symbol);

}  // namespace atml::deploy
