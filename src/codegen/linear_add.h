// TFLite's add as one linear form of both inputs: two multiplications instead of three, and nothing
// between them to round.
#pragma once

#include <cstdint>
#include <optional>

#include "quantize/model.h"
#include "quantize/requantize.h"

namespace atml::codegen {

/// Parameters of atml_add_linear: (constant + floor(x_1 factor_1 / 256) + floor(x_2 factor_2 /
/// 256)) >> kLinearAddBits, saturated to int8.
struct LinearAdd {
  std::int32_t factor_1 = 0;
  std::int32_t factor_2 = 0;
  std::int32_t constant = 0;
};

/// Bits of the form behind the point: sums of up to +-1023 fit beside them.
inline constexpr int kLinearAddBits = 21;

/// The form that gives the bits of `p` for each of the 65,536 pairs of inputs before the clamp to
/// [p.low, p.high]; none where some pairs round otherwise (ties of scales that are powers of two
/// under double rounding) or the sums do not fit. TFLite's own rounding errors are of the order of
/// 2^-20 steps of the output, so nearly all scales have a form. Takes a fraction of a millisecond.
std::optional<LinearAdd> linear_add(const quantize::AddParams& p, quantize::Rounding rounding);

}  // namespace atml::codegen
