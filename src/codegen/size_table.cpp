#include "codegen/size_table.h"

#include <algorithm>

namespace atml::codegen {
namespace {

using target::Core;

#include "codegen/size_table.inc"

Core measured_core(Core core) { return core == Core::kCortexM0 ? Core::kCortexM0Plus : core; }

}  // namespace

std::span<const SizeVariant> size_variants() { return kVariants; }

const SizeVariant* find_sizes(const target::Target& target, Optimize optimize,
                              quantize::Rounding rounding) {
  const auto* found = std::ranges::find_if(kVariants, [&](const SizeVariant& v) {
    return v.core == measured_core(target.core) && v.dsp == target.dsp && v.optimize == optimize &&
           v.rounding == rounding;
  });
  return found == std::end(kVariants) ? nullptr : found;
}

const KernelSize* find_kernel(const SizeVariant& variant, std::string_view function) {
  const auto found = std::ranges::find(variant.kernels, function, &KernelSize::kernel);
  return found == variant.kernels.end() ? nullptr : &*found;
}

}  // namespace atml::codegen
