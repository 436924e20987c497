#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "exchange/tflite.h"
#include "exchange/tflite_graph.h"
#include "exchange/tflite_schema.h"
#include "quantize/requantize.h"

namespace atml::exchange {
namespace {

using namespace schema;
using namespace quantize;
using network::Padding;
using network::Window;

Error unsupported(std::string message) { return {Code::kUnsupported, std::move(message)}; }

constexpr std::int64_t kMostElements = std::int64_t{1} << 26;

std::string identifier(const std::string& text) {
  const bool starts_badly = text.empty() || (text[0] >= '0' && text[0] <= '9');
  std::string result = starts_badly ? "m_" : "";
  for (const char c : text) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    result += good ? c : '_';
  }
  return result;
}

bool is_identifier(const std::string& text) {
  return !text.empty() && text.size() <= 40 && identifier(text) == text;
}

/// Follows the graph and builds the model; one method an operator.
class Reader {
 public:
  Reader(const RawGraph& graph, const std::string& name)
      : graph_(graph), tensor_of_(graph.tensors.size(), -1) {
    model_.name = identifier(name);
  }

  Result<Int8Model> run() {
    ATML_TRY_STATUS(read_input());
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      index_ = i;
      const RawOp& op = graph_.ops[i];
      const Status status = read_op(op);
      if (status.ok()) continue;
      const std::string name =
          op.code == kCustom ? "CUSTOM '" + op.custom + "'" : operator_name(op.code);
      return status.error().with_context(fmt::format("operator {} ({})", i, name));
    }
    ATML_TRY_STATUS(read_output());
    ATML_TRY_STATUS(model_.verify());
    return std::move(model_);
  }

 private:
  const RawTensor& raw(int index) const { return graph_.tensors[static_cast<std::size_t>(index)]; }

  // ---- borders

  Status read_input() {
    if (graph_.inputs.size() != 1)
      return unsupported(
          fmt::format("the model has {} inputs, only one is supported", graph_.inputs.size()));
    const int input = graph_.inputs[0];
    if (raw(input).type == kInt8) {
      ATML_TRY(model_.input, add_tensor(input));
      return {};
    }
    // A float (or uint8) input must go through QUANTIZE at once; then that operator's output is
    // ours.
    border_ = input;
    return {};
  }

  Status read_output() {
    if (graph_.outputs.size() != 1)
      return unsupported(
          fmt::format("the model has {} outputs, only one is supported", graph_.outputs.size()));
    const int output = tensor_of_[static_cast<std::size_t>(graph_.outputs[0])];
    if (output < 0) return unsupported("the output is not computed from the input");
    if (output == model_.input)
      emit_named("reshape", Reshape{}, {model_.input}, copy_of(model_.input));
    model_.output = tensor_of_[static_cast<std::size_t>(graph_.outputs[0])];
    if (model_.output == model_.input) model_.output = model_.ops.back().output;
    return {};
  }

  int copy_of(int tensor) {
    model_.tensors.push_back(model_.tensor(tensor));
    return static_cast<int>(model_.tensors.size()) - 1;
  }

  // ---- tensors

  static Result<Shape> shape_of(const RawTensor& t) {
    std::int64_t elements = 1;
    for (const std::int32_t d : t.dims) {
      if (d < 1 || d > (1 << 20))
        return unsupported(fmt::format("tensor '{}' has a side of {}", t.name, d));
      elements *= d;
      if (elements > kMostElements)
        return unsupported(fmt::format("tensor '{}' is too large", t.name));
    }
    const auto& d = t.dims;
    switch (d.size()) {
      case 0:
        return Shape{1, 1, 1};
      case 1:
        return Shape{1, 1, d[0]};
      case 2:
        return Shape{d[0], 1, d[1]};
      case 3:
        if (d[0] != 1) break;
        return Shape{d[1], 1, d[2]};
      case 4:
        if (d[0] != 1) break;
        return Shape{d[1], d[2], d[3]};
      default:
        return unsupported(fmt::format("tensor '{}' has {} dimensions, at most 4 are supported",
                                       t.name, d.size()));
    }
    return unsupported(
        fmt::format("tensor '{}' has a batch of {}, only 1 is supported", t.name, d[0]));
  }

