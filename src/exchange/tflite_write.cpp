#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "exchange/tflite.h"
#include "exchange/tflite_schema.h"
#include "quantize/requantize.h"

namespace atml::exchange {
namespace {

using namespace schema;
using namespace quantize;
using flatbuffers::FlatBufferBuilder;
using TableOffset = flatbuffers::Offset<void>;

flatbuffers::voffset_t slot(int field) {
  return flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(field));
}

struct OutTensor {
  std::string name;
  std::vector<int> dims;
  TensorType type = kInt8;
  std::string data;  // empty for activations
  std::vector<float> scales;
  std::vector<std::int64_t> zero_points;
  int dimension = 0;
};

/// The scalar fields of an options table: (field, value) as int32, byte or float.
struct Option {
  int field;
  std::variant<std::int32_t, std::int8_t, float, bool> value;
};

struct OutOp {
  Operator code;
  int version = 1;
  std::vector<int> inputs;
  int output = 0;
  OptionsType options_type = kNoOptions;
  std::vector<Option> options;
};

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Two 4-bit weights a byte, the earlier in the low nibble.
std::string nibbles(const std::vector<std::int8_t>& weights) {
  std::string packed((weights.size() + 1) / 2, '\0');
  for (std::size_t i = 0; i < weights.size(); ++i) {
    packed[i / 2] = static_cast<char>(packed[i / 2] | ((weights[i] & 15) << (4 * (i % 2))));
  }
  return packed;
}

int conv_version(const Filter& f) { return f.weight_bits == 4 ? 7 : 3; }

std::int8_t padding_of(const network::Window& w) {
  return w.padding == network::Padding::kSame ? kSame : kValid;
}

/// Turns operators into TFLite's: tensors, constants, reshapes between ranks.
class Translator {
 public:
  explicit Translator(const Int8Model& model)
      : model_(model), index_(model.tensors.size(), -1), rank_2_(model.tensors.size(), false) {}

  Status run() {
    choose_ranks();
    for (std::size_t t = 0; t < model_.tensors.size(); ++t) {
      if (static_cast<int>(t) == model_.input)
        index_[t] = add_activation(model_.tensors[t], rank_2_[t]);
    }
    for (const Op& op : model_.ops) {
      const auto out = static_cast<std::size_t>(op.output);
      const Status status =
          std::visit([&](const auto& kind) { return translate(op, kind); }, op.kind);
      if (!status.ok()) return status.error().with_context("operator '" + op.name + "'");
      ATML_ASSERT(index_[out] >= 0, "an operator wrote no tensor");
    }
    return {};
  }

  std::vector<OutTensor> tensors;
  std::vector<OutOp> ops;
  int input() const { return index_[static_cast<std::size_t>(model_.input)]; }
  int output() const { return index_[static_cast<std::size_t>(model_.output)]; }

 private:
  // Dense layers give [1, n], as do reshapes to vectors and what works element by element on them;
  // an input vector that only dense layers read is [1, n] too. All else is [1, h, w, c].
  void choose_ranks() {
    const auto flat = [&](int t) {
      return static_cast<bool>(rank_2_[static_cast<std::size_t>(t)]);
    };
    const Shape& in = model_.tensor(model_.input).shape;
    bool vector_input = in.height == 1 && in.width == 1;
    for (const Op& op : model_.ops) {
      const bool reads = std::ranges::find(op.inputs, model_.input) != op.inputs.end();
      if (reads && !std::holds_alternative<Dense>(op.kind)) vector_input = false;
    }
    rank_2_[static_cast<std::size_t>(model_.input)] = vector_input;
    for (const Op& op : model_.ops) {
      const Shape& out = model_.output_of(op).shape;
      const bool vector = out.height == 1 && out.width == 1;
      const bool elementwise =
          std::holds_alternative<Table>(op.kind) || std::holds_alternative<Softmax>(op.kind) ||
          std::holds_alternative<Add>(op.kind) || std::holds_alternative<Mul>(op.kind) ||
          std::holds_alternative<Concat>(op.kind);
      rank_2_[static_cast<std::size_t>(op.output)] =
          std::holds_alternative<Dense>(op.kind) ||
          (std::holds_alternative<Reshape>(op.kind) && vector) ||
          (elementwise && std::ranges::all_of(op.inputs, flat));
    }
  }

