// What the packed kernels (atml_filters.h) ask of a filter's numbers: factors and sums within
// bounds that trained channels keep, so that 32-bit arithmetic does.
#pragma once

#include <string>

#include "codegen/kernel_choice.h"

namespace atml::codegen {

/// Filters without a living weight: a model that is planned before training has them.
bool all_zero(const quantize::Filter& f);

/// Whether the kernels take an operator's output channels in pairs: all but depthwise, which over
/// one channel is a convolution.
bool goes_in_pairs(const quantize::Int8Model& model, const quantize::Op& op);

/// Whether a factor is one that all packed kernels know: 0, or a right shift in [1, 22].
bool factor_packs(const quantize::Multiplier& m);

/// The bounds of one output channel: |accumulator| < 2^30 and, for `pairs` (conv, pointwise,
/// dense), |bias with the zero point folded in| < 2^25 and |sum x w| < 2^23 (weights of 4 bits:
/// 2^27).
bool sums_pack(const quantize::Op& op, const FilterShape& shape, int output, int input_offset,
               bool pairs);

/// Whether all channels keep both; `pairs` as above.
bool filter_packs(const quantize::Op& op, const FilterShape& shape, const quantize::FilterParams& p,
                  bool pairs);

/// The first bound that a filter breaks, in words: "output channel 3: its factor 0.7 is not in
/// [2^-23, 0.5)"; empty where it packs.
std::string packing_obstacle(const quantize::Op& op, const FilterShape& shape,
                             const quantize::FilterParams& p, bool pairs);

/// The short form of atml_packed_depthwise: biases of 16 bits, right shifts of a layer in a span of
/// 4.
bool is_short(const quantize::Filter& f, const quantize::FilterParams& p);

}  // namespace atml::codegen