  Result<int> add_tensor(int index) {
    const RawTensor& t = raw(index);
    if (t.type != kInt8)
      return unsupported(fmt::format("tensor '{}' is not int8 (type {})", t.name, t.type));
    if (t.scales.size() != 1 || t.zero_points.size() > 1)
      return unsupported(fmt::format("tensor '{}' has no scale of its own", t.name));
    ATML_TRY(const Shape shape, shape_of(t));
    if (!(t.scales[0] > 1e-12f) || !(t.scales[0] < 1e12f))
      return unsupported(fmt::format("tensor '{}' has a scale of {}", t.name, t.scales[0]));
    const std::int64_t zero = t.zero_points.empty() ? 0 : t.zero_points[0];
    if (zero < -128 || zero > 127)
      return unsupported(fmt::format("tensor '{}' has zero point {}", t.name, zero));
    if (tensor_of_[static_cast<std::size_t>(index)] >= 0)
      return unsupported(fmt::format("tensor '{}' is written twice", t.name));
    model_.tensors.push_back({t.name, shape, t.scales[0], static_cast<int>(zero)});
    const int added = static_cast<int>(model_.tensors.size()) - 1;
    tensor_of_[static_cast<std::size_t>(index)] = added;
    return added;
  }

  Status expect_counts(const RawOp& op, std::size_t least, std::size_t most) const {
    if (op.inputs.size() < least || op.inputs.size() > most)
      return unsupported(fmt::format("{} inputs", op.inputs.size()));
    if (op.outputs.size() != 1) return unsupported(fmt::format("{} outputs", op.outputs.size()));
    return {};
  }

  Result<int> activation(const RawOp& op, std::size_t n) const {
    if (n >= op.inputs.size() || op.inputs[n] < 0)
      return unsupported(fmt::format("input {} is missing", n));
    const int tensor = tensor_of_[static_cast<std::size_t>(op.inputs[n])];
    if (tensor >= 0) return tensor;
    const RawTensor& t = raw(op.inputs[n]);
    if (!t.data.empty())
      return unsupported(fmt::format(
          "input {} ('{}') is a constant, only computed values are supported there", n, t.name));
    return unsupported(fmt::format("input {} ('{}', type {}) is not an int8 value computed before",
                                   n, t.name, t.type));
  }