  int add_activation(const Tensor& t, bool flat) {
    const Shape& s = t.shape;
    OutTensor out;
    out.name = t.name;
    out.dims =
        flat ? std::vector<int>{1, s.channels} : std::vector<int>{1, s.height, s.width, s.channels};
    out.scales = {t.scale};
    out.zero_points = {t.zero_point};
    tensors.push_back(std::move(out));
    return static_cast<int>(tensors.size()) - 1;
  }

  int add_output(const Op& op) {
    const auto t = static_cast<std::size_t>(op.output);
    index_[t] = add_activation(model_.tensors[t], rank_2_[t]);
    return index_[t];
  }

  int add_constant(OutTensor t) {
    tensors.push_back(std::move(t));
    return static_cast<int>(tensors.size()) - 1;
  }
  int add_ints(const std::string& name, const std::vector<int>& values, std::vector<int> dims) {
    OutTensor t{name, std::move(dims), kInt32, bytes_of(values), {}, {}, 0};
    return add_constant(std::move(t));
  }

  // The operator's n-th input; with four dimensions where the operator needs them.
  int input_of(const Op& op, int n, bool four) {
    const auto t = static_cast<std::size_t>(op.inputs[static_cast<std::size_t>(n)]);
    if (!four || !rank_2_[t]) return index_[t];
    return reshaped(model_.tensors[t], index_[t], fmt::format("{}_input_{}", op.name, n));
  }

  int reshaped(const Tensor& t, int from, const std::string& name) {
    Tensor copy = t;
    copy.name = name;
    const int shape =
        add_ints(name + "_shape", {1, t.shape.height, t.shape.width, t.shape.channels}, {4});
    const int to = add_activation(copy, false);
    ops.push_back({kReshape, 1, {from, shape}, to, kReshapeOptions, {}});
    return to;
  }

