// Builds an exported firmware folder with its own Makefile, the way its user will: the proof that
// it builds alone.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/units.h"

namespace atml::deploy {

struct BuiltFirmware {
  std::filesystem::path elf;  // relative to the folder
  Bytes flash;                // loadable bytes of the ELF
  Bytes statics;              // .data + .bss and the like, the arena among them
  std::string log;            // what make printed
};

/// Runs `make` in a private copy of the folder (the exported one stays as it is). Error with the
/// last lines of make's output where it fails.
Result<BuiltFirmware> build_firmware_folder(const std::filesystem::path& folder);

}  // namespace atml::deploy
