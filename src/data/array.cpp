#include "data/array.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <limits>

namespace atml::data {
namespace {

template <class Element, class Number>
Number element_at(const std::vector<std::byte>& bytes, std::size_t index) {
  Element element;
  std::memcpy(&element, bytes.data() + index * sizeof(Element), sizeof(Element));
  return static_cast<Number>(element);
}

template <class Number>
Number read_element(const Array& array, std::size_t index) {
  switch (array.type) {
    case NumberType::kUint8:
      return element_at<std::uint8_t, Number>(array.bytes, index);
    case NumberType::kInt8:
      return element_at<std::int8_t, Number>(array.bytes, index);
    case NumberType::kUint16:
      return element_at<std::uint16_t, Number>(array.bytes, index);
    case NumberType::kInt16:
      return element_at<std::int16_t, Number>(array.bytes, index);
    case NumberType::kUint32:
      return element_at<std::uint32_t, Number>(array.bytes, index);
    case NumberType::kInt32:
      return element_at<std::int32_t, Number>(array.bytes, index);
    case NumberType::kUint64:
      return element_at<std::uint64_t, Number>(array.bytes, index);
    case NumberType::kInt64:
      return element_at<std::int64_t, Number>(array.bytes, index);
    case NumberType::kFloat32:
      return element_at<float, Number>(array.bytes, index);
    case NumberType::kFloat64:
      return element_at<double, Number>(array.bytes, index);
  }
  ATML_UNREACHABLE("number type");
}

bool is_identity(std::span<const std::size_t> order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != i) return false;
  }
  return true;
}

}  // namespace

std::string_view to_string(NumberType type) {
  switch (type) {
    case NumberType::kUint8:
      return "uint8";
    case NumberType::kInt8:
      return "int8";
    case NumberType::kUint16:
      return "uint16";
    case NumberType::kInt16:
      return "int16";
    case NumberType::kUint32:
      return "uint32";
    case NumberType::kInt32:
      return "int32";
    case NumberType::kUint64:
      return "uint64";
    case NumberType::kInt64:
      return "int64";
    case NumberType::kFloat32:
      return "float32";
    case NumberType::kFloat64:
      return "float64";
  }
  ATML_UNREACHABLE("number type");
}

std::size_t size_of(NumberType type) {
  switch (type) {
    case NumberType::kUint8:
    case NumberType::kInt8:
      return 1;
    case NumberType::kUint16:
    case NumberType::kInt16:
      return 2;
    case NumberType::kUint32:
    case NumberType::kInt32:
    case NumberType::kFloat32:
      return 4;
    case NumberType::kUint64:
    case NumberType::kInt64:
    case NumberType::kFloat64:
      return 8;
  }
  ATML_UNREACHABLE("number type");
}

bool is_float(NumberType type) {
  return type == NumberType::kFloat32 || type == NumberType::kFloat64;
}

std::size_t Array::elements() const { return bytes.size() / size_of(type); }

std::string Array::dims_text() const { return fmt::format("({})", fmt::join(dims, ", ")); }

double Array::number(std::size_t index) const { return read_element<double>(*this, index); }

std::int64_t Array::integer(std::size_t index) const {
  return read_element<std::int64_t>(*this, index);
}

Array Array::permuted(std::span<const std::size_t> order) const {
  if (is_identity(order)) return *this;
  const std::size_t width = size_of(type);
  std::vector<std::size_t> strides(rank());  // of this array, in bytes
  std::size_t step = width;
  for (std::size_t i = rank(); i-- > 0; step *= dims[i]) strides[i] = step;

  Array result{name, type, {}, std::vector<std::byte>(bytes.size())};
  for (const std::size_t axis : order) result.dims.push_back(dims[axis]);
  std::vector<std::size_t> at(rank(), 0);  // position in the result
  std::size_t from = 0;
  for (std::size_t to = 0; to < bytes.size(); to += width) {
    std::memcpy(result.bytes.data() + to, bytes.data() + from, width);
    for (std::size_t i = rank(); i-- > 0;) {  // the next position, last axis first
      from += strides[order[i]];
      if (++at[i] < result.dims[i]) break;
      from -= strides[order[i]] * result.dims[i];
      at[i] = 0;
    }
  }
  return result;
}

Result<std::size_t> checked_bytes(const std::string& name, const std::vector<std::size_t>& dims,
                                  NumberType type, std::uint64_t available) {
  std::uint64_t bytes = size_of(type);
  const std::string text = fmt::format("({}) {}", fmt::join(dims, ", "), to_string(type));
  for (const std::size_t dim : dims) {
    if (dim == 0) {
      return Error{Code::kInvalidArgument,
                   fmt::format("{}: the array is empty, shape {}", name, text)};
    }
    if (bytes > std::numeric_limits<std::uint64_t>::max() / dim) {
      return Error{Code::kParse,
                   fmt::format("{}: the shape {} is impossible; the file is damaged", name, text)};
    }
    bytes *= dim;
  }
  if (bytes > available) {
    return Error{
        Code::kParse,
        fmt::format("{}: truncated: the header announces {} = {} bytes, the file can hold {} "
                    "at most; copy or write the file again",
                    name, text, bytes, available)};
  }
  return static_cast<std::size_t>(bytes);
}

}  // namespace atml::data
