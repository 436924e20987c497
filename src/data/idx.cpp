#include "data/idx.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/byte_reader.h"

namespace atml::data {
namespace {

Result<NumberType> number_type(const std::string& name, int code) {
  switch (code) {
    case 0x08:
      return NumberType::kUint8;
    case 0x09:
      return NumberType::kInt8;
    case 0x0B:
      return NumberType::kInt16;
    case 0x0C:
      return NumberType::kInt32;
    case 0x0D:
      return NumberType::kFloat32;
    case 0x0E:
      return NumberType::kFloat64;
    default:
      break;
  }
  return Error{Code::kParse,
               fmt::format("{}: damaged IDX header: number type 0x{:02x} is unknown", name, code)};
}

void swap_bytes(std::vector<std::byte>& bytes, std::size_t width) {
  if (width == 1) return;
  for (auto at = bytes.begin(); at != bytes.end(); at += static_cast<std::ptrdiff_t>(width)) {
    std::reverse(at, at + static_cast<std::ptrdiff_t>(width));
  }
}

}  // namespace

Result<Array> read_idx(const std::filesystem::path& path) {
  ATML_TRY(ByteReader reader, ByteReader::open(path));
  std::byte magic[4];
  ATML_TRY_STATUS(reader.read(magic, "the IDX magic"));
  const int axes = std::to_integer<int>(magic[3]);
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0} || axes < 1 || axes > 4) {
    return Error{
        Code::kParse,
        fmt::format("{}: not an IDX file: it starts with {:02x} {:02x} {:02x} {:02x}, expected "
                    "00 00, a type and 1 to 4 axes",
                    reader.name(), std::to_integer<int>(magic[0]), std::to_integer<int>(magic[1]),
                    std::to_integer<int>(magic[2]), axes)};
  }
  Array array{reader.name()};
  ATML_TRY(array.type, number_type(reader.name(), std::to_integer<int>(magic[2])));
  for (int axis = 0; axis < axes; ++axis) {
    std::byte size[4];
    ATML_TRY_STATUS(reader.read(size, "the IDX sizes"));
    std::size_t dim = 0;
    for (const std::byte b : size) dim = dim << 8 | std::to_integer<std::size_t>(b);
    array.dims.push_back(dim);
  }
  ATML_TRY(const std::size_t bytes,
           checked_bytes(array.name, array.dims, array.type, reader.most_left()));
  array.bytes.resize(bytes);
  ATML_TRY_STATUS(reader.read(array.bytes, "the array of shape " + array.dims_text()));
  ATML_TRY_STATUS(reader.expect_end());
  swap_bytes(array.bytes, size_of(array.type));
  return array;
}

}  // namespace atml::data