  int add_weights(const Op& op, const Filter& f, std::vector<int> dims, int dimension) {
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

  int add_bias(const Op& op, const Filter& f) {
    OutTensor t;
    t.name = op.name + "_bias";
    t.dims = {static_cast<int>(f.bias.size())};
    t.type = kInt32;
    t.data = bytes_of(f.bias);
    for (const float scale : f.scales) t.scales.push_back(model_.input_of(op).scale * scale);
    t.zero_points.assign(t.scales.size(), 0);
    return add_constant(std::move(t));
  }

  // The fused activation whose range is [low, high] on this tensor's scale.
  Result<std::int8_t> activation(const Tensor& t, int low, int high) const {
    const auto bound = [&](float real) {
      return static_cast<int>(std::clamp(
          static_cast<float>(t.zero_point) + std::round(real / t.scale), -128.0f, 127.0f));
    };
    if (low == -128 && high == 127) return static_cast<std::int8_t>(kNone);
    if (low == bound(0) && high == 127) return static_cast<std::int8_t>(kRelu);
    if (low == bound(0) && high == bound(6)) return static_cast<std::int8_t>(kRelu6);
    if (low == bound(-1) && high == bound(1)) return static_cast<std::int8_t>(kReluN1To1);
    return Error{Code::kUnsupported,
                 fmt::format("no activation of .tflite has the range [{}, {}]", low, high)};
  }

  // A dense layer on every position; the format knows it as FULLY_CONNECTED that keeps dimensions.
  Status dense_on_positions(const Op& op, const Conv& c, std::int8_t act) {
    const int in = input_of(op, 0, true);
    const int weights = add_weights(
        op, c.filter, {model_.output_of(op).shape.channels, model_.input_of(op).shape.channels}, 0);
    tensors.back().scales.resize(1);
    tensors.back().zero_points.resize(1);
    const int bias = add_bias(op, c.filter);
    tensors.back().scales.resize(1);
    tensors.back().zero_points.resize(1);
    ops.push_back({kFullyConnected,
                   c.filter.weight_bits == 4 ? 10 : 5,
                   {in, weights, bias},
                   add_output(op),
                   kFullyConnectedOptions,
                   {{kDenseActivation, act}, {kDenseKeepDims, true}}});
    return {};
  }

  Status translate(const Op& op, const Conv& c) {
    ATML_TRY(const std::int8_t act, activation(model_.output_of(op), c.low, c.high));
    if (c.shared_product) return dense_on_positions(op, c, act);
    const network::Window& w = c.window;
    const int in = input_of(op, 0, true);
    const int weights = add_weights(op, c.filter,
                                    {model_.output_of(op).shape.channels, w.kernel_h, w.kernel_w,
                                     model_.input_of(op).shape.channels},
                                    0);
    const int bias = add_bias(op, c.filter);
    ops.push_back({kConv2d,
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

  Status translate(const Op& op, const Depthwise& d) {
    ATML_TRY(const std::int8_t act, activation(model_.output_of(op), d.low, d.high));
    const network::Window& w = d.window;
    const int in = input_of(op, 0, true);
    const int weights = add_weights(
        op, d.filter, {1, w.kernel_h, w.kernel_w, model_.output_of(op).shape.channels}, 3);
    const int bias = add_bias(op, d.filter);
    ops.push_back({kDepthwiseConv2d,
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

  Status translate(const Op& op, const Dense& d) {
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
    ops.push_back({kConv2d,
                   conv_version(d.filter),
                   {from, weights, bias},
                   to,
                   kConv2dOptions,
                   {{kConvPadding, std::int8_t{kValid}},
                    {kConvStrideW, 1},
                    {kConvStrideH, 1},
                    {kConvActivation, act}}});
    const int shape = add_ints(op.name + "_shape", {1, out.shape.channels}, {2});
    ops.push_back({kReshape, 1, {to, shape}, add_output(op), kReshapeOptions, {}});
    return {};
  }

  // For layers that others quantised.
  Status fully_connected(const Op& op, const Dense& d, std::int8_t act) {
    const int in = input_of(op, 0, false);
    const auto taps = static_cast<int>(model_.input_of(op).shape.elements());
    OutTensor& weights = tensors[static_cast<std::size_t>(
        add_weights(op, d.filter, {model_.output_of(op).shape.channels, taps}, 0))];
    weights.scales.resize(1);
    weights.zero_points.resize(1);
    const int at = static_cast<int>(tensors.size()) - 1;
    const int bias = add_bias(op, d.filter);
    tensors.back().scales.resize(1);
    tensors.back().zero_points.resize(1);
    ops.push_back({kFullyConnected,
                   d.filter.weight_bits == 4 ? 10 : 4,
                   {in, at, bias},
                   add_output(op),
                   kFullyConnectedOptions,
                   {{kDenseActivation, act}}});
    return {};
  }

  Status pool(const Op& op, Operator code, const network::Window& w, int low, int high) {
    ATML_TRY(const std::int8_t act, activation(model_.output_of(op), low, high));
    if (w.dilation_h != 1 || w.dilation_w != 1)
      return Error{Code::kUnsupported, "pooling in .tflite has no dilation"};
    const int in = input_of(op, 0, true);
    ops.push_back({code,
                   2,
                   {in},
                   add_output(op),
                   kPool2dOptions,
                   {{kPoolPadding, padding_of(w)},
                    {kPoolStrideW, w.stride_w},
                    {kPoolStrideH, w.stride_h},
                    {kPoolFilterW, w.kernel_w},
                    {kPoolFilterH, w.kernel_h},
                    {kPoolActivation, act}}});
    return {};
  }
  Status translate(const Op& op, const MaxPool& p) {
    return pool(op, kMaxPool2d, p.window, p.low, p.high);
  }
  Status translate(const Op& op, const AveragePool& p) {
    return pool(op, kAveragePool2d, p.window, p.low, p.high);
  }

  Status translate(const Op& op, const Mean&) {
    const int in = input_of(op, 0, true);
    const int axes = add_ints(op.name + "_axes", {1, 2}, {2});
    ops.push_back(
        {kMean, 2, {in, axes}, add_output(op), kReducerOptions, {{kReducerKeepDims, true}}});
    return {};
  }

  bool any_four(const Op& op) const {
    return std::ranges::any_of(op.inputs,
                               [&](int t) { return !rank_2_[static_cast<std::size_t>(t)]; });
  }

  Status translate(const Op& op, const Add& a) {
    ATML_TRY(const std::int8_t act, activation(model_.output_of(op), a.low, a.high));
    const bool four = any_four(op);
    const int x = input_of(op, 0, four), y = input_of(op, 1, four);
    ops.push_back({kAdd, 2, {x, y}, add_output(op), kAddOptions, {{kElementwiseActivation, act}}});
    return {};
  }

  Status translate(const Op& op, const Mul& m) {
    ATML_TRY(const std::int8_t act, activation(model_.output_of(op), m.low, m.high));
    const bool four = any_four(op);
    const int x = input_of(op, 0, four), y = input_of(op, 1, four);
    ops.push_back({kMul, 2, {x, y}, add_output(op), kMulOptions, {{kElementwiseActivation, act}}});
    return {};
  }

  // TFLite joins only tensors of one scale: others are requantised by an operator of their own.
  Status translate(const Op& op, const Concat&) {
    const bool four = any_four(op);
    const Tensor& out = model_.output_of(op);
    std::vector<int> inputs;
    for (int n = 0; n < static_cast<int>(op.inputs.size()); ++n) {
      const Tensor& t = model_.input_of(op, n);
      int in = input_of(op, n, four);
      if (t.scale != out.scale || t.zero_point != out.zero_point) {
        const int to = add_activation(
            {fmt::format("{}_rescaled_{}", op.name, n), t.shape, out.scale, out.zero_point}, !four);
        ops.push_back({kQuantize, 2, {in}, to, kNoOptions, {}});
        in = to;
      }
      inputs.push_back(in);
    }
    ops.push_back({kConcatenation,
                   2,
                   std::move(inputs),
                   add_output(op),
                   kConcatenationOptions,
                   {{kConcatAxis, four ? 3 : 1}, {kConcatActivation, std::int8_t{kNone}}}});
    return {};
  }

  Status translate(const Op& op, const Pad& p) {
    const int in = input_of(op, 0, true);
    const int paddings = add_ints(
        op.name + "_paddings", {0, 0, p.top, p.bottom, p.left, p.right, p.front, p.back}, {4, 2});
    ops.push_back({kPad, 2, {in, paddings}, add_output(op), kPadOptions, {}});
    return {};
  }

  Status translate(const Op& op, const Reshape&) {
    const int in = input_of(op, 0, false);
    const Shape& s = model_.output_of(op).shape;
    const bool flat = rank_2_[static_cast<std::size_t>(op.output)];
    const std::vector<int> dims =
        flat ? std::vector<int>{1, s.channels} : std::vector<int>{1, s.height, s.width, s.channels};
    const int shape = add_ints(op.name + "_shape", dims, {static_cast<int>(dims.size())});
    ops.push_back({kReshape, 1, {in, shape}, add_output(op), kReshapeOptions, {}});
    return {};
  }

  Status translate(const Op& op, const Softmax& s) {
    const int in = input_of(op, 0, false);
    ops.push_back({kSoftmax, 2, {in}, add_output(op), kSoftmaxOptions, {{kSoftmaxBeta, s.beta}}});
    return {};
  }

  Status translate(const Op& op, const Table& t) {
    static const std::map<std::string, std::pair<Operator, int>> known = {
        {"logistic", {kLogistic, 2}}, {"tanh", {kTanh, 2}},     {"hard_swish", {kHardSwish, 1}},
        {"relu", {kReluOp, 2}},       {"relu6", {kRelu6Op, 2}}, {"relu_n1_to_1", {kReluN1To1Op, 2}},
        {"quantize", {kQuantize, 2}}};
    const auto it = known.find(t.function);
    if (it == known.end())
      return Error{Code::kUnsupported,
                   fmt::format("no operator of .tflite computes '{}'", t.function)};
    ATML_TRY_STATUS(check_table(model_, op, t));
    const int in = input_of(op, 0, false);
    ops.push_back({it->second.first, it->second.second, {in}, add_output(op), kNoOptions, {}});
    return {};
  }

  const Int8Model& model_;
  std::vector<int> index_;  // model tensor -> .tflite tensor
  std::vector<bool> rank_2_;
};

// ---- serialisation

using Offsets = std::vector<TableOffset>;

TableOffset write_quantization(FlatBufferBuilder& b, const OutTensor& t) {
  const auto scale = b.CreateVector(t.scales);
  const auto zero = b.CreateVector(t.zero_points);
  const auto start = b.StartTable();
  b.AddOffset(slot(kQuantScale), scale);
  b.AddOffset(slot(kQuantZeroPoint), zero);
  b.AddElement<std::int32_t>(slot(kQuantDimension), t.dimension, 0);
  return b.EndTable(start);
}

TableOffset write_tensor(FlatBufferBuilder& b, const OutTensor& t, std::uint32_t buffer) {
  const auto dims = b.CreateVector(t.dims);
  const auto name = b.CreateString(t.name);
  const TableOffset quantization = t.scales.empty() ? TableOffset() : write_quantization(b, t);
  const auto start = b.StartTable();
  b.AddOffset(slot(kTensorShape), dims);
  b.AddElement<std::int8_t>(slot(kTensorType), static_cast<std::int8_t>(t.type), 0);
  b.AddElement<std::uint32_t>(slot(kTensorBuffer), buffer, 0);
  b.AddOffset(slot(kTensorName), name);
  if (!t.scales.empty()) b.AddOffset(slot(kTensorQuantization), quantization);
  return b.EndTable(start);
}

TableOffset write_options(FlatBufferBuilder& b, const OutOp& op) {
  const auto start = b.StartTable();
  for (const Option& option : op.options) {
    std::visit(
        [&](auto value) {
          if constexpr (std::is_same_v<decltype(value), bool>) {
            b.AddElement<std::uint8_t>(slot(option.field), value ? 1 : 0);
          } else {
            b.AddElement(slot(option.field), value);
          }
        },
        option.value);
  }
  return b.EndTable(start);
}

TableOffset write_op(FlatBufferBuilder& b, const OutOp& op, std::uint32_t code) {
  const auto inputs = b.CreateVector(op.inputs);
  const auto outputs = b.CreateVector(std::vector<int>{op.output});
  const TableOffset options = op.options_type == kNoOptions ? TableOffset() : write_options(b, op);
  const auto start = b.StartTable();
  b.AddElement<std::uint32_t>(slot(kOpCode), code, 0);
  b.AddOffset(slot(kOpInputs), inputs);
  b.AddOffset(slot(kOpOutputs), outputs);
  if (op.options_type != kNoOptions) {
    b.AddElement<std::uint8_t>(slot(kOpOptionsType), static_cast<std::uint8_t>(op.options_type), 0);
    b.AddOffset(slot(kOpOptions), options);
  }
  return b.EndTable(start);
}

TableOffset write_buffer(FlatBufferBuilder& b, const std::string& data) {
  if (data.empty()) return b.EndTable(b.StartTable());
  b.ForceVectorAlignment(data.size(), 1, 16);
  const auto bytes =
      b.CreateVector(reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
  const auto start = b.StartTable();
  b.AddOffset(slot(kBufferData), bytes);
  return b.EndTable(start);
}

TableOffset write_code(FlatBufferBuilder& b, Operator code, int version) {
  const auto start = b.StartTable();
  b.AddElement<std::int8_t>(slot(kCodeDeprecated),
                            static_cast<std::int8_t>(std::min<int>(code, 127)), 0);
  b.AddElement<std::int32_t>(slot(kCodeVersion), version, 1);
  b.AddElement<std::int32_t>(slot(kCodeBuiltin), code, 0);
  return b.EndTable(start);
}

TableOffset write_graph(FlatBufferBuilder& b, const Translator& t,
                        const std::vector<std::pair<int, int>>& codes, const std::string& name) {
  Offsets tensors, ops;
  std::uint32_t buffer = 0;  // buffer 0 is the empty one, for activations
  for (const OutTensor& tensor : t.tensors)
    tensors.push_back(write_tensor(b, tensor, tensor.data.empty() ? 0 : ++buffer));
  for (const OutOp& op : t.ops) {
    const auto at =
        std::ranges::find(codes, std::pair<int, int>{op.code, op.version}) - codes.begin();
    ops.push_back(write_op(b, op, static_cast<std::uint32_t>(at)));
  }
  const auto tensor_vector = b.CreateVector(tensors);
  const auto inputs = b.CreateVector(std::vector<int>{t.input()});
  const auto outputs = b.CreateVector(std::vector<int>{t.output()});
  const auto op_vector = b.CreateVector(ops);
  const auto text = b.CreateString(name);
  const auto start = b.StartTable();
  b.AddOffset(slot(kGraphTensors), tensor_vector);
  b.AddOffset(slot(kGraphInputs), inputs);
  b.AddOffset(slot(kGraphOutputs), outputs);
  b.AddOffset(slot(kGraphOperators), op_vector);
  b.AddOffset(slot(kGraphName), text);
  return b.EndTable(start);
}

std::string serialise(const Translator& t, const std::string& name) {
  FlatBufferBuilder b(1024);
  std::vector<std::pair<int, int>> codes;
  for (const OutOp& op : t.ops) {
    if (std::ranges::find(codes, std::pair<int, int>{op.code, op.version}) == codes.end())
      codes.emplace_back(op.code, op.version);
  }
  Offsets code_offsets, buffers;
  for (const auto& [code, version] : codes)
    code_offsets.push_back(write_code(b, static_cast<Operator>(code), version));
  buffers.push_back(write_buffer(b, ""));
  for (const OutTensor& tensor : t.tensors) {
    if (!tensor.data.empty()) buffers.push_back(write_buffer(b, tensor.data));
  }
  buffers.push_back(write_buffer(b, std::string("1.14.0\0\0\0\0\0\0\0\0\0\0", 16)));
  const Offsets graphs{write_graph(b, t, codes, name)};
  const auto metadata_name = b.CreateString("min_runtime_version");
  const auto metadata_start = b.StartTable();
  b.AddOffset(slot(kMetadataName), metadata_name);
  b.AddElement<std::uint32_t>(slot(kMetadataBuffer), static_cast<std::uint32_t>(buffers.size() - 1),
                              0);
  const Offsets metadata{TableOffset(b.EndTable(metadata_start))};

  const auto code_vector = b.CreateVector(code_offsets);
  const auto graph_vector = b.CreateVector(graphs);
  const auto description = b.CreateString("autotinyml");
  const auto buffer_vector = b.CreateVector(buffers);
  const auto metadata_vector = b.CreateVector(metadata);
  const auto start = b.StartTable();
  b.AddElement<std::uint32_t>(slot(kModelVersion), 3, 0);
  b.AddOffset(slot(kModelOperatorCodes), code_vector);
  b.AddOffset(slot(kModelSubgraphs), graph_vector);
  b.AddOffset(slot(kModelDescription), description);
  b.AddOffset(slot(kModelBuffers), buffer_vector);
  b.AddOffset(slot(kModelMetadata), metadata_vector);
  b.Finish(TableOffset(b.EndTable(start)), "TFL3");
  return {reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize()};
}

}  // namespace

Result<std::string> write_tflite(const Int8Model& model) {
  ATML_TRY_STATUS(model.verify());
  if (model.rounding == Rounding::kSingle) {
    return Error{Code::kUnsupported,
                 "a .tflite file means double rounding, the model has single rounding; quantise "
                 "again with double rounding"};
  }
  Translator translator(model);
  ATML_TRY_STATUS(translator.run());
  return serialise(translator, model.name);
}

}  // namespace atml::exchange
