#include "data/byte_reader.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace atml::data {
namespace fs = std::filesystem;
namespace {

gzFile gz(void* file) { return static_cast<gzFile>(file); }

Error cannot_read(const std::string& name, const char* why) {
  return {Code::kIo, fmt::format("cannot read '{}': {}", name, why)};
}

}  // namespace

void ByteReader::Close::operator()(void* file) const { gzclose(gz(file)); }

Result<ByteReader> ByteReader::open(const fs::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) {
    return Error{Code::kNotFound, fmt::format("cannot read '{}': no such file", path.string())};
  }
  if (!fs::is_regular_file(status)) return cannot_read(path.string(), "not a regular file");
  const std::uint64_t size = fs::file_size(path, code);
  if (code) return cannot_read(path.string(), code.message().c_str());
  ByteReader reader;
  reader.name_ = path.string();
  errno = 0;
  reader.file_.reset(gzopen(path.c_str(), "rb"));
  if (reader.file_ == nullptr) return cannot_read(path.string(), std::strerror(errno));
  gzbuffer(gz(reader.file_.get()), 1u << 17);
  // gzdirect looks at the first bytes.
  reader.most_ = gzdirect(gz(reader.file_.get())) != 0 ? size : size * 1032;
  return reader;
}

Result<std::size_t> ByteReader::read_some(std::span<std::byte> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const auto want = static_cast<unsigned>(std::min<std::size_t>(out.size() - filled, 1u << 30));
    const int count = gzread(gz(file_.get()), out.data() + filled, want);
    if (count < 0) return damaged();
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  done_ += filled;
  return filled;
}

Error ByteReader::damaged() const {
  int number = 0;
  const char* text = gzerror(gz(file_.get()), &number);
  if (number == Z_ERRNO) return cannot_read(name_, std::strerror(errno));
  return {Code::kParse,
          fmt::format("{}: damaged gzip data after {} bytes: {}; copy or write the file again",
                      name_, done_, text)};
}

Status ByteReader::read(std::span<std::byte> out, const std::string& what) {
  const std::uint64_t start = done_;
  ATML_TRY(const std::size_t found, read_some(out));
  if (found == out.size()) return {};
  return Error{
      Code::kParse,
      fmt::format("{}: truncated: {} needs {} bytes at offset {}, found {}; copy or write the "
                  "file again",
                  name_, what, out.size(), start, found)};
}

Status ByteReader::expect_end() {
  std::byte extra[1];
  const std::uint64_t end = done_;
  ATML_TRY(const std::size_t found, read_some(extra));
  if (found == 0) {
    // A gzip file cut in its trailer delivers all data, but its checksum was never seen.
    int number = Z_OK;
    gzerror(gz(file_.get()), &number);
    if (number == Z_BUF_ERROR) {
      return Error{Code::kParse,
                   fmt::format("{}: truncated: the end of the gzip data is missing; copy "
                               "or write the file again",
                               name_)};
    }
    return {};
  }
  return Error{Code::kParse,
               fmt::format("{}: expected {} bytes, found more; the header does not fit the data",
                           name_, end)};
}

Result<std::string> ByteReader::read_rest(std::size_t limit) {
  std::string text;
  while (true) {
    std::byte buffer[65536];
    ATML_TRY(const std::size_t count, read_some(buffer));
    if (count == 0) break;
    if (text.size() + count > limit) {
      return Error{Code::kInvalidArgument,
                   fmt::format("{}: larger than the {} bytes allowed", name_, limit)};
    }
    text.append(reinterpret_cast<const char*>(buffer), count);
  }
  ATML_TRY_STATUS(expect_end());
  return text;
}

std::uint64_t ByteReader::most_left() const { return most_ - std::min(most_, done_); }

Result<std::string> read_text(const fs::path& path, std::size_t limit) {
  ATML_TRY(ByteReader reader, ByteReader::open(path));
  return reader.read_rest(limit);
}

}  // namespace atml::data
