// SerialOracle: a board on the desk answers. Flash and RAM are those of the linked production ELF
// (with the stack measured on the board); latency is measured; outputs are compared with the
// reference interpreter. docs/board-protocol.md has the protocol and the ports.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "codegen/firmware.h"
#include "deploy/external.h"
#include "deploy/serial_session.h"

namespace atml::deploy {

struct SerialOptions {
  /// A shell command that brings the firmware onto the board before each conversation; {elf} is
  /// replaced by its path (quoted), which is also in AUTOTINYML_ELF. Empty: the board must hold it
  /// already.
  std::string flash_command;
  Seconds flash_timeout{120};
  std::filesystem::path port;           // C file of the board; empty: MPS2 boards (and QEMU's)
  std::filesystem::path keep_firmware;  // where a copy of the board's ELF goes; empty: nowhere
  codegen::Optimize optimize = codegen::Optimize::kBalanced;  // of the firmware
  int samples = 2;         // inferences that are compared with the interpreter
  int runs = 5;            // timed inferences, 1 to 32; fewer where they take seconds
  int resets = 3;          // of the board during one check, then it is given up
  std::uint64_t seed = 1;  // of the samples
  serial::SessionOptions session;
};

/// check() answers
///  - computable with violations, without asking the board, where the linked sizes break a limit;
///  - computable with measured latency: cycles low / mid / high are minimum, median and maximum;
///    origin says "measured on board ...";
///  - not computable with the reason: the firmware does not fit beside the protocol, the flash
///    command failed, the board is silent, talks nonsense, is reset again and again, holds another
///    model, another build, another target or runs at another clock than the target's, fails its
///    self-test, or its outputs differ from the interpreter's;
/// and an Error when the port cannot be opened, the flash command or a tool does not exist.
/// Thread safe: checks wait for each other, there is one board.
class SerialOracle : public Oracle {
 public:
  static Result<std::unique_ptr<SerialOracle>> create(std::string_view address,
                                                      SerialOptions options, ModelWriter writer);
  ~SerialOracle() override;

  std::string name() const override;
  Result<Deployability> check(const quantize::Int8Model& model, const target::Target& target,
                              const target::Limits& limits, const StopToken& stop) override;

 private:
  struct State;
  explicit SerialOracle(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// From the text of `--oracle`: "serial:ADDRESS[,port=FILE.c][,keep=FILE.elf][,flash=COMMAND]" with
/// an address such as /dev/ttyACM0@115200, unix:PATH or tcp:HOST:PORT. flash= is last: its command
/// is the rest of the text. What the text gives replaces what `options` holds. Fails
/// (invalid_argument) on other texts.
Result<std::unique_ptr<Oracle>> make_serial_oracle(std::string_view spec, SerialOptions options,
                                                   ModelWriter writer);

}  // namespace atml::deploy
