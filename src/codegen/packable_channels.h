// Channels that the packed kernels cannot compute as they are, in numbers that they can.
//
// Trained networks have dead channels (a ReLU behind a normalisation that went to zero). A
// converter gives them a scale near zero, weights of zero and a bias of up to 2^30, or a factor
// below 2^-23. One such channel would send its whole layer to the plain kernel, ten times slower.
#pragma once

#include <optional>

#include "quantize/model.h"

namespace atml::codegen {

/// The same operator, byte for byte for every input, with other numbers where packing_bounds.h
/// refuses those it has:
///   - a channel whose output is one value over all inputs gets weights of zero, the scale of
///     another channel and the bias that gives this value;
///   - a channel that is out of bounds and whose output takes two neighbouring values gets a larger
///     factor and the bias that keeps its threshold.
/// Nothing where all is well, or where a channel cannot be helped so.
std::optional<quantize::Op> with_packable_channels(const quantize::Int8Model& model,
                                                   const quantize::Op& op);

}  // namespace atml::codegen
