// Rounding of weights to int8 or int4 (see qat.h).
#pragma once

#include <cstddef>

namespace atml::train {

/// The step of `count` weights, `stride` apart, that share one: their largest magnitude /
/// (2^(bits-1)
/// - 1); for 4 bits the step of least squared error among that and three that clip the largest
/// weights. 0 where all are zero. Numbers that are multiples of a step up to its bound keep it.
double weight_step(const double* w, std::ptrdiff_t stride, std::size_t count, int bits);
float weight_step(const float* w, std::ptrdiff_t stride, std::size_t count, int bits);

/// Rounds numbers to multiples of their step within the bound.
void round_channel(float* w, std::ptrdiff_t stride, std::size_t count, int bits);

}  // namespace atml::train
