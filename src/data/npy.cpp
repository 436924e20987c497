#include "data/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>
#include <optional>

#include "data/byte_reader.h"

namespace atml::data {
namespace {

constexpr std::size_t kLongestHeader = 1 << 16;  // NumPy writes about 100 bytes for plain arrays
constexpr std::size_t kMostAxes = 8;

struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<std::size_t> dims;
};

Error bad_header(const std::string& name, const std::string& why) {
  return {Code::kParse, fmt::format("{}: damaged .npy header: {}", name, why)};
}

/// The text after "'key':" in a Python dictionary, or nullopt.
std::optional<std::string_view> value_of(std::string_view header, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = fmt::format("{}{}{}", quote, key, quote);
    const std::size_t at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    std::string_view rest = header.substr(at + quoted.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
    return rest;
  }
  return std::nullopt;
}

Result<std::vector<std::size_t>> parse_dims(const std::string& name, std::string_view text) {
  const std::size_t end = text.find(')');
  if (text.empty() || text.front() != '(' || end == std::string_view::npos) {
    return bad_header(name, "'shape' is not a tuple");
  }
  std::vector<std::size_t> dims;
  const char* at = text.data() + 1;
  const char* const stop = text.data() + end;
  while (at < stop) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    std::size_t dim = 0;
    const auto [next, problem] = std::from_chars(at, stop, dim);
    if (problem != std::errc()) return bad_header(name, "'shape' holds something that is no size");
    if (dims.size() == kMostAxes)
      return bad_header(name, fmt::format("more than {} axes", kMostAxes));
    dims.push_back(dim);
    at = next;
  }
  return dims;
}

Result<Header> parse_header(const std::string& name, std::string_view text) {
  Header header;
  const auto descr = value_of(text, "descr");
  const auto order = value_of(text, "fortran_order");
  const auto shape = value_of(text, "shape");
  if (!descr || !order || !shape)
    return bad_header(name, "descr, fortran_order or shape is missing");
  if (descr->empty() || (descr->front() != '\'' && descr->front() != '"')) {
    return Error{Code::kUnsupported,
                 fmt::format("{}: a structured array; save plain numbers, one array a file", name)};
  }
  const std::size_t end = descr->find(descr->front(), 1);
  if (end == std::string_view::npos) return bad_header(name, "'descr' does not end");
  header.descr = descr->substr(1, end - 1);
  header.fortran = order->starts_with("True");
  if (!header.fortran && !order->starts_with("False")) {
    return bad_header(name, "'fortran_order' is neither True nor False");
  }
  ATML_TRY(header.dims, parse_dims(name, *shape));
  return header;
}

Result<NumberType> number_type(const std::string& name, const std::string& descr) {
  static constexpr std::pair<std::string_view, NumberType> kTypes[] = {
      {"|u1", NumberType::kUint8},  {"|b1", NumberType::kUint8},  {"|i1", NumberType::kInt8},
      {"<u1", NumberType::kUint8},  {"<i1", NumberType::kInt8},   {"<u2", NumberType::kUint16},
      {"<i2", NumberType::kInt16},  {"<u4", NumberType::kUint32}, {"<i4", NumberType::kInt32},
      {"<u8", NumberType::kUint64}, {"<i8", NumberType::kInt64},  {"<f4", NumberType::kFloat32},
      {"<f8", NumberType::kFloat64}};
  for (const auto& [text, type] : kTypes) {
    if (descr == text) return type;
  }
  return Error{
      Code::kUnsupported,
      fmt::format("{}: numbers of type '{}' cannot be read; save x.astype('<f4') or another "
                  "little-endian integer or float type",
                  name, descr)};
}

Result<std::size_t> read_header_size(ByteReader& reader) {
  std::byte start[8];
  ATML_TRY_STATUS(reader.read(start, "the .npy magic"));
  if (std::memcmp(start, "\x93NUMPY", 6) != 0) {
    return Error{Code::kParse,
                 fmt::format("{}: not a NumPy file: it does not start with \\x93NUMPY; "
                             "write it with numpy.save",
                             reader.name())};
  }
  const int version = std::to_integer<int>(start[6]);
  if (version < 1 || version > 3) {
    return Error{Code::kUnsupported, fmt::format("{}: .npy format version {}; 1 to 3 can be read",
                                                 reader.name(), version)};
  }
  std::byte size[4] = {};
  ATML_TRY_STATUS(reader.read(std::span(size).first(version == 1 ? 2 : 4), "the .npy header size"));
  std::uint32_t bytes = 0;
  for (int i = 3; i >= 0; --i) bytes = bytes << 8 | std::to_integer<std::uint32_t>(size[i]);
  if (bytes > kLongestHeader) {
    return bad_header(reader.name(),
                      fmt::format("{} bytes long, {} at most", bytes, kLongestHeader));
  }
  return bytes;
}

}  // namespace

Result<Array> read_npy(const std::filesystem::path& path) {
  ATML_TRY(ByteReader reader, ByteReader::open(path));
  ATML_TRY(const std::size_t header_size, read_header_size(reader));
  std::string text(header_size, ' ');
  ATML_TRY_STATUS(reader.read(std::as_writable_bytes(std::span(text)), "the .npy header"));
  ATML_TRY(Header header, parse_header(reader.name(), text));

  Array array{reader.name()};
  ATML_TRY(array.type, number_type(reader.name(), header.descr));
  array.dims = std::move(header.dims);
  ATML_TRY(const std::size_t bytes,
           checked_bytes(array.name, array.dims, array.type, reader.most_left()));
  array.bytes.resize(bytes);
  ATML_TRY_STATUS(reader.read(array.bytes, "the array of shape " + array.dims_text()));
  ATML_TRY_STATUS(reader.expect_end());
  if (!header.fortran || array.rank() < 2) return array;
  // Fortran order is C order of the reversed axes.
  std::ranges::reverse(array.dims);
  std::vector<std::size_t> order(array.rank());
  std::iota(order.rbegin(), order.rend(), std::size_t{0});
  return array.permuted(order);
}

}  // namespace atml::data
