// Windows in forms that the packed kernels have: byte for byte the same outputs.
#pragma once

#include <optional>

#include "quantize/model.h"

namespace atml::codegen {

/// An operator that computes the same in a form with a faster kernel; nothing where there is none:
///   - a convolution or depthwise over one row or column whose window is longer there: the taps
///     that only ever meet padding go;
///   - a dilated depthwise: the gaps become taps of zero, while that is quicker than the plain
///     kernel (kMostZeros);
///   - a depthwise with several outputs an input channel: a convolution with zeros between the
///     channels, while the zeros take little flash (kMostExtraBytes).
std::optional<quantize::Op> with_packable_window(const quantize::Int8Model& model,
                                                 const quantize::Op& op);

}  // namespace atml::codegen
