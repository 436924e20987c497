#include "codegen/kernel_variants.h"

#include <algorithm>

#include "codegen/lowering.h"
#include "codegen/streaming.h"

namespace atml::codegen {

using namespace quantize;

std::vector<KernelChoice> kernel_variants(const Int8Model& model, const Op& op,
                                          const target::Target& target,
                                          const KernelChoice& chosen) {
  std::vector<KernelChoice> variants{chosen};
  const auto add = [&](const KernelChoice& choice) {
    const auto same = [&](const KernelChoice& c) { return c.kernel == choice.kernel; };
    if (choice.kernel != Kernel::kNone && std::ranges::none_of(variants, same))
      variants.push_back(choice);
  };
  add(for_core(model, op, chosen, target, Optimize::kBalanced));
  add(ring_kernel(model, op, chosen));
  if (chosen.kernel == Kernel::kDepthwisePacked || chosen.kernel == Kernel::kDepthwiseLine)
    add(row_kernel(model, op, chosen));
  add(plain_kernel(model, op, chosen));
  if (chosen.kernel == Kernel::kAddLinear) add(rounded_add(model, op));
  KernelChoice other = chosen;
  if (std::holds_alternative<Add>(op.kind)) {
    other.kernel = Kernel::kAdd;
    other.swapped = other.clamp = false;
    add(other);
  }
  if (chosen.kernel == Kernel::kGlobalAverage) {
    other.kernel = Kernel::kAveragePool;
    other.clamp = false;
    add(other);
  }
  return variants;
}

void force_kernel(const Int8Model& model, const target::Target& target, std::string_view function,
                  std::vector<KernelChoice>& choices) {
  for (std::size_t i = 0; i < choices.size(); ++i) {
    for (const KernelChoice& c : kernel_variants(model, model.ops[i], target, choices[i])) {
      if (function_name(c.kernel) == function) choices[i] = c;
    }
  }
}

}  // namespace atml::codegen
