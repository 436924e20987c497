#include "codegen/linear_add.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace atml::codegen {

using namespace quantize;

namespace {

constexpr std::int64_t kSmallest = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();

// One number for each input from -128 to 127.
template <class T>
using PerInput = std::array<T, 256>;

// The factor of an input, in the form's unit: 2^-(kLinearAddBits + 8) steps of the output.
double factor(const AddParams& p, Multiplier input) {
  const double inner = std::ldexp(input.mantissa, input.shift - 31);
  const double outer = std::ldexp(p.output.mantissa, p.output.shift - 31);
  return inner * outer * std::ldexp(1.0, p.left_shift + kLinearAddBits + 8);
}

PerInput<std::int32_t> scaled(const AddParams& p, int offset, Multiplier m, Rounding rounding) {
  PerInput<std::int32_t> values{};
  for (int x = -128; x <= 127; ++x) {
    values[static_cast<std::size_t>(x + 128)] =
        multiply((x + offset) * (1 << p.left_shift), m, rounding);
  }
  return values;
}

PerInput<std::int64_t> term(std::int64_t factor) {
  PerInput<std::int64_t> values{};
  for (int x = -128; x <= 127; ++x) values[static_cast<std::size_t>(x + 128)] = (x * factor) >> 8;
  return values;
}

// Constants that give some pairs of inputs their outputs.
struct Interval {
  std::int64_t low = kSmallest;
  std::int64_t high = kLargest;

  // For `sum` of the inputs' terms the output is `q`, saturated.
  void require(std::int64_t sum, std::int64_t q) {
    if (q > -128) low = std::max(low, (std::min<std::int64_t>(q, 127) << kLinearAddBits) - sum);
    if (q < 127)
      high = std::min(high, ((std::max<std::int64_t>(q, -128) + 1) << kLinearAddBits) - sum - 1);
  }
};

// Sums that fit 32 bits whatever is added first.
bool fits(const PerInput<std::int64_t>& a, const PerInput<std::int64_t>& b, std::int64_t constant) {
  const auto largest = [](const PerInput<std::int64_t>& v) {
    return std::max(std::abs(v.front()), std::abs(v.back()));
  };
  // Each term may be split into a rounded upper part and a rest of less than 256.
  return std::abs(constant) + largest(a) + largest(b) + 512 <= kLargest;
}

}  // namespace

std::optional<LinearAdd> linear_add(const AddParams& p, Rounding rounding) {
  const double factor_1 = std::nearbyint(factor(p, p.input_1));
  const double factor_2 = std::nearbyint(factor(p, p.input_2));
  constexpr auto limit = static_cast<double>(kLargest);
  if (p.output.shift > 0 || factor_1 > limit || factor_2 > limit) return std::nullopt;
  const auto a = scaled(p, p.offset_1, p.input_1, rounding);
  const auto b = scaled(p, p.offset_2, p.input_2, rounding);
  const auto term_1 = term(static_cast<std::int64_t>(factor_1));
  const auto term_2 = term(static_cast<std::int64_t>(factor_2));
  Interval constants;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j)
      constants.require(term_1[i] + term_2[j],
                        std::int64_t{multiply(a[i] + b[j], p.output, rounding)} + p.output_offset);
    if (constants.low > constants.high) return std::nullopt;
  }
  const std::int64_t constant = (constants.low + constants.high) >> 1;
  if (!fits(term_1, term_2, constant)) return std::nullopt;
  return LinearAdd{static_cast<std::int32_t>(factor_1), static_cast<std::int32_t>(factor_2),
                   static_cast<std::int32_t>(constant)};
}

}  // namespace atml::codegen
