// All kernels that compute an operator on a core, not only the one that the generator chooses: for
// benchmarks and tests, which compare them.
#pragma once

#include <string_view>
#include <vector>

#include "codegen/kernel_choice.h"
#include "target/target.h"

namespace atml::codegen {

/// Same bytes each; the first is what choose_kernel() says. SWAR forms only for cores without DSP
/// instructions.
std::vector<KernelChoice> kernel_variants(const quantize::Int8Model& model, const quantize::Op& op,
                                          const target::Target& target, const KernelChoice& chosen);

/// Replaces the choice of every operator that `function` (Options::kernel) can compute.
void force_kernel(const quantize::Int8Model& model, const target::Target& target,
                  std::string_view function, std::vector<KernelChoice>& choices);

}  // namespace atml::codegen
