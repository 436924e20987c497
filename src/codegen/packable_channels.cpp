#include "codegen/packable_channels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "codegen/packing_bounds.h"

namespace atml::codegen {

using namespace quantize;

namespace {

constexpr int kSmallestFactor = -23;  // as a power of two

// Biases of the packed kernels: of pairs, of depthwise.
constexpr std::int64_t most_bias(bool pairs) { return (std::int64_t{1} << (pairs ? 25 : 29)) - 1; }

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// An output channel as a function of its sum of products, which rises.
struct Output {
  const FilterParams& params;
  Rounding rounding;
  int channel;

  int operator()(std::int64_t sum) const {
    const std::int32_t y =
        multiply(static_cast<std::int32_t>(sum), params.multipliers[at(channel)], rounding);
    return clamp_to_int8(y + params.output_offset, params.low, params.high);
  }

  // The least sum in [low, high] whose output is `value` or more; high + 1: there is none.
  std::int64_t first(int value, std::int64_t low, std::int64_t high) const {
    ++high;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if ((*this)(middle) >= value)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }
};

struct Range {
  std::int64_t low, high;
};

class Layer {
 public:
  Layer(const Int8Model& model, const Op& op)
      : model_(model),
        op_(op),
        shape_(filter_shape(model, op)),
        params_(filter_params(model, op)),
        pairs_(goes_in_pairs(model, op)) {}

  bool packs() const { return packs(op_, params_); }
  bool is_good() const { return packs() && (pairs_ || is_short(*filter_of(op_), params_)); }

  // The same layer with all numbers in bounds, where that can be had.
  std::optional<Op> eased() const {
    Op op = op_;
    std::vector<int> constants, steps;
    for (int o = 0; o < shape_.outputs; ++o) {
      const Range sums = sums_of(o);
      if (!fits_int32(sums)) return std::nullopt;
      if (is_constant(o))
        constants.push_back(o);
      else if (!packs(o))
        steps.push_back(o);
    }
    Filter& filter = *filter_of(op);
    const float scale = donor();
    for (const int o : constants) filter.scales[at(o)] = scale;
    for (const int o : steps) filter.scales[at(o)] = wide_step(o);
    // Scales of a made-up file may be too far apart for a quotient.
    if (!std::ranges::all_of(filter.scales, [](float s) { return std::isfinite(s) && s > 0; }))
      return std::nullopt;
    const FilterParams p = filter_params(model_, op);
    if (!keeps_others(p, constants, steps)) return std::nullopt;
    for (const int o : constants) {
      if (!set_constant(op, p, o)) return std::nullopt;
    }
    for (const int o : steps) {
      if (!set_step(op, p, o)) return std::nullopt;
    }
    const bool better = packs(op, p) && (!packs() || is_short(filter, p));
    return better ? std::optional(std::move(op)) : std::nullopt;
  }

 private:
  bool packs(const Op& op, const FilterParams& p) const {
    return filter_packs(op, shape_, p, pairs_);
  }

  bool packs(int o) const {
    return factor_packs(params_.multipliers[at(o)]) &&
           sums_pack(op_, shape_, o, params_.input_offset, pairs_);
  }

  static bool fits_int32(Range r) {
    return r.low > std::numeric_limits<std::int32_t>::min() &&
           r.high < std::numeric_limits<std::int32_t>::max();
  }

  Output output(const FilterParams& p, int o) const { return {p, model_.rounding, o}; }

  // Over all inputs; padding counts as an input of the zero point.
  Range sums_of(int o) const {
    const std::int64_t bias = filter_of(op_)->bias[at(o)];
    Range r{bias, bias};
    for (int i = 0; i < shape_.inputs; ++i) {
      const int w = shape_.weight(op_, o, i);
      const int a = w * (-128 + params_.input_offset), b = w * (127 + params_.input_offset);
      r.low += std::min(a, b);
      r.high += std::max(a, b);
    }
    return r;
  }

