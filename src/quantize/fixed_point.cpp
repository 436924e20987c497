// The transcendental functions of int8 kernels in fixed point, after gemmlowp (fixedpoint.h): same
// constants, same order of rounding, so the same bits. Q a.b: a integer bits, b fraction bits, 1
// sign.
#include <bit>

#include "quantize/requantize.h"

namespace atml::quantize {
namespace {

constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();

// x 2^exponent with saturation, exponent >= 0.
std::int32_t shift_left_saturated(std::int32_t x, int exponent) {
  const std::int64_t wide = static_cast<std::int64_t>(x) * (std::int64_t{1} << exponent);
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(wide, kMin, kMax));
}

// (a + b) / 2, half away from zero.
std::int32_t half_sum(std::int32_t a, std::int32_t b) {
  const std::int64_t sum = static_cast<std::int64_t>(a) + b;
  return static_cast<std::int32_t>((sum + (sum >= 0 ? 1 : -1)) / 2);
}

// e^a for a in [-1/4, 0), Q0.31 -> Q0.31: a Taylor polynomial of degree 4 about -1/8.
std::int32_t exp_near_zero(std::int32_t a) {
  constexpr std::int32_t kExpMinusEighth = 1895147668;  // e^-1/8
  constexpr std::int32_t kThird = 715827883;
  const std::int32_t x = a + (1 << 28);
  const std::int32_t x2 = high_mul(x, x);
  const std::int32_t x3 = high_mul(x2, x);
  const std::int32_t x4 = high_mul(x2, x2);
  const std::int32_t x4_quarter = shift_right_rounded(x4, 2);
  const std::int32_t tail = shift_right_rounded(high_mul(x4_quarter + x3, kThird) + x2, 1);
  return kExpMinusEighth + high_mul(kExpMinusEighth, x + tail);
}

// Three Newton-Raphson steps for 1 / d, d = (a + 1) / 2 in [1/2, 1]; the start value is the best
// line 48/17 - 32/17 d. Result x in Q2.29.
std::int32_t newton_reciprocal(std::int32_t half_denominator) {
  constexpr std::int32_t k48Over17 = 1515870810;
  constexpr std::int32_t kMinus32Over17 = -1010580540;
  std::int32_t x = k48Over17 + high_mul(half_denominator, kMinus32Over17);
  for (int i = 0; i < 3; ++i) {
    const std::int32_t product = high_mul(half_denominator, x);
    const std::int32_t error = (1 << 29) - product;
    x += shift_left_saturated(high_mul(x, error), 2);
  }
  return x;
}

// 1 / (1 + a) for a in [0, 1], Q0.31 -> Q0.31.
std::int32_t one_over_one_plus(std::int32_t a) {
  return shift_left_saturated(newton_reciprocal(half_sum(a, kMax)), 1);
}

}  // namespace

namespace fixed {

std::int32_t exp_of_negative(std::int32_t a) {
  if (a == 0) return kMax;
  constexpr int kFraction = 26;
  constexpr std::int32_t kQuarter = 1 << (kFraction - 2);
  const std::int32_t reduced = (a & (kQuarter - 1)) - kQuarter;  // in [-1/4, 0)
  std::int32_t result = exp_near_zero(shift_left_saturated(reduced, 31 - kFraction));
  const std::int32_t remainder = reduced - a;
  // e^-(2^k) for k = -2..4, Q0.31.
  constexpr std::int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308,
                                       39332535,   720401,     242};
  for (int k = -2; k <= 4; ++k) {
    if (remainder & (1 << (kFraction + k))) result = high_mul(result, kFactors[k + 2]);
  }
  return result;
}

std::int32_t reciprocal(std::int32_t x, int* bits_over_unit) {
  constexpr int kIntegerBits = 12;
  const int headroom = std::countl_zero(static_cast<std::uint32_t>(x));
  *bits_over_unit = kIntegerBits - headroom;
  const std::uint32_t normalised = (static_cast<std::uint32_t>(x) << headroom) - (1u << 31);
  return one_over_one_plus(static_cast<std::int32_t>(normalised));
}

}  // namespace fixed

void softmax_row(const std::int8_t* in, std::int8_t* out, int count, const SoftmaxParams& p) {
  const int largest = *std::max_element(in, in + count);
  const auto exponential = [&](int difference) {
    return fixed::exp_of_negative(
        high_mul(shift_left_wrapped(difference, p.input.shift), p.input.mantissa));
  };
  std::int32_t sum = 0;  // Q12.19
  for (int i = 0; i < count; ++i) {
    const int difference = in[i] - largest;
    if (difference >= p.smallest_difference)
      sum += shift_right_rounded(exponential(difference), 12);
  }
  int bits_over_unit = 0;
  const std::int32_t scale = fixed::reciprocal(sum, &bits_over_unit);
  for (int i = 0; i < count; ++i) {
    const int difference = in[i] - largest;
    out[i] = -128;
    if (difference < p.smallest_difference) continue;
    const std::int32_t q =
        shift_right_rounded(high_mul(scale, exponential(difference)), bits_over_unit + 31 - 8);
    out[i] = clamp_to_int8(q - 128, -128, 127);
  }
}

}  // namespace atml::quantize
