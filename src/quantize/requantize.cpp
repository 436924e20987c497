#include "quantize/requantize.h"

#include <cmath>

namespace atml::quantize {

Multiplier quantize_multiplier(double real) {
  ATML_ASSERT(std::isfinite(real) && real >= 0 && real < 1073741824.0,
              "requantisation factor out of range");
  if (real == 0) return {};
  Multiplier m;
  const double fraction = std::frexp(real, &m.shift);
  std::int64_t mantissa = std::llround(fraction * 2147483648.0);
  if (mantissa == (1ll << 31)) {
    mantissa /= 2;
    ++m.shift;
  }
  if (m.shift < -31) return {};
  m.mantissa = static_cast<std::int32_t>(mantissa);
  return m;
}

namespace {

double real(float scale) { return static_cast<double>(scale); }

FilterParams filter_params(const Tensor& in, const Tensor& out, const Filter& filter, bool dense,
                           int low, int high) {
  FilterParams p{-in.zero_point, out.zero_point, low, high, {}};
  p.multipliers.reserve(filter.scales.size());
  const bool per_tensor =
      std::ranges::all_of(filter.scales, [&](float s) { return s == filter.scales[0]; });
  for (const float scale : filter.scales) {
    // TFLite multiplies the two scales of a per-tensor fully connected layer in float, everywhere
    // else in double; the last bits of the multiplier depend on it.
    const double product =
        dense && per_tensor ? real(in.scale * scale) : real(in.scale) * real(scale);
    p.multipliers.push_back(quantize_multiplier(product / real(out.scale)));
  }
  return p;
}

}  // namespace

FilterParams filter_params(const Int8Model& model, const Op& op) {
  const Tensor& in = model.input_of(op);
  const Tensor& out = model.output_of(op);
  if (const auto* c = std::get_if<Conv>(&op.kind))
    return filter_params(in, out, c->filter, c->shared_product, c->low, c->high);
  if (const auto* d = std::get_if<Depthwise>(&op.kind))
    return filter_params(in, out, d->filter, false, d->low, d->high);
  if (const auto* d = std::get_if<Dense>(&op.kind))
    return filter_params(in, out, d->filter, true, d->low, d->high);
  ATML_UNREACHABLE("filter_params() of an operator without filter");
}

bool is_exact_as_convolution(float input_scale, float weight_scale, float output_scale) {
  return quantize_multiplier(real(input_scale * weight_scale) / real(output_scale)) ==
         quantize_multiplier(real(input_scale) * real(weight_scale) / real(output_scale));
}

float exact_weight_scale(float input_scale, float weight_scale, float output_scale) {
  float scale = weight_scale;
  for (int step = 0; step < 4096; ++step) {
    if (is_exact_as_convolution(input_scale, scale, output_scale)) return scale;
    scale = std::nextafter(scale, std::numeric_limits<float>::infinity());
  }
  return weight_scale;
}

void make_exact_as_convolution(float input_scale, float output_scale, std::vector<float>& scales) {
  const bool shared = std::ranges::all_of(scales, [&](float s) { return s == scales[0]; });
  if (!shared || is_exact_as_convolution(input_scale, scales[0], output_scale)) return;
  scales.back() = std::nextafter(scales.back(), std::numeric_limits<float>::infinity());
}

AddParams add_params(const Int8Model& model, const Op& op) {
  const auto& add = std::get<Add>(op.kind);
  const Tensor& a = model.input_of(op, 0);
  const Tensor& b = model.input_of(op, 1);
  const Tensor& out = model.output_of(op);
  const double twice_largest = 2 * real(std::max(a.scale, b.scale));
  AddParams p;
  p.offset_1 = -a.zero_point;
  p.offset_2 = -b.zero_point;
  p.output_offset = out.zero_point;
  p.input_1 = quantize_multiplier(real(a.scale) / twice_largest);
  p.input_2 = quantize_multiplier(real(b.scale) / twice_largest);
  p.output = quantize_multiplier(twice_largest / (std::ldexp(1.0, p.left_shift) * real(out.scale)));
  p.low = add.low;
  p.high = add.high;
  return p;
}

MulParams mul_params(const Int8Model& model, const Op& op) {
  const auto& mul = std::get<Mul>(op.kind);
  const Tensor& a = model.input_of(op, 0);
  const Tensor& b = model.input_of(op, 1);
  const Tensor& out = model.output_of(op);
  const float factor = a.scale * b.scale / out.scale;  // in float, as TFLite does
  return {-a.zero_point, -b.zero_point, out.zero_point, quantize_multiplier(real(factor)),
          mul.low,       mul.high};
}

MeanParams mean_params(const Int8Model& model, const Op& op) {
  const Tensor& in = model.input_of(op);
  const Tensor& out = model.output_of(op);
  const std::int64_t count = static_cast<std::int64_t>(in.shape.height) * in.shape.width;
  Multiplier m = quantize_multiplier(real(in.scale) / real(out.scale));
  int shift = 0;
  while ((count >> (shift + 1)) > 0) ++shift;
  shift = std::min({shift, 32, 31 + m.shift});
  m.mantissa = static_cast<std::int32_t>((static_cast<std::int64_t>(m.mantissa) << shift) / count);
  m.shift -= shift;
  return {static_cast<std::int32_t>(-in.zero_point * count), out.zero_point, m};
}

RescaleParams rescale_params(const Tensor& from, const Tensor& to) {
  const bool identity = from.scale == to.scale && from.zero_point == to.zero_point;
  return {identity, -from.zero_point, to.zero_point,
          quantize_multiplier(real(from.scale) / real(to.scale))};
}

std::array<std::int8_t, 256> rescale_table(const Tensor& from, const Tensor& to,
                                           Rounding rounding) {
  const RescaleParams p = rescale_params(from, to);
  std::array<std::int8_t, 256> table{};
  for (int x = -128; x <= 127; ++x) {
    const std::int32_t scaled =
        multiply(x + p.input_offset, p.multiplier, rounding) + p.output_offset;
    table[static_cast<std::size_t>(x + 128)] =
        p.identity ? static_cast<std::int8_t>(x) : clamp_to_int8(scaled, -128, 127);
  }
  return table;
}

SoftmaxParams softmax_params(const Int8Model& model, const Op& op) {
  const double beta = real(std::get<Softmax>(op.kind).beta);
  const double factor =
      std::min(beta * real(model.input_of(op).scale) * std::ldexp(1.0, 26), 2147483647.0);
  const int doublings = std::max(0, std::ilogb(factor) + 1);
  SoftmaxParams p;
  // A factor of 2^30 and more does not fit quantize_multiplier's range, but its fraction does.
  p.input = quantize_multiplier(std::ldexp(factor, -doublings));
  p.input.shift += doublings;
  p.smallest_difference =
      -static_cast<int>(std::floor(31.0 * std::ldexp(1.0, 26) / std::ldexp(1.0, p.input.shift)));
  return p;
}

}  // namespace atml::quantize
