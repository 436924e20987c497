// Overlap: how far an operator's output may lie over its input in the arena. A kernel that reads
// its input in order and writes behind what it has read can run in place, wholly or in part.
#pragma once

#include <cstdint>

#include "codegen/kernel_choice.h"
#include "quantize/model.h"

namespace atml::codegen {

/// Rule for distance = input offset - output offset, in bytes.
struct Overlap {
  enum class Kind { kNever, kExact, kAtLeast };
  Kind kind = Kind::kNever;
  std::int64_t distance = 0;

  bool allows(std::int64_t d) const {
    return (kind == Kind::kExact && d == 0) || (kind == Kind::kAtLeast && d >= distance);
  }
};

/// For input number n of an operator whose kernel was chosen. The reading order is that of the
/// runtime's C: change both together (overlap_test.cpp runs the kernels in place).
Overlap overlap_rule(const quantize::Int8Model& model, const quantize::Op& op,
                     const KernelChoice& choice, int n);

}  // namespace atml::codegen
