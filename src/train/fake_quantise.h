// Rounding of weights to int8 or int4 (see qat.h).
#pragma once

#include <cstddef>

namespace atml::train {

/// Rounds `count` numbers, `stride` apart, to multiples of their largest magnitude / (2^(bits-1) -
/// 1).
void round_channel(float* w, std::ptrdiff_t stride, std::size_t count, int bits);

}  // namespace atml::train
