// Operators with weights.
#include <algorithm>

#include "exchange/tflite_writer.h"
#include "quantize/requantize.h"

namespace atml::exchange {

using namespace schema;
using namespace quantize;

namespace {

// Two 4-bit weights a byte, the earlier in the low nibble.
std::string nibbles(const std::vector<std::int8_t>& weights) {
  std::string packed((weights.size() + 1) / 2, '\0');
  for (std::size_t i = 0; i < weights.size(); ++i) {
    packed[i / 2] = static_cast<char>(packed[i / 2] | ((weights[i] & 15) << (4 * (i % 2))));
  }
  return packed;
}

int conv_version(const Filter& f) { return f.weight_bits == 4 ? 7 : 3; }

}  // namespace

std::int8_t padding_of(const network::Window& w) {
  return w.padding == network::Padding::kSame ? kSame : kValid;
}

int TfliteWriter::add_weights(const Op& op, const Filter& f, std::vector<int> dims, int dimension) {
  OutTensor t;
  t.name = op.name + "_weights";
  t.dims = std::move(dims);
  // No LiteRT kernel takes 4-bit weights in a depthwise convolution: there they are written as 8
  // bits.
  const bool narrow = f.weight_bits == 4 && !std::holds_alternative<Depthwise>(op.kind);
  t.type = narrow ? kInt4 : kInt8;
  t.data = narrow ? nibbles(f.weights) : bytes_of(f.weights);
  t.scales = f.scales;
  t.zero_points.assign(t.scales.size(), 0);
  t.dimension = dimension;
  return add_constant(std::move(t));
}

int TfliteWriter::add_bias(const Op& op, const Filter& f) {
  OutTensor t;
  t.name = op.name + "_bias";
  t.dims = {static_cast<int>(f.bias.size())};
  t.type = kInt32;
  t.data = bytes_of(f.bias);
  for (const float scale : f.scales) t.scales.push_back(model_.input_of(op).scale * scale);
  t.zero_points.assign(t.scales.size(), 0);
  return add_constant(std::move(t));
}

// A dense layer on every position; the format knows it as FULLY_CONNECTED that keeps dimensions.
Status TfliteWriter::dense_on_positions(const Op& op, const Conv& c, std::int8_t act) {
  const int in = input_of(op, 0, true);
  const int weights = add_weights(
      op, c.filter, {model_.output_of(op).shape.channels, model_.input_of(op).shape.channels}, 0);
  graph_.tensors.back().scales.resize(1);
  graph_.tensors.back().zero_points.resize(1);
  const int bias = add_bias(op, c.filter);
  graph_.tensors.back().scales.resize(1);
  graph_.tensors.back().zero_points.resize(1);
  graph_.ops.push_back({kFullyConnected,
                        c.filter.weight_bits == 4 ? 10 : 5,
                        {in, weights, bias},
                        add_output(op),
                        kFullyConnectedOptions,
                        {{kDenseActivation, act}, {kDenseKeepDims, true}}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const Conv& c) {
  ATML_TRY(const std::int8_t act, activation(model_.output_of(op), c.low, c.high));
  if (c.shared_product) return dense_on_positions(op, c, act);
  const network::Window& w = c.window;
  const int in = input_of(op, 0, true);
  const int weights = add_weights(op, c.filter,
                                  {model_.output_of(op).shape.channels, w.kernel_h, w.kernel_w,
                                   model_.input_of(op).shape.channels},
                                  0);
  const int bias = add_bias(op, c.filter);
  graph_.ops.push_back({kConv2d,
                        conv_version(c.filter),
                        {in, weights, bias},
                        add_output(op),
                        kConv2dOptions,
                        {{kConvPadding, padding_of(w)},
                         {kConvStrideW, w.stride_w},
                         {kConvStrideH, w.stride_h},
                         {kConvActivation, act},
                         {kConvDilationW, w.dilation_w},
                         {kConvDilationH, w.dilation_h}}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const Depthwise& d) {
  ATML_TRY(const std::int8_t act, activation(model_.output_of(op), d.low, d.high));
  const network::Window& w = d.window;
  const int in = input_of(op, 0, true);
  const int weights = add_weights(
      op, d.filter, {1, w.kernel_h, w.kernel_w, model_.output_of(op).shape.channels}, 3);
  const int bias = add_bias(op, d.filter);
  graph_.ops.push_back({kDepthwiseConv2d,
                        3,
                        {in, weights, bias},
                        add_output(op),
                        kDepthwiseOptions,
                        {{kDepthwisePadding, padding_of(w)},
                         {kDepthwiseStrideW, w.stride_w},
                         {kDepthwiseStrideH, w.stride_h},
                         {kDepthwiseMultiplier, d.multiplier},
                         {kDepthwiseActivation, act},
                         {kDepthwiseDilationW, w.dilation_w},
                         {kDepthwiseDilationH, w.dilation_h}}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const Dense& d) {
  ATML_TRY(const std::int8_t act, activation(model_.output_of(op), d.low, d.high));
  const Tensor& in = model_.input_of(op);
  const Tensor& out = model_.output_of(op);
  const bool shared =
      std::ranges::all_of(d.filter.scales, [&](float s) { return s == d.filter.scales[0]; });
  if (shared && !is_exact_as_convolution(in.scale, d.filter.scales[0], out.scale))
    return fully_connected(op, d, act);
  const int from = input_of(op, 0, true);
  const int weights = add_weights(
      op, d.filter, {out.shape.channels, in.shape.height, in.shape.width, in.shape.channels}, 0);
  const int bias = add_bias(op, d.filter);
  Tensor map = out;
  map.name += "_map";
  const int to = add_activation(map, false);
  graph_.ops.push_back({kConv2d,
                        conv_version(d.filter),
                        {from, weights, bias},
                        to,
                        kConv2dOptions,
                        {{kConvPadding, std::int8_t{kValid}},
                         {kConvStrideW, 1},
                         {kConvStrideH, 1},
                         {kConvActivation, act}}});
  const int shape = add_ints(op.name + "_shape", {1, out.shape.channels}, {2});
  graph_.ops.push_back({kReshape, 1, {to, shape}, add_output(op), kReshapeOptions, {}});
  return {};
}

// For layers that others quantised.
Status TfliteWriter::fully_connected(const Op& op, const Dense& d, std::int8_t act) {
  const int in = input_of(op, 0, false);
  const auto taps = static_cast<int>(model_.input_of(op).shape.elements());
  OutTensor& weights = graph_.tensors[static_cast<std::size_t>(
      add_weights(op, d.filter, {model_.output_of(op).shape.channels, taps}, 0))];
  weights.scales.resize(1);
  weights.zero_points.resize(1);
  const int at = static_cast<int>(graph_.tensors.size()) - 1;
  const int bias = add_bias(op, d.filter);
  graph_.tensors.back().scales.resize(1);
  graph_.tensors.back().zero_points.resize(1);
  graph_.ops.push_back({kFullyConnected,
                        d.filter.weight_bits == 4 ? 10 : 4,
                        {in, at, bias},
                        add_output(op),
                        kFullyConnectedOptions,
                        {{kDenseActivation, act}}});
  return {};
}

}  // namespace atml::exchange
