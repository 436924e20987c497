#include "exchange/tflite_reader.h"

#include <fmt/format.h>

#include "exchange/tflite.h"

namespace atml::exchange {

using namespace schema;
using namespace quantize;
using network::Padding;
using network::Window;

Result<Int8Model> TfliteReader::run() {
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

Status TfliteReader::read_input() {
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

Status TfliteReader::read_output() {
  if (graph_.outputs.size() != 1)
    return unsupported(
        fmt::format("the model has {} outputs, only one is supported", graph_.outputs.size()));
  const int output = tensor_of_[static_cast<std::size_t>(graph_.outputs[0])];
  if (output < 0) return unsupported("the output is not computed from the input");
  if (output == model_.input)
    emit_named("reshape", Reshape{}, {model_.input},
               copy_of(model_.input, model_.tensor(model_.input).shape));
  model_.output = tensor_of_[static_cast<std::size_t>(graph_.outputs[0])];
  if (model_.output == model_.input) model_.output = model_.ops.back().output;
  return {};
}

Status TfliteReader::read_op(const RawOp& op) {
  switch (op.code) {
    case kConv2d:
      return conv(op);
    case kDepthwiseConv2d:
      return depthwise(op);
    case kFullyConnected:
      return dense(op);
    case kMaxPool2d:
      return max_pool(op);
    case kAveragePool2d:
      return average_pool(op);
    case kMean:
      return mean(op);
    case kReduceMax:
      return reduce_max(op);
    case kLeakyRelu:
      return leaky_relu(op);
    case kAdd:
      return add(op);
    case kMul:
      return mul(op);
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
          "LOGISTIC, TANH, RELU, RELU6, RELU_N1_TO_1, LEAKY_RELU, HARD_SWISH, REDUCE_MAX, "
          "QUANTIZE, "
          "DEQUANTIZE");
  }
}

namespace {

// uint8 q and int8 q - 128 mean the same real value.
bool same_grid(const RawTensor& unsigned_8, const RawTensor& signed_8) {
  return unsigned_8.scales == signed_8.scales && unsigned_8.zero_points.size() == 1 &&
         signed_8.zero_points.size() == 1 &&
         unsigned_8.zero_points[0] - 128 == signed_8.zero_points[0];
}

}  // namespace

Status TfliteReader::quantize(const RawOp& op) {
  ATML_TRY_STATUS(expect_counts(op, 1, 1));
  const int source = op.inputs[0];
  if (source < 0) return unsupported("no input");
  if (raw(op.outputs[0]).type == kUint8) return quantize_output(op);
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

// To uint8, at the end only: the result is the int8 value before it, 128 less.
Status TfliteReader::quantize_output(const RawOp& op) {
  ATML_TRY(const int in, activation(op, 0));
  if (graph_.outputs.size() != 1 || graph_.outputs[0] != op.outputs[0])
    return unsupported("uint8 values inside the network");
  if (!same_grid(raw(op.outputs[0]), raw(op.inputs[0])))
    return unsupported("the uint8 output has another scale than the network");
  tensor_of_[static_cast<std::size_t>(op.outputs[0])] = in;
  return {};
}

// At the end only: the result is the int8 value before it.
Status TfliteReader::dequantize(const RawOp& op) {
  ATML_TRY_STATUS(expect_counts(op, 1, 1));
  ATML_TRY(const int in, activation(op, 0));
  if (graph_.outputs.size() != 1 || graph_.outputs[0] != op.outputs[0])
    return unsupported("only at the model's output");
  tensor_of_[static_cast<std::size_t>(op.outputs[0])] = in;
  return {};
}

Result<Int8Model> read_tflite(std::string_view bytes, const std::string& name) {
  const FlatBuffer buffer(bytes);
  ATML_TRY(const RawGraph graph, parse_graph(buffer, bytes));
  Result<Int8Model> model = TfliteReader(graph, name).run();
  // Options are read while the graph is followed: they too may point outside.
  if (buffer.corrupt())
    return Error{Code::kParse, "the file is truncated or corrupt: an offset points outside"};
  return model;
}

}  // namespace atml::exchange
