#include "codegen/packing_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace atml::codegen {

using namespace quantize;

bool all_zero(const Filter& f) {
  return std::ranges::all_of(f.weights, [](std::int8_t w) { return w == 0; });
}

bool goes_in_pairs(const Int8Model& model, const Op& op) {
  return !std::holds_alternative<Depthwise>(op.kind) || model.input_of(op).shape.channels == 1;
}

bool factor_packs(const Multiplier& m) {
  return (m.mantissa == 0 && m.shift == 0) || (m.mantissa > 0 && m.shift <= -1 && m.shift >= -22);
}

bool sums_pack(const Op& op, const FilterShape& shape, int output, int input_offset, bool pairs) {
  std::int64_t total = 0, signed_total = 0;
  for (int i = 0; i < shape.inputs; ++i) {
    const int w = shape.weight(op, output, i);
    total += std::abs(w);
    signed_total += w;
  }
  const std::int64_t bias = filter_of(op)->bias[static_cast<std::size_t>(output)];
  const std::int64_t folded = std::abs(bias) + std::abs(signed_total * input_offset);
  if (folded + 128 * total >= 1 << 30) return false;
  if (!pairs) return true;
  return folded < 1 << 25 && 128 * total < 1 << (has_nibbles(op) ? 27 : 23);
}

std::string packing_obstacle(const Op& op, const FilterShape& shape, const FilterParams& p,
                             bool pairs) {
  for (int o = 0; o < shape.outputs; ++o) {
    const Multiplier& m = p.multipliers[static_cast<std::size_t>(o)];
    if (!factor_packs(m)) {
      return fmt::format("output channel {}: its factor {:.3g} is not in [2^-23, 0.5)", o,
                         std::ldexp(m.mantissa, m.shift - 31));
    }
    if (!sums_pack(op, shape, o, p.input_offset, pairs)) {
      return fmt::format(
          "output channel {}: its bias {} or its weights are too large for sums of {} bits", o,
          filter_of(op)->bias[static_cast<std::size_t>(o)], pairs ? 26 : 31);
    }
  }
  return "";
}

bool filter_packs(const Op& op, const FilterShape& shape, const FilterParams& p, bool pairs) {
  if (!std::ranges::all_of(p.multipliers, factor_packs)) return false;
  for (int o = 0; o < shape.outputs; ++o) {
    if (!sums_pack(op, shape, o, p.input_offset, pairs)) return false;
  }
  return true;
}

bool is_short(const Filter& f, const FilterParams& p) {
  int least = 31, most = 0;
  for (const Multiplier& m : p.multipliers) {
    if (m.mantissa < 1 << 30) return false;
    least = std::min(least, -m.shift);
    most = std::max(most, -m.shift);
  }
  return most - least <= 3 &&
         std::ranges::all_of(f.bias, [](std::int32_t b) { return b >= -(1 << 15) && b < 1 << 15; });
}

}  // namespace atml::codegen
