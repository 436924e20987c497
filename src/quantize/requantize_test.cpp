#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "quantize/requantize.h"

namespace atml::quantize {
namespace {

__extension__ typedef __int128 Wide;

// round(numerator / 2^bits), ties away from zero, in exact integers.
std::int64_t rounded_away(Wide numerator, int bits) {
  const Wide magnitude = numerator < 0 ? -numerator : numerator;
  const Wide rounded = bits == 0 ? magnitude : (magnitude + (Wide{1} << (bits - 1))) >> bits;
  return static_cast<std::int64_t>(numerator < 0 ? -rounded : rounded);
}

// gemmlowp's first rounding takes ties upwards: the nudge is 2^30 for products >= 0 and 1 - 2^30
// below, then the division truncates.
std::int64_t rounded_up(Wide numerator, int bits) {
  const Wide shifted = numerator + (Wide{1} << (bits - 1));
  return static_cast<std::int64_t>(shifted >> bits);
}

TEST(Requantize, MultiplierIsTheNearestOf31Bits) {
  Rng rng(1);
  for (int i = 0; i < 20000; ++i) {
    const double real = std::exp2(rng.uniform(-20, 8));
    const Multiplier m = quantize_multiplier(real);
    ASSERT_GE(m.mantissa, 1 << 30);
    const double represented = std::ldexp(static_cast<double>(m.mantissa), m.shift - 31);
    EXPECT_LE(std::abs(represented - real), real * std::exp2(-31) * 1.0000001);
  }
  EXPECT_EQ(quantize_multiplier(0), (Multiplier{0, 0}));
  EXPECT_EQ(quantize_multiplier(1.0), (Multiplier{1 << 30, 1}));
  EXPECT_EQ(quantize_multiplier(0.5), (Multiplier{1 << 30, 0}));
  // The fraction rounds up to 2^31 and is halved.
  EXPECT_EQ(quantize_multiplier(1 - std::exp2(-40)), (Multiplier{1 << 30, 1}));
  EXPECT_EQ(quantize_multiplier(std::exp2(-40)), (Multiplier{0, 0}));
}

TEST(Requantize, BothRoundingsEqualExactRationalArithmetic) {
  Rng rng(2);
  int differ = 0;
  constexpr int kCases = 300000;
  for (int i = 0; i < kCases; ++i) {
    const auto x = static_cast<std::int32_t>(rng.next() >> 32) >> rng.integer(1, 24);
    const Multiplier m{static_cast<std::int32_t>((1u << 30) + rng.below(1u << 30)),
                       rng.integer(-20, 0)};
    const Wide product = static_cast<Wide>(x) * m.mantissa;
    const std::int64_t first = rounded_up(product, 31);
    ASSERT_EQ(multiply_double_rounding(x, m), rounded_away(first, -m.shift))
        << x << " " << m.mantissa << " " << m.shift;
    ASSERT_EQ(multiply_single_rounding(x, m), rounded_up(product, 31 - m.shift));
    differ += multiply_double_rounding(x, m) != multiply_single_rounding(x, m);
  }
  EXPECT_GT(differ, kCases / 1000);  // they are not the same semantics
  EXPECT_LT(differ, kCases / 5);
}

TEST(Requantize, LeftShiftsComeFirst) {
  EXPECT_EQ(multiply_double_rounding(100, quantize_multiplier(3.0)), 300);
  EXPECT_EQ(multiply_double_rounding(-100, quantize_multiplier(2.5)), -250);
  EXPECT_EQ(multiply_single_rounding(-100, quantize_multiplier(2.5)), -250);
}

TEST(Requantize, TiesGoAwayFromZeroInTheRightShift) {
  EXPECT_EQ(shift_right_rounded(3, 1), 2);
  EXPECT_EQ(shift_right_rounded(-3, 1), -2);
  EXPECT_EQ(shift_right_rounded(5, 2), 1);
  EXPECT_EQ(shift_right_rounded(-6, 2), -2);
  EXPECT_EQ(shift_right_rounded(std::numeric_limits<std::int32_t>::min(), 31), -1);
  EXPECT_EQ(shift_right_rounded(std::numeric_limits<std::int32_t>::max(), 31), 1);
}

TEST(Requantize, FixedPointFunctionsFollowTheRealOnes) {
  for (double x = 0; x > -16; x -= 0.0037) {
    const auto raw = static_cast<std::int32_t>(std::lround(x * std::exp2(26)));
    EXPECT_NEAR(std::ldexp(fixed::exp_of_negative(raw), -31), std::exp(std::ldexp(raw, -26)), 3e-7)
        << x;
  }
  for (int sum = 1 << 19; sum < (1 << 29); sum = sum + sum / 7) {
    int bits = 0;
    const std::int32_t r = fixed::reciprocal(sum, &bits);
    EXPECT_NEAR(std::ldexp(r, -31 - bits), 1 / std::ldexp(sum, -19), 1e-6 / std::ldexp(sum, -19));
  }
}

TEST(Requantize, SoftmaxIsWithinOneOfTheRealOne) {
  Rng rng(3);
  for (int i = 0; i < 300; ++i) {
    Int8Model m;
    const int n = rng.integer(1, 20);
    m.tensors = {{"x", {1, 1, n}, static_cast<float>(rng.uniform(0.01, 0.3)), 5},
                 {"y", {1, 1, n}, 1.0f / 256, -128}};
    const Op op{"softmax", Softmax{1}, {0}, 1};
    std::vector<std::int8_t> in(static_cast<std::size_t>(n)), out(in.size());
    for (auto& v : in) v = static_cast<std::int8_t>(rng.integer(-128, 127));
    softmax_row(in.data(), out.data(), n, softmax_params(m, op));
    double sum = 0;
    for (const auto v : in) sum += std::exp(static_cast<double>(m.tensors[0].scale) * v);
    for (std::size_t k = 0; k < in.size(); ++k) {
      const double wanted = std::min(
          256 * std::exp(static_cast<double>(m.tensors[0].scale) * in[k]) / sum - 128, 127.0);
      EXPECT_NEAR(out[k], wanted, 0.51);
    }
  }
}

TEST(Requantize, TablesFollowTheRealFunctions) {
  const Tensor from{"x", {1, 1, 1}, 0.05f, 3};
  const auto check = [&](const char* name, const Tensor& to, auto&& f, double tolerance) {
    const auto values = function_table(name, from, to, Rounding::kDouble);
    ASSERT_TRUE(values.ok()) << values.error().message;
    for (int q = -128; q <= 127; ++q) {
      const double real = f(static_cast<double>(from.scale) * (q - from.zero_point));
      const double wanted =
          std::clamp(real / static_cast<double>(to.scale) + to.zero_point, -128.0, 127.0);
      EXPECT_NEAR((*values)[static_cast<std::size_t>(q + 128)], wanted, tolerance)
          << name << " " << q;
    }
  };
  check(
      "logistic", {"y", {}, 1.0f / 256, -128}, [](double x) { return 1 / (1 + std::exp(-x)); },
      0.51);
  check(
      "tanh", {"y", {}, 1.0f / 128, 0}, [](double x) { return std::tanh(x); }, 0.51);
  check(
      "relu", {"y", {}, 0.04f, -128}, [](double x) { return std::max(x, 0.0); }, 0.51);
  check(
      "relu6", {"y", {}, 0.03f, -100}, [](double x) { return std::clamp(x, 0.0, 6.0); }, 0.51);
  check(
      "hard_swish", {"y", {}, 0.03f, -110},
      [](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; }, 1.01);
  check(
      "quantize", {"y", {}, 0.1f, 7}, [](double x) { return x; }, 0.51);
  EXPECT_FALSE(function_table("logistic", from, {"y", {}, 0.1f, 0}, Rounding::kDouble).ok());
  EXPECT_FALSE(function_table("sine", from, from, Rounding::kDouble).ok());
}

TEST(Requantize, DenseScalesCanBeMadeExactAsConvolution) {
  Rng rng(4);
  for (int i = 0; i < 2000; ++i) {
    const auto in = static_cast<float>(rng.uniform(0.003, 0.2)),
               w = static_cast<float>(rng.uniform(1e-4, 0.05)),
               out = static_cast<float>(rng.uniform(0.01, 0.3));
    const float exact = exact_weight_scale(in, w, out);
    EXPECT_NEAR(exact / w, 1, 6e-4);
    std::vector<float> scales(3, exact);
    make_exact_as_convolution(in, out, scales);
    EXPECT_TRUE(is_exact_as_convolution(in, exact, out) || scales[2] != scales[0]);
  }
}

}  // namespace
}  // namespace atml::quantize
