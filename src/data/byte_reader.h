// ByteReader: reads a plain or a gzip file, without the caller having to know which. Private to
// data; the only user of zlib.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace atml::data {

class ByteReader {
 public:
  /// gzip is recognised by its first two bytes, not by the name. Only regular files are read.
  static Result<ByteReader> open(const std::filesystem::path& path);

  /// Fills `out`, or fails (kParse) with the number of bytes that `what` needs and that were found.
  Status read(std::span<std::byte> out, const std::string& what);
  /// Fails where bytes are left over.
  Status expect_end();
  /// Everything that is left, at most `limit` bytes (more is an error).
  Result<std::string> read_rest(std::size_t limit);

  /// The most bytes that can still come: the file's size less what was read; for gzip 1032 times
  /// the compressed size (the limit of deflate). Checked before anything is allocated.
  std::uint64_t most_left() const;
  const std::string& name() const { return name_; }

 private:
  struct Close {
    void operator()(void* file) const;
  };
  Result<std::size_t> read_some(std::span<std::byte> out);
  Error damaged() const;

  std::unique_ptr<void, Close> file_;  // gzFile
  std::string name_;
  std::uint64_t most_ = 0;
  std::uint64_t done_ = 0;
};

/// A whole plain or gzip file as text, at most `limit` bytes.
Result<std::string> read_text(const std::filesystem::path& path, std::size_t limit);

}  // namespace atml::data
