// Tensors and operators to the bytes of a FlatBuffer.
#include "exchange/tflite_file.h"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>

namespace atml::exchange {
namespace {

using namespace schema;
using flatbuffers::FlatBufferBuilder;
using TableOffset = flatbuffers::Offset<void>;
using Offsets = std::vector<TableOffset>;

flatbuffers::voffset_t slot(int field) {
  return flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(field));
}

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

TableOffset write_graph(FlatBufferBuilder& b, const OutGraph& t,
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
  const auto inputs = b.CreateVector(std::vector<int>{t.input});
  const auto outputs = b.CreateVector(std::vector<int>{t.output});
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

}  // namespace

std::string serialise(const OutGraph& t, const std::string& name) {
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

}  // namespace atml::exchange
