#include "exchange/onnx_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <onnx/onnx_pb.h>

#include <cstring>
#include <set>

namespace atml::exchange::onnx_in {

Result<std::int64_t> elements_of(const Dims& dims) {
  std::int64_t count = 1;
  for (const std::int64_t d : dims) {
    if (d < 1 || d > kMostElements || (count *= d) > kMostElements)
      return unsupported(fmt::format("dimensions {} are empty or have more than {} elements",
                                     text_of(dims), kMostElements));
  }
  return count;
}

std::string text_of(const Dims& dims) { return fmt::format("[{}]", fmt::join(dims, ", ")); }

Result<Shape> shape_of(const Dims& dims) {
  ATML_TRY_STATUS(Status(elements_of(dims).ok() ? Status{} : Status(elements_of(dims).error())));
  if (dims.size() < 2 || dims.size() > 4 || dims[0] != 1)
    return unsupported(fmt::format(
        "dimensions {}; supported are [1, n], [1, c, length] and [1, c, h, w]", text_of(dims)));
  const auto at = [&](std::size_t i) { return static_cast<int>(dims[i]); };
  if (dims.size() == 2) return Shape{1, 1, at(1)};
  if (dims.size() == 3) return Shape{at(2), 1, at(1)};
  return Shape{at(2), at(3), at(1)};
}

Map own_map(const Shape& s) {
  Map map;
  map.reserve(index(s.elements()));
  for (int c = 0; c < s.channels; ++c) {
    for (int p = 0; p < s.height * s.width; ++p) map.push_back(p * s.channels + c);
  }
  return map;
}

Result<Map> transposed(const Map& map, const Dims& dims, const Dims& order) {
  std::set<std::int64_t> seen(order.begin(), order.end());
  if (order.size() != dims.size() || seen.size() != dims.size() || *seen.begin() != 0 ||
      *seen.rbegin() != static_cast<std::int64_t>(dims.size()) - 1)
    return damaged(
        fmt::format("perm {} does not suit dimensions {}", text_of(order), text_of(dims)));
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
  Map result;
  result.reserve(map.size());
  Dims at(dims.size(), 0);
  for (std::size_t n = 0; n < map.size(); ++n) {
    std::int64_t from = 0;
    for (std::size_t i = 0; i < at.size(); ++i) from += at[i] * strides[index(order[i])];
    result.push_back(map[index(from)]);
    for (std::size_t i = at.size(); i-- > 0;) {
      if (++at[i] < dims[index(order[i])]) break;
      at[i] = 0;
    }
  }
  return result;
}

namespace {

template <class T>
Status raw_values(const std::string& raw, std::int64_t count, std::vector<double>& values) {
  if (raw.size() != index(count) * sizeof(T))
    return damaged(fmt::format("{} bytes of data, its dimensions ask for {}", raw.size(),
                               index(count) * sizeof(T)));
  for (std::size_t i = 0; i < index(count); ++i) {
    T value;
    std::memcpy(&value, raw.data() + i * sizeof(T), sizeof(T));
    values.push_back(static_cast<double>(value));
  }
  return {};
}

template <class Field>
Status field_values(const Field& field, std::int64_t count, std::vector<double>& values) {
  if (field.size() != count)
    return damaged(fmt::format("{} numbers, its dimensions ask for {}", field.size(), count));
  for (const auto v : field) values.push_back(static_cast<double>(v));
  return {};
}

template <class T, class Field>
Status numbers(const onnx::TensorProto& t, const Field& field, std::int64_t count,
               std::vector<double>& values) {
  if (t.has_raw_data()) return raw_values<T>(t.raw_data(), count, values);
  return field_values(field, count, values);
}

Status decode_into(const onnx::TensorProto& t, Constant& c) {
  c.dims.assign(t.dims().begin(), t.dims().end());
  std::int64_t count = 0;
  if (c.dims != Dims{0}) {
    ATML_TRY(count, elements_of(c.dims));
  }
  if (t.data_location() == onnx::TensorProto::EXTERNAL)
    return unsupported("its data are in another file; save the model as one file");
  switch (t.data_type()) {
    case onnx::TensorProto::FLOAT:
      c.type = Type::kFloat;
      return numbers<float>(t, t.float_data(), count, c.values);
    case onnx::TensorProto::INT8: {
      c.type = Type::kInt8;
      ATML_TRY_STATUS(numbers<std::int8_t>(t, t.int32_data(), count, c.values));
      for (const double v : c.values) {
        if (v < -128 || v > 127) return damaged(fmt::format("{} is no int8 number", v));
      }
      return {};
    }
    case onnx::TensorProto::INT32:
      c.type = Type::kInt32;
      return numbers<std::int32_t>(t, t.int32_data(), count, c.values);
    case onnx::TensorProto::INT64:
      c.type = Type::kInt64;
      return numbers<std::int64_t>(t, t.int64_data(), count, c.values);
    default: {
      const std::string type = onnx::TensorProto::DataType_IsValid(t.data_type())
                                   ? onnx::TensorProto::DataType_Name(
                                         static_cast<onnx::TensorProto::DataType>(t.data_type()))
                                   : std::to_string(t.data_type());
      return unsupported(
          fmt::format("type {}; supported are INT8, INT32, INT64 and FLOAT{}", type,
                      type == "UINT8" ? " (quantise weights and activations to QInt8)" : ""));
    }
  }
}

const onnx::AttributeProto* find(const onnx::NodeProto& node, const char* name) {
  for (const auto& a : node.attribute()) {
    if (a.name() == name) return &a;
  }
  return nullptr;
}

}  // namespace

Result<Constant> decode(const onnx::TensorProto& t) {
  Constant c;
  if (const Status status = decode_into(t, c); !status.ok())
    return status.error().with_context(fmt::format("tensor '{}'", t.name()));
  return c;
}

bool has_attribute(const onnx::NodeProto& node, const char* name) {
  return find(node, name) != nullptr;
}
std::int64_t integer(const onnx::NodeProto& node, const char* name, std::int64_t otherwise) {
  const auto* a = find(node, name);
  return a == nullptr ? otherwise : a->i();
}
float real(const onnx::NodeProto& node, const char* name, float otherwise) {
  const auto* a = find(node, name);
  return a == nullptr ? otherwise : a->f();
}
std::string word(const onnx::NodeProto& node, const char* name, const char* otherwise) {
  const auto* a = find(node, name);
  return a == nullptr ? otherwise : a->s();
}
Dims integers(const onnx::NodeProto& node, const char* name, Dims otherwise) {
  const auto* a = find(node, name);
  return a == nullptr ? otherwise : Dims(a->ints().begin(), a->ints().end());
}

}  // namespace atml::exchange::onnx_in