  bool is_constant(int o) const {
    const Range r = sums_of(o);
    const Output f = output(params_, o);
    return f(r.low) == f(r.high);
  }

  // The scale for constant channels: the largest of the live ones, so that biases stay small.
  float donor() const {
    float largest = 0;
    for (int o = 0; o < shape_.outputs; ++o) {
      if (!is_constant(o) && packs(o)) largest = std::max(largest, filter_of(op_)->scales[at(o)]);
    }
    return largest > 0 ? largest : scale_of(-2);
  }

  // The weight scale of a factor of 2^exponent, and not of one that float rounding left below.
  float scale_of(int exponent) const {
    constexpr float kAbove = 1.0001f;
    return std::ldexp(kAbove * model_.output_of(op_).scale / model_.input_of(op_).scale, exponent);
  }

  // The largest scale under which the sums on either side of a threshold are one step.
  float wide_step(int o) const {
    const Range r = sums_of(o);
    const Output f = output(params_, o);
    const std::int64_t threshold = f.first(f(r.high), r.low, r.high);
    const std::int64_t side = std::max(threshold - r.low, r.high - threshold + 1);
    int exponent = -2;
    // A little more, since scale_of() is a little above the power of two.
    while (exponent > kSmallestFactor && (std::int64_t{1} << -exponent) <= side + side / 1000 + 2)
      --exponent;
    return scale_of(exponent);
  }

  bool keeps_others(const FilterParams& p, const std::vector<int>& constants,
                    const std::vector<int>& steps) const {
    for (int o = 0; o < shape_.outputs; ++o) {
      if (std::ranges::binary_search(constants, o) || std::ranges::binary_search(steps, o))
        continue;
      if (!(p.multipliers[at(o)] == params_.multipliers[at(o)])) return false;
    }
    return true;
  }

  void clear_weights(Op& op, int o) const {
    Filter& f = *filter_of(op);
    for (int i = 0; i < shape_.inputs; ++i) {
      const std::size_t index = shape_.channel_last ? at(i) * at(shape_.outputs) + at(o)
                                                    : at(o) * at(shape_.inputs) + at(i);
      f.weights[index] = 0;
    }
  }

  // Of the biases that give the value, the one next to zero.
  bool set_constant(Op& op, const FilterParams& p, int o) const {
    const int value = output(params_, o)(sums_of(o).low);
    const Output f = output(p, o);
    const std::int64_t limit = most_bias(pairs_);
    const std::int64_t least = f.first(value, -limit, limit);
    const std::int64_t most = f.first(value + 1, -limit, limit) - 1;
    if (least > most) return false;
    clear_weights(op, o);
    filter_of(op)->bias[at(o)] =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(0, least, most));
    return true;
  }

  // Outputs rise with sums: equal at both ends of both plateaus, they are equal everywhere.
  bool set_step(Op& op, const FilterParams& p, int o) const {
    const Range r = sums_of(o);
    const Output before = output(params_, o), after = output(p, o);
    const int low = before(r.low), high = before(r.high);
    if (high != low + 1) return false;
    const std::int64_t threshold = before.first(high, r.low, r.high);
    const std::int64_t limit = most_bias(pairs_);
    const std::int64_t moved = after.first(high, -limit, limit) - threshold;
    const std::int64_t bias = filter_of(op_)->bias[at(o)] + moved;
    if (std::abs(bias) > limit) return false;
    if (after(r.low + moved) != low || after(threshold - 1 + moved) != low ||
        after(threshold + moved) != high || after(r.high + moved) != high)
      return false;
    filter_of(op)->bias[at(o)] = static_cast<std::int32_t>(bias);
    return true;
  }

  const Int8Model& model_;
  const Op& op_;
  FilterShape shape_;
  FilterParams params_;
  bool pairs_;
};

}  // namespace

std::optional<Op> with_packable_channels(const Int8Model& model, const Op& op) {
  const Layer layer(model, op);
  return layer.is_good() ? std::nullopt : layer.eased();
}

}  // namespace atml::codegen
