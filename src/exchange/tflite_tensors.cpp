#include "exchange/tflite_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace atml::exchange {

using namespace schema;
using namespace quantize;
using network::Padding;
using network::Window;

namespace {

bool is_identifier(const std::string& text) {
  return !text.empty() && text.size() <= 40 && identifier(text) == text;
}

template <class T>
std::vector<T> values_of(std::string_view data) {
  std::vector<T> values(data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), data.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace

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

Result<Shape> shape_of(const RawTensor& t) {
  std::int64_t elements = 1;
  for (const std::int32_t d : t.dims) {
    if (d < 1 || d > (1 << 20))
      return unsupported(fmt::format("tensor '{}' has a side of {}", t.name, d));
    elements *= d;
    if (elements > kMostTensorElements)
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
      return unsupported(
          fmt::format("tensor '{}' has {} dimensions, at most 4 are supported", t.name, d.size()));
  }
  return unsupported(
      fmt::format("tensor '{}' has a batch of {}, only 1 is supported", t.name, d[0]));
}

Result<Tensor> TfliteReader::checked_tensor(int index) const {
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
  return Tensor{t.name, shape, t.scales[0], static_cast<int>(zero)};
}

Result<int> TfliteReader::add_tensor(int index) {
  ATML_TRY(Tensor checked, checked_tensor(index));
  if (tensor_of_[static_cast<std::size_t>(index)] >= 0)
    return unsupported(fmt::format("tensor '{}' is written twice", checked.name));
  model_.tensors.push_back(std::move(checked));
  const int added = static_cast<int>(model_.tensors.size()) - 1;
  tensor_of_[static_cast<std::size_t>(index)] = added;
  return added;
}

int TfliteReader::copy_of(int t, const Shape& shape) {
  model_.tensors.push_back(model_.tensor(t));
  model_.tensors.back().shape = shape;
  return static_cast<int>(model_.tensors.size()) - 1;
}

int TfliteReader::reshaped(int t, const Shape& shape) {
  if (model_.tensor(t).shape == shape) return t;
  const int to = copy_of(t, shape);
  emit_named("", Reshape{}, {t}, to);
  return to;
}

int TfliteReader::output_as(int output, const Shape& shape) {
  return model_.tensor(output).shape == shape ? output : copy_of(output, shape);
}

void TfliteReader::finish_output(int output) {
  const int written = model_.ops.back().output;
  if (written != output) emit_named("", Reshape{}, {written}, output);
}

Status TfliteReader::expect_counts(const RawOp& op, std::size_t least, std::size_t most) const {
  if (op.inputs.size() < least || op.inputs.size() > most)
    return unsupported(fmt::format("{} inputs", op.inputs.size()));
  if (op.outputs.size() != 1) return unsupported(fmt::format("{} outputs", op.outputs.size()));
  return {};
}

Result<int> TfliteReader::activation(const RawOp& op, std::size_t n) const {
  if (n >= op.inputs.size() || op.inputs[n] < 0)
    return unsupported(fmt::format("input {} is missing", n));
  const int tensor = tensor_of_[static_cast<std::size_t>(op.inputs[n])];
  if (tensor >= 0) return tensor;
  const RawTensor& t = raw(op.inputs[n]);
  if (!t.data.empty())
    return unsupported(fmt::format(
        "input {} ('{}') is a constant, only computed values are supported there", n, t.name));
  return unsupported(fmt::format("input {} ('{}', type {}) is not an int8 value computed before", n,
                                 t.name, t.type));
}

// Constant whole numbers (axes, paddings).
Result<std::vector<std::int64_t>> TfliteReader::integers(const RawOp& op, std::size_t n) const {
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

// The range of a fused activation on the output's scale.
Result<TfliteReader::Bounds> TfliteReader::bounds(const RawOp& op, int field,
                                                  const Tensor& t) const {
  const auto bound = [&](float real) {
    return static_cast<int>(
        std::clamp(static_cast<float>(t.zero_point) + std::round(real / t.scale), -128.0f, 127.0f));
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

void TfliteReader::emit_named(const std::string& name, OpKind kind, std::vector<int> inputs,
                              int output) {
  std::string unique = is_identifier(name) ? name : fmt::format("{}_{}", kind_name(kind), index_);
  while (!names_.insert(unique).second) unique += "_x";
  model_.ops.push_back({unique, std::move(kind), std::move(inputs), output});
}

void TfliteReader::emit(const RawOp& op, OpKind kind, std::vector<int> inputs, int output) {
  emit_named(raw(op.outputs[0]).name, std::move(kind), std::move(inputs), output);
}

}  // namespace atml::exchange
