// What runtime kernels cost in flash and stack: measured by bench/deployability/size_table.cpp on
// linked and emulated firmware, one table a core, optimisation and rounding.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "codegen/firmware.h"
#include "codegen/kernel_choice.h"

namespace atml::codegen {

/// Functions of a variant, as bits.
using FunctionSet = std::array<std::uint64_t, 2>;

struct KernelSize {
  std::string_view kernel;  // function_name(), or "atml_clamp" for the pass behind a kernel
  int layer = 0;            // flash of an operator beside weights, tables and the functions below;
                            // atml_clamp: what the pass adds
  int stack = 0;  // deepest use of a firmware with this operator alone; atml_clamp: what it adds
  int row_stack = 0;            // of a firmware that streams it; 0: not streamed
  FunctionSet functions{};      // that the linker keeps for it
  FunctionSet row_functions{};  // that it keeps where rows are streamed, the engine included
};

struct SizeVariant {
  target::Core core = target::Core::kCortexM4;
  bool dsp = false;
  Optimize optimize = Optimize::kBalanced;
  quantize::Rounding rounding = quantize::Rounding::kDouble;
  int flash = 0;       // of a firmware without operators: vectors, start-up, main
  int statics = 0;     // RAM beside arena and stack
  int stack = 0;       // of the same firmware
  int frame = 0;       // that an operator before the last one adds: <prefix>_run then returns to it
  int next_layer = 0;  // flash that each operator behind the first adds: its call
  std::span<const std::uint16_t> functions;  // their sizes
  std::span<const KernelSize> kernels;
};

/// All variants that were measured.
std::span<const SizeVariant> size_variants();
/// The one of a part; Cortex-M0 has that of the M0+, which runs the same code. nullptr where none
/// was measured.
const SizeVariant* find_sizes(const target::Target& target, Optimize optimize,
                              quantize::Rounding rounding);
/// nullptr where the kernel was not measured.
const KernelSize* find_kernel(const SizeVariant& variant, std::string_view function);

}  // namespace atml::codegen
