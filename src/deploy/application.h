// The application counts: what an existing firmware (an ELF file) takes of a part's flash and RAM,
// so that "it fits" means together with the rest.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "target/target.h"

namespace atml::deploy {

struct Application {
  Bytes flash;  // loaded bytes in the part's flash, initial values of .data included
  Bytes ram;    // sections in the part's RAM: .data, .bss, .noinit, code there, heap and stack
  /// "application fw.elf: 23.4 KiB flash, 5.1 KiB RAM (.data, .bss, ._user_heap_stack)", with a
  /// warning where no section is the stack's and a word on what lies in other memories.
  std::string text;
};

/// Reads a linked firmware for `target`. Sections are counted by their addresses in the target's
/// regions; heap and stack count where a section is theirs, also where the linker script marks it
/// COPY (not loaded). Fails (not_found, io: the file; parse: cut or no ELF; invalid_argument:
/// another machine, an object file, an architecture or floating-point unit that the core lacks by
/// the Arm build attributes, no byte in the target's flash) with file, figures and remedy.
Result<Application> read_application(const std::string& path, const target::Target& target);

/// The same on the bytes of a file; `name` is for texts.
Result<Application> parse_application(std::string bytes, std::string_view name,
                                      const target::Target& target);

}  // namespace atml::deploy
