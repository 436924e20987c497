#include "exchange/tflite_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "quantize/requantize.h"

namespace atml::exchange {

using namespace schema;
using namespace quantize;
using network::Padding;
using network::Window;

namespace {

std::vector<std::int8_t> unpack(std::string_view nibbles, std::size_t count) {
  std::vector<std::int8_t> weights(count);
  for (std::size_t i = 0; i < count; ++i) {
    const int nibble = (static_cast<unsigned char>(nibbles[i / 2]) >> (4 * (i % 2))) & 15;
    weights[i] = static_cast<std::int8_t>(nibble >= 8 ? nibble - 16 : nibble);
  }
  return weights;
}

std::vector<std::int32_t> int32_values(std::string_view data) {
  std::vector<std::int32_t> values(data.size() / 4);
  if (!values.empty()) std::memcpy(values.data(), data.data(), values.size() * 4);
  return values;
}

// A convolution that sees its whole input once, where TFLite's arithmetic is the same for both.
bool is_product_in_range(float input_scale, float weight_scale, float output_scale) {
  const double factor = static_cast<double>(input_scale) * static_cast<double>(weight_scale) /
                        static_cast<double>(output_scale);
  return factor > 1e-9 && factor < 256;  // else verify() refuses it
}

bool is_dense(const Window& w, const Filter& f, const Tensor& in, const Tensor& out) {
  const bool whole = w.kernel_h == in.shape.height && w.kernel_w == in.shape.width &&
                     w.dilation_h == 1 && w.dilation_w == 1;
  const bool unpadded = w.padding == Padding::kValid || (w.kernel_h == 1 && w.kernel_w == 1);
  if (!whole || !unpadded || !(out.shape == Shape{1, 1, out.shape.channels})) return false;
  const double factor = static_cast<double>(in.scale) * static_cast<double>(f.scales[0]) /
                        static_cast<double>(out.scale);
  const bool scales_ok = factor > 1e-9 && factor < 256;  // else verify() refuses it
  const bool shared = std::ranges::all_of(f.scales, [&](float s) { return s == f.scales[0]; });
  return scales_ok && (!shared || is_exact_as_convolution(in.scale, f.scales[0], out.scale));
}

}  // namespace

Status TfliteReader::read_bias(const RawOp& op, std::size_t outputs, Filter& f) const {
  f.bias.assign(outputs, 0);
  if (op.inputs.size() < 3 || op.inputs[2] < 0) return {};
  const RawTensor& bias = raw(op.inputs[2]);
  if (bias.type != kInt32 || bias.data.size() != 4 * outputs) {
    return unsupported(
        fmt::format("bias '{}' must be {} constant int32 values", bias.name, outputs));
  }
  f.bias = int32_values(bias.data);
  return {};
}

// Weights with one scale, or one an output along `axis`.
Result<Filter> TfliteReader::read_filter(const RawOp& op, std::size_t rank, int axis) const {
  if (op.inputs.size() < 2 || op.inputs[1] < 0) return unsupported("no weights");
  const RawTensor& t = raw(op.inputs[1]);
  if (t.type != kInt8 && t.type != kInt4)
    return unsupported(fmt::format("weights '{}' are not int8 or int4 (type {})", t.name, t.type));
  if (t.dims.size() != rank)
    return unsupported(
        fmt::format("weights '{}' have {} dimensions, not {}", t.name, t.dims.size(), rank));
  std::uint64_t count = 1;
  for (const std::int32_t d : t.dims) {
    if (d < 1 || d > (1 << 20) ||
        (count *= static_cast<std::uint64_t>(d)) >
            static_cast<std::uint64_t>(kMostTensorElements)) {
      return unsupported(fmt::format("weights '{}' have a bad shape", t.name));
    }
  }
  const std::uint64_t bytes = t.type == kInt4 ? (count + 1) / 2 : count;
  if (t.data.size() != bytes)
    return unsupported(fmt::format("weights '{}' hold {} bytes, must hold {} and be constant",
                                   t.name, t.data.size(), bytes));
  if (std::ranges::any_of(t.zero_points, [](std::int64_t z) { return z != 0; }))
    return unsupported(fmt::format("weights '{}' have a zero point", t.name));
  const auto outputs = static_cast<std::size_t>(t.dims[static_cast<std::size_t>(axis)]);
  if (t.scales.size() != 1 && t.scales.size() != outputs)
    return unsupported(fmt::format("weights '{}' have {} scales for {} outputs", t.name,
                                   t.scales.size(), outputs));
  if (t.scales.size() > 1 && t.dimension != axis)
    return unsupported(fmt::format("weights '{}' are quantised along dimension {}, not {}", t.name,
                                   t.dimension, axis));
  Filter f;
  f.weights = t.type == kInt4 ? unpack(t.data, static_cast<std::size_t>(count))
                              : std::vector<std::int8_t>(t.data.begin(), t.data.end());
  f.weight_bits = t.type == kInt4 ? 4 : 8;
  f.scales = t.scales.size() == outputs ? t.scales : std::vector<float>(outputs, t.scales[0]);
  ATML_TRY_STATUS(read_bias(op, outputs, f));
  return f;
}

Result<Window> TfliteReader::window(const RawOp& op, int kernel_h, int kernel_w, int padding,
                                    int stride_w, int stride_h, int dilation_w,
                                    int dilation_h) const {
  Window w;
  w.kernel_h = kernel_h;
  w.kernel_w = kernel_w;
  w.stride_w = op.option_int(stride_w, 0);
  w.stride_h = op.option_int(stride_h, 0);
  if (dilation_w >= 0) w.dilation_w = op.option_int(dilation_w, 1);
  if (dilation_h >= 0) w.dilation_h = op.option_int(dilation_h, 1);
  const int kind = op.option_byte(padding, kSame);
  if (kind != kSame && kind != kValid) return unsupported(fmt::format("padding kind {}", kind));
  w.padding = kind == kSame ? Padding::kSame : Padding::kValid;
  for (const int n : {w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.dilation_h, w.dilation_w}) {
    if (n < 1 || n > 4096) return unsupported(fmt::format("a kernel, stride or dilation of {}", n));
  }
  return w;
}

Status TfliteReader::conv(const RawOp& op) {
  ATML_TRY_STATUS(expect_counts(op, 2, 3));
  ATML_TRY(const int in, activation(op, 0));
  ATML_TRY(Filter filter, read_filter(op, 4, 0));
  const auto& dims = raw(op.inputs[1]).dims;
  if (dims[3] != model_.tensor(in).shape.channels) {
    return unsupported(fmt::format("grouped convolution: {} weights a tap for {} input channels",
                                   dims[3], model_.tensor(in).shape.channels));
  }
  ATML_TRY(const Window w, window(op, dims[1], dims[2], kConvPadding, kConvStrideW, kConvStrideH,
                                  kConvDilationW, kConvDilationH));
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  ATML_TRY(const Bounds b, bounds(op, kConvActivation, model_.tensor(out)));
  if (is_dense(w, filter, model_.tensor(in), model_.tensor(out))) {
    emit(op, Dense{std::move(filter), b.low, b.high}, {in}, out);
    return {};
  }
  emit(op, Conv{w, std::move(filter), b.low, b.high}, {in}, out);
  return {};
}

Status TfliteReader::depthwise(const RawOp& op) {
  ATML_TRY_STATUS(expect_counts(op, 2, 3));
  ATML_TRY(const int in, activation(op, 0));
  ATML_TRY(Filter filter, read_filter(op, 4, 3));
  const auto& dims = raw(op.inputs[1]).dims;
  const int channels = model_.tensor(in).shape.channels;
  if (dims[0] != 1 || dims[3] % channels != 0)
    return unsupported(fmt::format("{} outputs from {} input channels", dims[3], channels));
  ATML_TRY(const Window w, window(op, dims[1], dims[2], kDepthwisePadding, kDepthwiseStrideW,
                                  kDepthwiseStrideH, kDepthwiseDilationW, kDepthwiseDilationH));
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  ATML_TRY(const Bounds b, bounds(op, kDepthwiseActivation, model_.tensor(out)));
  emit(op, Depthwise{w, dims[3] / channels, std::move(filter), b.low, b.high}, {in}, out);
  return {};
}

Status TfliteReader::dense(const RawOp& op) {
  ATML_TRY_STATUS(expect_counts(op, 2, 3));
  ATML_TRY(const int in, activation(op, 0));
  ATML_TRY(Filter filter, read_filter(op, 2, 0));
  if (op.option_byte(kDenseWeightsFormat, 0) != 0) return unsupported("shuffled weights");
  const auto& dims = raw(op.inputs[1]).dims;
  const Shape in_shape = model_.tensor(in).shape;
  const int outputs = dims[0];
  const bool whole = dims[1] == in_shape.elements();
  if (!whole && dims[1] != in_shape.channels) {
    return unsupported(
        fmt::format("{} weights an output for an input of {}", dims[1], in_shape.text()));
  }
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  ATML_TRY(const Bounds b, bounds(op, kDenseActivation, model_.tensor(out)));
  if (whole) {
    // [1, n] and [1, 1, n] are the same vector.
    emit(op, Dense{std::move(filter), b.low, b.high}, {in}, out);
    return {};
  }
  // A layer on every position (keep_num_dims, or a flattened batch of them) is a 1x1 convolution,
  // whose scales TFLite multiplies in another precision.
  const Tensor& from = model_.tensor(in);
  Conv c{{}, std::move(filter), b.low, b.high};
  c.shared_product =
      std::ranges::all_of(c.filter.scales, [&](float s) { return s == c.filter.scales[0]; }) &&
      is_product_in_range(from.scale, c.filter.scales[0], model_.tensor(out).scale) &&
      !is_exact_as_convolution(from.scale, c.filter.scales[0], model_.tensor(out).scale);
  const Shape conv_shape{in_shape.height, in_shape.width, outputs};
  if (conv_shape.elements() != model_.tensor(out).shape.elements())
    return unsupported(fmt::format("an output of {} from an input of {}",
                                   model_.tensor(out).shape.text(), in_shape.text()));
  emit(op, std::move(c), {in}, output_as(out, conv_shape));
  finish_output(out);
  return {};
}

}  // namespace atml::exchange
