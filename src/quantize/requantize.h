// Requantisation: the integer arithmetic between an int32 accumulator and an int8 output, and the
// constants each operator needs for it. The one home of this arithmetic on the host: the
// interpreter, the batch evaluator and the C generator take multipliers, shifts and offsets from
// here.
//
// Source: the TFLite int8 quantisation specification and its reference kernels (gemmlowp fixed
// point; Jacob et al., "Quantization and Training of Neural Networks for Efficient
// Integer-Arithmetic-Only Inference", CVPR 2018, section 2.2).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "quantize/model.h"

namespace atml::quantize {

/// A real factor >= 0 as mantissa x 2^(shift - 31); mantissa is 0 or in [2^30, 2^31)
/// (a mean's: from 2^29), shift in [-31, 30].
struct Multiplier {
  std::int32_t mantissa = 0;
  int shift = 0;
  bool operator==(const Multiplier&) const = default;
};

/// TFLite's QuantizeMultiplier. `real` must be finite and in [0, 2^30); below 2^-32 it becomes 0.
Multiplier quantize_multiplier(double real);

/// round(a b / 2^31), ties upwards (what gemmlowp's nudges amount to); saturates INT32_MIN^2.
inline std::int32_t high_mul(std::int32_t a, std::int32_t b) {
  if (a == b && a == std::numeric_limits<std::int32_t>::min())
    return std::numeric_limits<std::int32_t>::max();
  const std::int64_t product = static_cast<std::int64_t>(a) * b;
  const std::int64_t nudge = product >= 0 ? (1ll << 30) : 1 - (1ll << 30);
  return static_cast<std::int32_t>((product + nudge) /
                                   (1ll << 31));  // division truncates: on purpose
}

/// x / 2^exponent, ties away from zero; exponent in [0, 31].
inline std::int32_t shift_right_rounded(std::int32_t x, int exponent) {
  const std::int32_t mask = static_cast<std::int32_t>((1ll << exponent) - 1);
  const std::int32_t remainder = x & mask;
  const std::int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/// Two's complement x 2^shift; what does not fit wraps, as in the C of the firmware.
inline std::int32_t shift_left_wrapped(std::int32_t x, int shift) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << shift);
}

/// Double rounding (gemmlowp): left shift, high_mul, rounded right shift.
inline std::int32_t multiply_double_rounding(std::int32_t x, Multiplier m) {
  const int left = m.shift > 0 ? m.shift : 0;
  const int right = m.shift > 0 ? 0 : -m.shift;
  return shift_right_rounded(high_mul(shift_left_wrapped(x, left), m.mantissa), right);
}

/// Single rounding: (x M + 2^(30 - shift)) >> (31 - shift) in 64 bits, half up.
inline std::int32_t multiply_single_rounding(std::int32_t x, Multiplier m) {
  const int total = 31 - m.shift;
  const std::int64_t product = static_cast<std::int64_t>(x) * m.mantissa;
  return static_cast<std::int32_t>((product + (1ll << (total - 1))) >> total);
}

inline std::int32_t multiply(std::int32_t x, Multiplier m, Rounding rounding) {
  return rounding == Rounding::kDouble ? multiply_double_rounding(x, m)
                                       : multiply_single_rounding(x, m);
}

inline std::int8_t clamp_to_int8(std::int32_t x, int low, int high) {
  return static_cast<std::int8_t>(std::clamp<std::int32_t>(x, low, high));
}

/// Conv, Depthwise, Dense: q = clamp(multiply(sum w (x + input_offset) + bias, multipliers[oc]) +
/// output_offset, low, high). Padding contributes nothing, i.e. it is x = -input_offset.
struct FilterParams {
  int input_offset = 0;   // -zero point of the input
  int output_offset = 0;  // zero point of the output
  int low = -128;
  int high = 127;
  std::vector<Multiplier> multipliers;  // one an output channel
};
FilterParams filter_params(const Int8Model& model, const Op& op);