  template <class T>
  static std::vector<T> values_of(std::string_view data) {
    std::vector<T> values(data.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), data.data(), values.size() * sizeof(T));
    return values;
  }

  // Constant whole numbers (axes, paddings).
  Result<std::vector<std::int64_t>> integers(const RawOp& op, std::size_t n) const {
    if (n >= op.inputs.size() || op.inputs[n] < 0)
      return unsupported(fmt::format("input {} is missing", n));
    const RawTensor& t = raw(op.inputs[n]);
    std::vector<std::int64_t> values;
    if (t.type == kInt32) {
      for (const std::int32_t v : values_of<std::int32_t>(t.data)) values.push_back(v);
    } else if (t.type == kInt64) {
      values = values_of<std::int64_t>(t.data);
    }
    if (values.empty())
      return unsupported(fmt::format("input {} ('{}') must be constant whole numbers", n, t.name));
    return values;
  }

  // ---- filters

  static std::vector<std::int8_t> unpack(std::string_view nibbles, std::size_t count) {
    std::vector<std::int8_t> weights(count);
    for (std::size_t i = 0; i < count; ++i) {
      const int nibble = (static_cast<unsigned char>(nibbles[i / 2]) >> (4 * (i % 2))) & 15;
      weights[i] = static_cast<std::int8_t>(nibble >= 8 ? nibble - 16 : nibble);
    }
    return weights;
  }

  Status read_bias(const RawOp& op, std::size_t outputs, Filter& f) const {
    f.bias.assign(outputs, 0);
    if (op.inputs.size() < 3 || op.inputs[2] < 0) return {};
    const RawTensor& bias = raw(op.inputs[2]);
    if (bias.type != kInt32 || bias.data.size() != 4 * outputs) {
      return unsupported(
          fmt::format("bias '{}' must be {} constant int32 values", bias.name, outputs));
    }
    f.bias = values_of<std::int32_t>(bias.data);
    return {};
  }

  // Weights with one scale, or one an output along `axis`.
  Result<Filter> read_filter(const RawOp& op, std::size_t rank, int axis) const {
    if (op.inputs.size() < 2 || op.inputs[1] < 0) return unsupported("no weights");
    const RawTensor& t = raw(op.inputs[1]);
    if (t.type != kInt8 && t.type != kInt4)
      return unsupported(
          fmt::format("weights '{}' are not int8 or int4 (type {})", t.name, t.type));
    if (t.dims.size() != rank)
      return unsupported(
          fmt::format("weights '{}' have {} dimensions, not {}", t.name, t.dims.size(), rank));
    std::uint64_t count = 1;
    for (const std::int32_t d : t.dims) {
      if (d < 1 || d > (1 << 20) ||
          (count *= static_cast<std::uint64_t>(d)) > static_cast<std::uint64_t>(kMostElements)) {
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
      return unsupported(fmt::format("weights '{}' are quantised along dimension {}, not {}",
                                     t.name, t.dimension, axis));
    Filter f;
    f.weights = t.type == kInt4 ? unpack(t.data, static_cast<std::size_t>(count))
                                : values_of<std::int8_t>(t.data);
    f.weight_bits = t.type == kInt4 ? 4 : 8;
    f.scales = t.scales.size() == outputs ? t.scales : std::vector<float>(outputs, t.scales[0]);
    ATML_TRY_STATUS(read_bias(op, outputs, f));
    return f;
  }

  Result<Window> window(const RawOp& op, int kernel_h, int kernel_w, int padding, int stride_w,
                        int stride_h, int dilation_w, int dilation_h) const {
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
    for (const int n :
         {w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.dilation_h, w.dilation_w}) {
      if (n < 1 || n > 4096)
        return unsupported(fmt::format("a kernel, stride or dilation of {}", n));
    }
    return w;
  }

  // The range of a fused activation on the output's scale.
  struct Bounds {
    int low, high;
  };
  Result<Bounds> bounds(const RawOp& op, int field, const Tensor& t) const {
    const auto bound = [&](float real) {
      return static_cast<int>(std::clamp(
          static_cast<float>(t.zero_point) + std::round(real / t.scale), -128.0f, 127.0f));
    };
    const int kind = op.option_byte(field, kNone);
    switch (kind) {
      case kNone:
        return Bounds{-128, 127};
      case kRelu:
        return Bounds{bound(0), 127};
      case kReluN1To1:
        return Bounds{bound(-1), bound(1)};
      case kRelu6:
        return Bounds{bound(0), bound(6)};
      default:
        return unsupported(fmt::format("fused activation {}", kind));
    }
  }

  // ---- operators

  void emit_named(const std::string& name, OpKind kind, std::vector<int> inputs, int output) {
    std::string unique = is_identifier(name) ? name : fmt::format("{}_{}", kind_name(kind), index_);
    while (!names_.insert(unique).second) unique += "_x";
    model_.ops.push_back({unique, std::move(kind), std::move(inputs), output});
  }
  void emit(const RawOp& op, OpKind kind, std::vector<int> inputs, int output) {
    emit_named(raw(op.outputs[0]).name, std::move(kind), std::move(inputs), output);
  }

  Status read_op(const RawOp& op) {
    switch (op.code) {
      case kConv2d:
        return conv(op);
      case kDepthwiseConv2d:
        return depthwise(op);
      case kFullyConnected:
        return dense(op);
      case kMaxPool2d:
        return pool(op, MaxPool{});
      case kAveragePool2d:
        return pool(op, AveragePool{});
      case kMean:
        return mean(op);
      case kAdd:
        return elementwise(op, Add{});
      case kMul:
        return elementwise(op, Mul{});
      case kConcatenation:
        return concat(op);
      case kPad:
      case kPadV2:
        return pad(op);
      case kReshape:
      case kSqueeze:
      case kExpandDims:
        return reshape(op);
      case kSoftmax:
        return softmax(op);
      case kLogistic:
        return table(op, "logistic");
      case kTanh:
        return table(op, "tanh");
      case kHardSwish:
        return table(op, "hard_swish");
      case kReluOp:
        return table(op, "relu");
      case kRelu6Op:
        return table(op, "relu6");
      case kReluN1To1Op:
        return table(op, "relu_n1_to_1");
      case kQuantize:
        return quantize(op);
      case kDequantize:
        return dequantize(op);
      case kShape:
      case kPack:
      case kStridedSlice:
        return shape_computation(op);
      default:
        return unsupported(
            "not supported; supported are CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, ADD, MUL, "
            "CONCATENATION, AVERAGE_POOL_2D, MAX_POOL_2D, MEAN, PAD, RESHAPE, SQUEEZE, "
            "EXPAND_DIMS, SOFTMAX, "
            "LOGISTIC, TANH, RELU, RELU6, RELU_N1_TO_1, HARD_SWISH, QUANTIZE, DEQUANTIZE");
    }
  }

  Status conv(const RawOp& op) {
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

  // A convolution that sees its whole input once, where TFLite's arithmetic is the same for both.
  static bool is_dense(const Window& w, const Filter& f, const Tensor& in, const Tensor& out) {
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

  Status depthwise(const RawOp& op) {
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

  Status dense(const RawOp& op) {
    ATML_TRY_STATUS(expect_counts(op, 2, 3));
    ATML_TRY(const int in, activation(op, 0));
    ATML_TRY(Filter filter, read_filter(op, 2, 0));
    if (op.option_byte(kDenseWeightsFormat, 0) != 0) return unsupported("shuffled weights");
    const auto& dims = raw(op.inputs[1]).dims;
    if (dims[1] != model_.tensor(in).shape.elements()) {
      return unsupported(
          fmt::format("{} weights an output for an input of {} values (a batch is not supported)",
                      dims[1], model_.tensor(in).shape.elements()));
    }
    ATML_TRY(const int out, add_tensor(op.outputs[0]));
    ATML_TRY(const Bounds b, bounds(op, kDenseActivation, model_.tensor(out)));
    emit(op, Dense{std::move(filter), b.low, b.high}, {in}, out);
    return {};
  }

  template <class Pool>
  Status pool(const RawOp& op, Pool kind) {
    ATML_TRY_STATUS(expect_counts(op, 1, 1));
    ATML_TRY(const int in, activation(op, 0));
    ATML_TRY(kind.window, window(op, op.option_int(kPoolFilterH, 0), op.option_int(kPoolFilterW, 0),
                                 kPoolPadding, kPoolStrideW, kPoolStrideH, -1, -1));
    ATML_TRY(const int out, add_tensor(op.outputs[0]));
    ATML_TRY(const Bounds b, bounds(op, kPoolActivation, model_.tensor(out)));
    kind.low = b.low;
    kind.high = b.high;
    emit(op, std::move(kind), {in}, out);
    return {};
  }

  Status mean(const RawOp& op) {
    ATML_TRY_STATUS(expect_counts(op, 2, 2));
    ATML_TRY(const int in, activation(op, 0));
    ATML_TRY(const auto axes, integers(op, 1));
    const auto rank = static_cast<std::int64_t>(raw(op.inputs[0]).dims.size());
    std::set<std::int64_t> wanted, given;
    for (std::int64_t axis = 1; axis < rank - 1; ++axis) wanted.insert(axis);
    for (const std::int64_t axis : axes) given.insert(axis < 0 ? axis + rank : axis);
    if (rank < 3 || given != wanted)
      return unsupported("a mean over other axes than height and width");
    ATML_TRY(const int out, add_tensor(op.outputs[0]));
    model_.tensors[static_cast<std::size_t>(out)].shape = {1, 1, model_.tensor(in).shape.channels};
    emit(op, Mean{}, {in}, out);
    return {};
  }

  template <class Kind>
  Status elementwise(const RawOp& op, Kind kind) {
    ATML_TRY_STATUS(expect_counts(op, 2, 2));
    ATML_TRY(int a, activation(op, 0));
    ATML_TRY(int b, activation(op, 1));
    ATML_TRY(const int out, add_tensor(op.outputs[0]));
    // The factor a channel of a multiplication comes second; both are commutative bit for bit.
    if (std::is_same_v<Kind, Mul> && !(model_.tensor(a).shape == model_.tensor(out).shape))
      std::swap(a, b);
    ATML_TRY(const Bounds range, bounds(op, kElementwiseActivation, model_.tensor(out)));
    kind.low = range.low;
    kind.high = range.high;
    emit(op, std::move(kind), {a, b}, out);
    return {};
  }

  Status concat(const RawOp& op) {
    ATML_TRY_STATUS(expect_counts(op, 1, 64));
    if (is_shape_value(op)) return shape_computation(op);
    if (op.option_byte(kConcatActivation, kNone) != kNone) return unsupported("a fused activation");
    const auto& dims = raw(op.outputs[0]).dims;
    const auto rank = static_cast<int>(dims.size());
    int axis = op.option_int(kConcatAxis, 0);
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank)
      return unsupported(fmt::format("axis {} of {} dimensions", axis, rank));
    std::vector<int> inputs;
    for (std::size_t n = 0; n < op.inputs.size(); ++n) {
      ATML_TRY(const int in, activation(op, n));
      const RawTensor &a = raw(op.inputs[n]), &b = raw(op.outputs[0]);
      if (a.scales != b.scales || a.zero_points != b.zero_points)
        return unsupported(fmt::format("input {} has another scale than the output", n));
      inputs.push_back(in);
    }
    ATML_TRY(const int out, add_tensor(op.outputs[0]));
    if (axis == rank - 1) {
      emit(op, Concat{}, std::move(inputs), out);
      return {};
    }
    // Along an earlier axis the parts lie one after the other if nothing but 1 stands before it:
    // then it is a join of flat vectors.
    for (int d = 0; d < axis; ++d) {
      if (dims[static_cast<std::size_t>(d)] != 1)
        return unsupported(fmt::format("joining along axis {} of {} dimensions", axis, rank));
    }
    for (int& in : inputs) in = flattened(in);
    const int flat = copy_of(out);
    Shape& shape = model_.tensors[static_cast<std::size_t>(flat)].shape;
    shape = {1, 1, static_cast<int>(shape.elements())};
    emit(op, Concat{}, std::move(inputs), flat);
    emit(op, Reshape{}, {flat}, out);
    return {};
  }

  int flattened(int tensor) {
    const int flat = copy_of(tensor);
    Shape& shape = model_.tensors[static_cast<std::size_t>(flat)].shape;
    shape = {1, 1, static_cast<int>(shape.elements())};
    emit_named("", Reshape{}, {tensor}, flat);
    return flat;
  }

  Status pad(const RawOp& op) {
    ATML_TRY_STATUS(expect_counts(op, 2, 3));
    ATML_TRY(const int in, activation(op, 0));
    ATML_TRY(auto amounts, integers(op, 1));
    const std::size_t rank = raw(op.inputs[0]).dims.size();
    if (amounts.size() != 2 * rank || rank < 2 || rank > 4)
      return unsupported(fmt::format("{} padding amounts for {} dimensions", amounts.size(), rank));
    for (const std::int64_t n : amounts) {
      if (n < 0 || n > (1 << 16)) return unsupported(fmt::format("a padding of {}", n));
    }
    if (amounts[0] != 0 || amounts[1] != 0) return unsupported("padding of the batch");
    if (op.inputs.size() == 3 && op.inputs[2] >= 0) {
      const RawTensor& value = raw(op.inputs[2]);
      if (value.type != kInt8 || value.data.size() != 1 ||
          static_cast<std::int8_t>(value.data[0]) != model_.tensor(in).zero_point) {
        return unsupported("padding with another value than zero");
      }
    }
    const auto at = [&](std::size_t i) { return static_cast<int>(amounts[i]); };
    Pad p;
    if (rank == 4) p = {at(2), at(3), at(4), at(5), at(6), at(7)};
    if (rank == 3) p = {at(2), at(3), 0, 0, at(4), at(5)};
    if (rank == 2) p = {0, 0, 0, 0, at(2), at(3)};
    ATML_TRY(const int out, add_tensor(op.outputs[0]));
    emit(op, p, {in}, out);
    return {};
  }

  // Same bytes: an alias where the shape stays, an operator where it changes.
  Status reshape(const RawOp& op) {
    ATML_TRY_STATUS(expect_counts(op, 1, 2));
    if (is_shape_value(op)) return shape_computation(op);
    ATML_TRY(const int in, activation(op, 0));
    ATML_TRY(const int out, add_tensor(op.outputs[0]));
    const Tensor& from = model_.tensor(in);
    const Tensor& to = model_.tensor(out);
    if (from.scale != to.scale || from.zero_point != to.zero_point)
      return unsupported("input and output differ in scale");
    if (from.shape == to.shape) {
      model_.tensors.pop_back();
      tensor_of_[static_cast<std::size_t>(op.outputs[0])] = in;
      return {};
    }
    emit(op, Reshape{}, {in}, out);
    return {};
  }

  Status softmax(const RawOp& op) {
    ATML_TRY_STATUS(expect_counts(op, 1, 1));
    ATML_TRY(const int in, activation(op, 0));
    ATML_TRY(const int out, add_tensor(op.outputs[0]));
    emit(op, Softmax{op.option_float(kSoftmaxBeta, 0.0f)}, {in}, out);
    return {};
  }

  Status table(const RawOp& op, const std::string& function) {
    ATML_TRY_STATUS(expect_counts(op, 1, 1));
    ATML_TRY(const int in, activation(op, 0));
    ATML_TRY(const int out, add_tensor(op.outputs[0]));
    ATML_TRY_STATUS(check_scales(in, out));
    ATML_TRY(auto values,
             function_table(function, model_.tensor(in), model_.tensor(out), model_.rounding));
    emit(op, Table{function, std::move(values)}, {in}, out);
    return {};
  }

  // What a table needs before its values can be computed; verify() comes too late for that.
  Status check_scales(int in, int out) const {
    const double ratio = static_cast<double>(model_.tensor(in).scale) /
                         static_cast<double>(model_.tensor(out).scale);
    return ratio <= 256 ? Status{}
                        : Status(unsupported(fmt::format("a requantisation factor of {}", ratio)));
  }

  Status quantize(const RawOp& op) {
    ATML_TRY_STATUS(expect_counts(op, 1, 1));
    const int source = op.inputs[0];
    if (source < 0) return unsupported("no input");
    if (tensor_of_[static_cast<std::size_t>(source)] >= 0) return table(op, "quantize");
    if (source != border_) return unsupported("quantises a value that is not the model's input");
    const RawTensor& from = raw(source);
    if (from.type == kUint8 && !same_grid(from, raw(op.outputs[0])))
      return unsupported("the uint8 input has another scale than the network");
    if (from.type != kFloat32 && from.type != kUint8)
      return unsupported(fmt::format("the input has type {}", from.type));
    ATML_TRY(model_.input, add_tensor(op.outputs[0]));
    border_ = -1;
    return {};
  }

  // uint8 q and int8 q - 128 mean the same real value.
  static bool same_grid(const RawTensor& unsigned_8, const RawTensor& signed_8) {
    return unsigned_8.scales == signed_8.scales && unsigned_8.zero_points.size() == 1 &&
           signed_8.zero_points.size() == 1 &&
           unsigned_8.zero_points[0] - 128 == signed_8.zero_points[0];
  }

  // At the end only: the result is the int8 value before it.
  Status dequantize(const RawOp& op) {
    ATML_TRY_STATUS(expect_counts(op, 1, 1));
    ATML_TRY(const int in, activation(op, 0));
    if (graph_.outputs.size() != 1 || graph_.outputs[0] != op.outputs[0])
      return unsupported("only at the model's output");
    tensor_of_[static_cast<std::size_t>(op.outputs[0])] = in;
    return {};
  }

  // Keras writes flatten as SHAPE, STRIDED_SLICE, PACK, RESHAPE; the file states the resulting
  // shape, so the computation of it is skipped.
  bool is_shape_value(const RawOp& op) const {
    return !op.outputs.empty() &&
           (raw(op.outputs[0]).type == kInt32 || raw(op.outputs[0]).type == kInt64);
  }
  Status shape_computation(const RawOp& op) const {
    if (is_shape_value(op)) return {};
    return unsupported("only supported where it computes a shape");
  }

  const RawGraph& graph_;
  Int8Model model_;
  std::vector<int> tensor_of_;  // .tflite tensor -> model tensor, -1 where it is none
  std::set<std::string> names_;
  std::size_t index_ = 0;
  int border_ = -1;  // a float or uint8 input, until its QUANTIZE
};

}  // namespace

Result<Int8Model> read_tflite(std::string_view bytes, const std::string& name) {
  const FlatBuffer buffer(bytes);
  ATML_TRY(const RawGraph graph, parse_graph(buffer, bytes));
  Result<Int8Model> model = Reader(graph, name).run();
  // Options are read while the graph is followed: they too may point outside.
  if (buffer.corrupt())
    return Error{Code::kParse, "the file is truncated or corrupt: an offset points outside"};
  return model;
}

}  // namespace atml::exchange
