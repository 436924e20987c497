#include "exchange/tflite_reader.h"

#include <fmt/format.h>

namespace atml::exchange {

using namespace schema;
using namespace quantize;
using network::Padding;
using network::Window;

Status TfliteReader::concat(const RawOp& op) {
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
  if (axis == rank - 1 && raw(op.outputs[0]).dims.size() <= 4) {
    emit(op, Concat{}, std::move(inputs), out);
    return {};
  }
  // Along an earlier axis: the parts of one index of the outer axes lie one after the other, as
  // channels do.
  AxisView view;
  for (int d = 0; d < axis; ++d) view.outer *= dims[static_cast<std::size_t>(d)];
  int total = 0;
  for (int& in : inputs) {
    const auto elements = static_cast<int>(model_.tensor(in).shape.elements());
    if (elements % view.outer != 0) return unsupported("inputs that do not suit the output");
    in = reshaped(in, {view.outer, 1, elements / view.outer});
    total += elements / view.outer;
  }
  if (std::int64_t{view.outer} * total != model_.tensor(out).shape.elements())
    return unsupported("inputs that do not suit the output");
  emit(op, Concat{}, std::move(inputs), output_as(out, {view.outer, 1, total}));
  finish_output(out);
  return {};
}

Status TfliteReader::pad(const RawOp& op) {
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
Status TfliteReader::reshape(const RawOp& op) {
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

// Keras writes flatten as SHAPE, STRIDED_SLICE, PACK, RESHAPE; the file states the resulting
// shape, so the computation of it is skipped.
bool TfliteReader::is_shape_value(const RawOp& op) const {
  return !op.outputs.empty() &&
         (raw(op.outputs[0]).type == kInt32 || raw(op.outputs[0]).type == kInt64);
}

Status TfliteReader::shape_computation(const RawOp& op) const {
  if (is_shape_value(op)) return {};
  return unsupported("only supported where it computes a shape");
}

}  // namespace atml::exchange