/// TFLite rounds the product of input and weight scale to float for a per-tensor fully connected
/// layer, and not for a convolution. True where that makes no difference: then the dense layer is,
/// bit for bit, a convolution with a kernel as large as its input.
bool is_exact_as_convolution(float input_scale, float weight_scale, float output_scale);
/// A weight scale at or just above `weight_scale` for which that holds (a few hundred float steps),
/// or `weight_scale` where none is near.
float exact_weight_scale(float input_scale, float weight_scale, float output_scale);
/// Where none is near, parts the scales of a dense layer by one float step: then they count as one
/// a channel, whose products TFLite does not round.
void make_exact_as_convolution(float input_scale, float output_scale, std::vector<float>& scales);

/// Add: s_i = multiply((x_i + offset_i) << left_shift, input_i); q = clamp(multiply(s_1 + s_2,
/// output)
/// + output_offset, low, high).
struct AddParams {
  int left_shift = 20;
  int offset_1 = 0;
  int offset_2 = 0;
  int output_offset = 0;
  Multiplier input_1;
  Multiplier input_2;
  Multiplier output;
  int low = -128;
  int high = 127;
};
AddParams add_params(const Int8Model& model, const Op& op);

/// Mul: q = clamp(multiply((x_1 + offset_1)(x_2 + offset_2), multiplier) + output_offset, low,
/// high).
struct MulParams {
  int offset_1 = 0;
  int offset_2 = 0;
  int output_offset = 0;
  Multiplier multiplier;
  int low = -128;
  int high = 127;
};
MulParams mul_params(const Int8Model& model, const Op& op);

/// Mean over height and width: q = clamp(multiply(sum x + sum_offset, multiplier) + output_offset,
/// -128, 127). The division by the number of positions is inside the multiplier.
struct MeanParams {
  std::int32_t sum_offset = 0;  // -zero point x positions
  int output_offset = 0;
  Multiplier multiplier;
};
MeanParams mean_params(const Int8Model& model, const Op& op);

/// One input of a Concat: copied where `identity`, else q = clamp(multiply(x + input_offset,
/// multiplier) + output_offset, -128, 127).
struct RescaleParams {
  bool identity = true;
  int input_offset = 0;
  int output_offset = 0;
  Multiplier multiplier;
};
RescaleParams rescale_params(const Tensor& from, const Tensor& to);
/// The whole int8 -> int8 map of a rescale: values[x + 128].
std::array<std::int8_t, 256> rescale_table(const Tensor& from, const Tensor& to, Rounding rounding);

/// Softmax: differences x - max are scaled by `input` (a left shift, then high_mul) into Q5.26;
/// differences below `smallest_difference` count as e^x = 0.
struct SoftmaxParams {
  Multiplier input;
  int smallest_difference = 0;
};
SoftmaxParams softmax_params(const Int8Model& model, const Op& op);

/// The fixed-point functions of gemmlowp that softmax needs; raw values as gemmlowp holds them.
namespace fixed {
/// e^a for a <= 0 in Q5.26; result in Q0.31.
std::int32_t exp_of_negative(std::int32_t a);
/// 1 / x for a sum in Q12.19 as shifted Q0.31; *bits_over_unit says by how much it was shifted.
std::int32_t reciprocal(std::int32_t x, int* bits_over_unit);
}  // namespace fixed

/// One row of softmax: `count` >= 1 values.
void softmax_row(const std::int8_t* in, std::int8_t* out, int count, const SoftmaxParams& params);

/// The table of a unary function after TFLite's reference kernel: "logistic", "tanh", "hard_swish",
/// "relu", "relu6", "relu_n1_to_1", "quantize". Fails on another name or where the function asks
/// for a fixed output scale (logistic 1/256, -128; tanh 1/128, 0) that `to` does not have.
Result<std::vector<std::int8_t>> function_table(const std::string& function, const Tensor& from,
                                                const Tensor& to, Rounding rounding);

/// Whether an operator's table is that of its function between its tensors, which is all that a
/// model file can say of it. Fails (unsupported) where it is not, and as function_table() does.
Status check_table(const Int8Model& model, const Op& op, const Table& table);

}  // namespace atml::quantize
