// Tables of unary functions, each entry as TFLite's reference kernel computes it.
#include <fmt/format.h>

#include <cmath>

#include "quantize/requantize.h"

namespace atml::quantize {
namespace {

using Values = std::vector<std::int8_t>;

template <class F>
Values tabulate(F&& entry) {
  Values values(256);
  for (int x = -128; x <= 127; ++x) values[static_cast<std::size_t>(x + 128)] = entry(x);
  return values;
}

// LiteRT evaluates these functions in float and rounds once an entry.
template <class F>
Values tabulate_float(const Tensor& from, const Tensor& to, F&& function) {
  const float inverse_scale = 1.0f / to.scale;
  return tabulate([&](int x) {
    const float value = function(from.scale * static_cast<float>(x - from.zero_point));
    const float rounded = std::round(value * inverse_scale);
    return static_cast<std::int8_t>(
        std::clamp(rounded + static_cast<float>(to.zero_point), -128.0f, 127.0f));
  });
}

Values clamped_rescale(const Tensor& from, const Tensor& to, Rounding rounding, int low, int high) {
  const RescaleParams p = rescale_params(from, to);
  return tabulate([&](int x) {
    return clamp_to_int8(multiply(x + p.input_offset, p.multiplier, rounding) + p.output_offset,
                         low, high);
  });
}

// The quantised value of a real bound, as TFLite rounds activation bounds.
int bound(const Tensor& t, float real) {
  const float q = static_cast<float>(t.zero_point) + std::round(real / t.scale);
  return static_cast<int>(std::clamp(q, -128.0f, 127.0f));
}

std::int16_t high_mul_16(std::int16_t a, std::int16_t b, bool rounded) {
  if (a == b && a == -32768) return 32767;
  const std::int32_t product = static_cast<std::int32_t>(a) * b;
  const std::int32_t nudge = !rounded ? 0 : (product >= 0 ? (1 << 14) : 1 - (1 << 14));
  return static_cast<std::int16_t>((product + nudge) / (1 << 15));
}

std::int16_t shift_left_16(std::int16_t x, int amount) {
  return static_cast<std::int16_t>(
      std::clamp<std::int64_t>(std::int64_t{x} * (std::int64_t{1} << amount), -32768, 32767));
}

struct Multiplier16 {
  std::int16_t mantissa;
  int shift;
};
Multiplier16 multiplier_16(float real) {
  const Multiplier m = quantize_multiplier(static_cast<double>(real));
  const bool saturates = m.mantissa >= std::numeric_limits<std::int32_t>::max() - (1 << 15);
  return {
      saturates ? std::int16_t{32767} : static_cast<std::int16_t>((m.mantissa + (1 << 15)) >> 16),
      m.shift};
}

// hard_swish(x) = x relu6(x + 3) / 6 in 16-bit fixed point: the input with 7 more bits, once on the
// output's scale and once as relu6(x + 3) / 6 in Q0.15.
Result<Values> hard_swish(const Tensor& from, const Tensor& to) {
  if (!(from.scale < 1000) || !(from.scale / to.scale < 1000)) {
    return Error{Code::kUnsupported, fmt::format("hard_swish: scales {} and {} are out of range",
                                                 from.scale, to.scale)};
  }
  const float fine_scale = (1.0f / 128.0f) * from.scale;
  const Multiplier16 output = multiplier_16(fine_scale / to.scale);
  const Multiplier16 reluish = multiplier_16(fine_scale / (3.0f / 32768.0f));
  if (output.shift > 0) {
    return Error{Code::kUnsupported,
                 fmt::format("hard_swish: output scale {} is too fine for input scale {}", to.scale,
                             from.scale)};
  }
  return tabulate([&](int x) {
    const auto fine = static_cast<std::int16_t>((x - from.zero_point) * 128);
    const std::int16_t on_output = high_mul_16(fine, output.mantissa, true);
    std::int16_t gate = fine;
    if (reluish.shift > 0) gate = shift_left_16(gate, reluish.shift - 1);
    gate = high_mul_16(gate, reluish.mantissa, true);
    if (reluish.shift > 0) gate = shift_left_16(gate, 1);
    if (reluish.shift < 0)
      gate = static_cast<std::int16_t>(shift_right_rounded(gate, -reluish.shift));
    gate = static_cast<std::int16_t>((gate + (1 << 15)) >> 1);
    const std::int16_t product = high_mul_16(gate, on_output, false);
    return clamp_to_int8(shift_right_rounded(product, -output.shift) + to.zero_point, -128, 127);
  });
}

Status expect_output(const std::string& function, const Tensor& to, float scale, int zero_point) {
  if (to.scale == scale && to.zero_point == zero_point) return {};
  return Error{Code::kUnsupported,
               fmt::format("{} gives scale {} and zero point {}, not {} and {}", function, scale,
                           zero_point, to.scale, to.zero_point)};
}

}  // namespace

Result<std::vector<std::int8_t>> function_table(const std::string& function, const Tensor& from,
                                                const Tensor& to, Rounding rounding) {
  if (function == "logistic") {
    ATML_TRY_STATUS(expect_output(function, to, 1.0f / 256, -128));
    return tabulate_float(from, to, [](float v) { return 1.0f / (1.0f + std::exp(-v)); });
  }
  if (function == "tanh") {
    ATML_TRY_STATUS(expect_output(function, to, 1.0f / 128, 0));
    return tabulate_float(from, to, [](float v) { return std::tanh(v); });
  }
  if (function == "hard_swish") return hard_swish(from, to);
  if (function == "relu") return clamped_rescale(from, to, rounding, bound(to, 0), 127);
  if (function == "relu6") return clamped_rescale(from, to, rounding, bound(to, 0), bound(to, 6));
  if (function == "relu_n1_to_1")
    return clamped_rescale(from, to, rounding, bound(to, -1), bound(to, 1));
  if (function == "quantize") return clamped_rescale(from, to, rounding, -128, 127);
  return Error{Code::kUnsupported, fmt::format("no table for the function '{}'", function)};
}

Status check_table(const Int8Model& model, const Op& op, const Table& table) {
  ATML_TRY(const auto values,
           function_table(table.function, model.input_of(op), model.output_of(op), model.rounding));
  if (values == table.values) return {};
  return Error{Code::kUnsupported, fmt::format("its table is not that of '{}'", table.function)};
}

}  // namespace atml::quantize
