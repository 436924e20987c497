// Lowering: a model becomes steps - the kernel of each operator, its constants and its place in the
// arena - from which the C is printed.
#pragma once

#include <string>
#include <vector>

#include "codegen/firmware.h"
#include "codegen/kernel_choice.h"
#include "codegen/memory_plan.h"
#include "codegen/weights.h"

namespace atml::codegen {

struct Step {
  int op = 0;  // index into Lowered::model
  KernelChoice choice;
  std::string symbol;              // of its function; empty for kNone
  std::vector<ConstArray> arrays;  // its constants in flash
  bool streamed = false;           // it computes a row a call, see Lowered::memory.groups
};

struct Lowered {
  quantize::Int8Model model;  // its operators in order of execution, which all indices here count
  std::vector<Step> steps;    // one an operator
  PlannedMemory memory;
};

Result<Lowered> lower(const quantize::Int8Model& model, const target::Target& target,
                      const Options& options);

/// The choice for a core: where it has no DSP instructions, convolutions take two pixels in a
/// register (atml_swar.h), unless size counts. Same bits, scratch and order of reading and writing,
/// so the memory plan holds; the weights take a byte more a chunk, and how many chunks there are
/// depends on them: small weights give long chunks, which run faster.
KernelChoice for_core(const quantize::Int8Model& model, const quantize::Op& op,
                      const KernelChoice& choice, const target::Target& target, Optimize optimize);

/// The kernel of every operator, without constants.
Result<std::vector<KernelChoice>> choose_kernels(const quantize::Int8Model& model,
                                                 bool assume_live = false);
/// The same for a part: in a build for speed, small maps of depthwise layers go pixel by pixel
/// where that takes fewer cycles on the core (twice the flash for their weights, and not in place).
Result<std::vector<KernelChoice>> choose_kernels(const quantize::Int8Model& model,
                                                 const target::Target& target, Optimize optimize,
                                                 bool assume_live = false);

}  // namespace atml::codegen
