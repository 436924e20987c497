// The firmware of a board in the loop: a model's production objects with the serial protocol
// (runtime/board) instead of the application.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "deploy/workbench.h"

namespace atml::deploy::serial {

struct BoardBuild {
  std::uint64_t model_id = 0;    // of the model file
  std::filesystem::path port;    // C file with board_init() and friends; empty: MPS2 boards
  std::filesystem::path folder;  // of Workbench::build(); board.elf goes here too
};

struct BoardFirmware {
  std::string failure;  // why there is none; empty: there is
  std::filesystem::path elf;
  std::uint64_t build_id = 0;  // of the production firmware's loaded bytes
};

/// Error when the tools or the port's file are missing; a port that does not compile and a firmware
/// that does not fit beside the protocol are failures.
Result<BoardFirmware> build_board_firmware(const Toolchain& tools, const quantize::Int8Model& model,
                                           const target::Target& target,
                                           const Production& production, const BoardBuild& build);

/// A name as the firmware holds it: at most 31 characters, what is no letter, digit, '.', '-' or
/// '_' becomes '_'.
std::string board_name(std::string_view name);

}  // namespace atml::deploy::serial
