// How the runtime and generated sources are compiled and linked: one list for deploy, the generated
// Makefile and the tests. Folders are relative to resource_folder("runtime").
#pragma once

#include <string>
#include <vector>

#include "codegen/firmware.h"
#include "quantize/model.h"
#include "target/target.h"

namespace atml::codegen {

/// Kernel sources for a core, relative to the runtime folder ("kernels/pointwise.c",
/// "kernels/dsp_pointwise.S"); include path: "include". They do not depend on the model: compile
/// once per (core, optimise), link with
/// --gc-sections.
std::vector<std::string> runtime_sources(const target::Target& target);
/// The same for the host (reference kernels only).
std::vector<std::string> host_runtime_sources();

/// "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16": for every compiler, assembler and
/// link step.
std::vector<std::string> machine_flags(const target::Target& target);
/// "-O3", "-O2" or "-Os".
const char* optimisation(Optimize optimize);
/// machine_flags + language, freestanding, sections and optimisation; for kernels, model.c and
/// main.c. The kernels are built for one rounding: it belongs into the key of a cache of objects.
/// Includes no -I: give the runtime's "include" folder and the folder of <prefix>.h yourself.
std::vector<std::string> compile_flags(const target::Target& target, Optimize optimize,
                                       quantize::Rounding rounding = quantize::Rounding::kDouble);
/// For "startup/startup.c" and "startup/memory.c" (memcpy, memset for -nostdlib): -O1, see the
/// sheet on M55.
std::vector<std::string> startup_flags(const target::Target& target);
/// Driver flags of the production link; the linker script is "link.ld" of Firmware (-T). Put them
/// last: -lgcc.
std::vector<std::string> link_flags(const target::Target& target);
/// Sources of the production ELF beside the model, main.c (both from Firmware) and the kernels:
/// start-up with vector table, and memcpy, memmove, memset for -nostdlib; relative to the runtime
/// folder.
std::vector<std::string> startup_sources(const target::Target& target);

}  // namespace atml::codegen
