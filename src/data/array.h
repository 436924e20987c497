// Array: numbers as a file holds them (NumPy, IDX), before anybody knows what they mean. Private to
// data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace atml::data {

enum class NumberType {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kUint64,
  kInt64,
  kFloat32,
  kFloat64
};
std::string_view to_string(NumberType type);  // "float32"
std::size_t size_of(NumberType type);         // bytes
bool is_float(NumberType type);

/// C order, the machine's (little) endianness.
struct Array {
  std::string name;  // of the file, for messages
  NumberType type = NumberType::kUint8;
  std::vector<std::size_t> dims;
  std::vector<std::byte> bytes;  // product of dims x size_of(type)

  std::size_t elements() const;
  std::size_t rank() const { return dims.size(); }
  std::string dims_text() const;  // "(7352, 128, 9)"

  /// Any one element; integers beyond 2^53 lose digits in number().
  double number(std::size_t index) const;
  std::int64_t integer(std::size_t index) const;  // floats are cut; uint64 beyond the range wraps

  /// The same numbers with axis `order[i]` of this array as axis i of the result.
  Array permuted(std::span<const std::size_t> order) const;
};

/// The number of bytes of an array, refused (kParse) where it overflows or exceeds `available`, the
/// most that the file can hold, so that a corrupt header never leads to a huge allocation.
Result<std::size_t> checked_bytes(const std::string& name, const std::vector<std::size_t>& dims,
                                  NumberType type, std::uint64_t available);

}  // namespace atml::data
