#include "exchange/tflite_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "exchange/tflite_schema.h"

namespace atml::exchange {
namespace {

using namespace schema;

Error parse_error(std::string message) { return {Code::kParse, std::move(message)}; }

RawTensor parse_tensor(const FlatTable& t, const std::vector<FlatTable>& buffers, Status& status) {
  RawTensor raw;
  raw.name = t.text(kTensorName);
  raw.dims = t.vector<std::int32_t>(kTensorShape);
  raw.type = t.scalar<std::int8_t>(kTensorType, 0);
  const auto buffer = t.scalar<std::uint32_t>(kTensorBuffer, 0);
  if (buffer >= buffers.size()) {
    status = parse_error(
        fmt::format("tensor '{}' names buffer {} of {}", raw.name, buffer, buffers.size()));
    return raw;
  }
  if (buffer != 0) raw.data = buffers[buffer].byte_vector(kBufferData);
  if (t.has(kTensorQuantization)) {
    const FlatTable q = t.table(kTensorQuantization);
    raw.scales = q.vector<float>(kQuantScale);
    raw.zero_points = q.vector<std::int64_t>(kQuantZeroPoint);
    raw.dimension = q.scalar<std::int32_t>(kQuantDimension, 0);
  }
  return raw;
}

bool indices_valid(const std::vector<std::int32_t>& indices, std::size_t count, int least) {
  return std::ranges::all_of(
      indices, [&](std::int32_t i) { return i >= least && i < static_cast<std::int64_t>(count); });
}

Result<RawGraph> parse(const FlatBuffer& buffer) {
  const FlatTable model = FlatTable::root(buffer);
  if (const auto version = model.scalar<std::uint32_t>(kModelVersion, 0); version != 3) {
    return parse_error(fmt::format("schema version {}, only 3 is known", version));
  }
  const auto graphs = model.tables(kModelSubgraphs);
  if (graphs.size() != 1)
    return Error{Code::kUnsupported,
                 fmt::format("the model has {} subgraphs, only one is supported", graphs.size())};
  const auto codes = model.tables(kModelOperatorCodes);
  const auto buffers = model.tables(kModelBuffers);
  RawGraph graph;
  Status status;
  for (const FlatTable& t : graphs[0].tables(kGraphTensors)) {
    graph.tensors.push_back(parse_tensor(t, buffers, status));
    if (!status.ok()) return status.error();
    if (buffer.corrupt()) return graph;  // the caller reports it
  }
  graph.inputs = graphs[0].vector<std::int32_t>(kGraphInputs);
  graph.outputs = graphs[0].vector<std::int32_t>(kGraphOutputs);
  bool valid = indices_valid(graph.inputs, graph.tensors.size(), 0) &&
               indices_valid(graph.outputs, graph.tensors.size(), 0);
  for (const FlatTable& t : graphs[0].tables(kGraphOperators)) {
    const auto code = t.scalar<std::uint32_t>(kOpCode, 0);
    if (code >= codes.size())
      return parse_error(
          fmt::format("operator {} has code {} of {}", graph.ops.size(), code, codes.size()));
    const bool has_options = t.has(kOpOptions);
    // Files older than schema 3a hold the code in a byte.
    const int builtin = std::max<int>(codes[code].scalar<std::int8_t>(kCodeDeprecated, 0),
                                      codes[code].scalar<std::int32_t>(kCodeBuiltin, 0));
    graph.ops.push_back({builtin, codes[code].text(kCodeCustom), t.vector<std::int32_t>(kOpInputs),
                         t.vector<std::int32_t>(kOpOutputs), has_options ? t.table(kOpOptions) : t,
                         has_options});
    valid = valid && indices_valid(graph.ops.back().inputs, graph.tensors.size(), -1) &&
            indices_valid(graph.ops.back().outputs, graph.tensors.size(), 0);
    if (buffer.corrupt()) return graph;
  }
  if (!valid) return parse_error("an operator names a tensor that does not exist");
  return graph;
}

}  // namespace

Result<RawGraph> parse_graph(const FlatBuffer& buffer, std::string_view bytes) {
  if (bytes.size() < 16)
    return parse_error(fmt::format("{} bytes are too few for a .tflite file", bytes.size()));
  if (bytes.substr(4, 4) != "TFL3")
    return parse_error("not a .tflite file: the identifier TFL3 is missing at byte 4");
  Result<RawGraph> graph = parse(buffer);
  if (buffer.corrupt())
    return parse_error("the file is truncated or corrupt: an offset points outside");
  return graph;
}

std::string operator_name(int code) {
  switch (code) {
    case kAdd:
      return "ADD";
    case kAveragePool2d:
      return "AVERAGE_POOL_2D";
    case kConcatenation:
      return "CONCATENATION";
    case kConv2d:
      return "CONV_2D";
    case kDepthwiseConv2d:
      return "DEPTHWISE_CONV_2D";
    case 5:
      return "DEPTH_TO_SPACE";
    case kDequantize:
      return "DEQUANTIZE";
    case kFullyConnected:
      return "FULLY_CONNECTED";
    case kLogistic:
      return "LOGISTIC";
    case 16:
      return "LSTM";
    case kMaxPool2d:
      return "MAX_POOL_2D";
    case kMul:
      return "MUL";
    case kReluOp:
      return "RELU";
    case kReluN1To1Op:
      return "RELU_N1_TO_1";
    case kRelu6Op:
      return "RELU6";
    case kReshape:
      return "RESHAPE";
    case 23:
      return "RESIZE_BILINEAR";
    case kSoftmax:
      return "SOFTMAX";
    case 27:
      return "SVDF";
    case kTanh:
      return "TANH";
    case kCustom:
      return "CUSTOM";
    case kPad:
      return "PAD";
    case 36:
      return "GATHER";
    case 39:
      return "TRANSPOSE";
    case kMean:
      return "MEAN";
    case 41:
      return "SUB";
    case 42:
      return "DIV";
    case kSqueeze:
      return "SQUEEZE";
    case 44:
      return "UNIDIRECTIONAL_SEQUENCE_LSTM";
    case kStridedSlice:
      return "STRIDED_SLICE";
    case 47:
      return "EXP";
    case 49:
      return "SPLIT";
    case 50:
      return "LOG_SOFTMAX";
    case 54:
      return "PRELU";
    case 55:
      return "MAXIMUM";
    case 56:
      return "ARG_MAX";
    case 57:
      return "MINIMUM";
    case kPadV2:
      return "PADV2";
    case 67:
      return "TRANSPOSE_CONV";
    case kExpandDims:
      return "EXPAND_DIMS";
    case 74:
      return "SUM";
    case kShape:
      return "SHAPE";
    case kReduceMax:
      return "REDUCE_MAX";
    case kPack:
      return "PACK";
    case 97:
      return "RESIZE_NEAREST_NEIGHBOR";
    case kLeakyRelu:
      return "LEAKY_RELU";
    case 126:
      return "BATCH_MATMUL";
    case 111:
      return "ELU";
    case kQuantize:
      return "QUANTIZE";
    case kHardSwish:
      return "HARD_SWISH";
    default:
      return fmt::format("operator code {}", code);
  }
}

}  // namespace atml::exchange
