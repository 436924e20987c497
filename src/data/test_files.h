// Small data files for the tests of the readers, made without the code under test.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/files.h"

namespace atml::data {

template <class T>
std::string raw_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A .npy file as NumPy writes it: header padded with spaces to a multiple of 64, newline at its
/// end.
inline std::string npy_bytes(const std::string& descr, const std::vector<std::size_t>& dims,
                             const std::string& payload, bool fortran = false, int version = 1) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': ({}{}), }}", descr,
                  fortran ? "True" : "False", fmt::join(dims, ", "), dims.size() == 1 ? "," : "");
  const std::size_t start = version == 1 ? 10 : 12;
  while ((start + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(header.size() >> 8 * i & 255);
  return bytes + header + payload;
}

template <class T>
std::string npy(const std::string& descr, const std::vector<std::size_t>& dims,
                const std::vector<T>& values) {
  return npy_bytes(descr, dims, raw_bytes(values));
}

inline std::string idx_bytes(int type, const std::vector<std::size_t>& dims,
                             const std::string& payload) {
  std::string bytes = {'\0', '\0', static_cast<char>(type), static_cast<char>(dims.size())};
  for (const std::size_t dim : dims) {
    for (int i = 3; i >= 0; --i) bytes += static_cast<char>(dim >> 8 * i & 255);
  }
  return bytes + payload;
}

inline std::string gzip(const std::string& bytes, int level = 9) {
  z_stream stream{};
  deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// A scratch folder to put files in.
class Folder {
 public:
  std::filesystem::path put(const std::string& name, const std::string& bytes) const {
    const auto path = scratch_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    const Status status = write_scratch_file(path, bytes);
    ATML_ASSERT(status.ok(), "cannot write a test file");
    return path;
  }
  std::string path(const std::string& name = "") const { return (scratch_.path() / name).string(); }

 private:
  ScratchFolder scratch_ = ScratchFolder::create().value();
};

}  // namespace atml::data
