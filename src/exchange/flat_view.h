// Bounds-checked reads of FlatBuffers: a bad offset or count marks the buffer corrupt and gives a
// default, so that hostile bytes cannot lead a read outside. Ask corrupt() before using the result.
// Format: https://flatbuffers.dev/internals (little endian; a table starts with the distance back
// to its vtable; a vector with its count). Private to exchange.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace atml::exchange {

class FlatBuffer {
 public:
  explicit FlatBuffer(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T read(std::uint64_t at) const {
    T value{};
    if (at > bytes_.size() || bytes_.size() - at < sizeof(T)) {
      corrupt_ = true;
      return value;
    }
    std::memcpy(&value, bytes_.data() + at, sizeof(T));
    return value;
  }
  bool holds(std::uint64_t at, std::uint64_t count) const {
    return at <= bytes_.size() && bytes_.size() - at >= count;
  }
  std::string_view bytes(std::uint64_t at, std::uint64_t count) const {
    if (holds(at, count)) return bytes_.substr(at, count);
    corrupt_ = true;
    return {};
  }
  void mark_corrupt() const { corrupt_ = true; }
  bool corrupt() const { return corrupt_; }

 private:
  std::string_view bytes_;
  mutable bool corrupt_ = false;
};

class FlatTable {
 public:
  FlatTable(const FlatBuffer& buffer, std::uint64_t at) : buffer_(&buffer), at_(at) {
    vtable_ =
        at - static_cast<std::uint64_t>(static_cast<std::int64_t>(buffer.read<std::int32_t>(at)));
    vtable_size_ = buffer.read<std::uint16_t>(vtable_);
  }
  static FlatTable root(const FlatBuffer& buffer) {
    return {buffer, buffer.read<std::uint32_t>(0)};
  }

  template <class T>
  T scalar(int field, T fallback) const {
    const std::uint64_t at = position(field);
    return at == 0 ? fallback : buffer_->read<T>(at);
  }
  bool has(int field) const { return position(field) != 0; }
  FlatTable table(int field) const { return {*buffer_, target(field)}; }

  std::string text(int field) const {
    if (!has(field)) return {};
    const std::uint64_t at = target(field);
    return std::string(buffer_->bytes(at + 4, buffer_->read<std::uint32_t>(at)));
  }
  std::string_view byte_vector(int field) const {
    if (!has(field)) return {};
    const std::uint64_t at = target(field);
    return buffer_->bytes(at + 4, buffer_->read<std::uint32_t>(at));
  }
  template <class T>
  std::vector<T> vector(int field) const {
    std::vector<T> values;
    if (!has(field)) return values;
    const std::uint64_t at = target(field);
    const std::uint64_t count = buffer_->read<std::uint32_t>(at);
    const std::string_view bytes = buffer_->bytes(at + 4, count * sizeof(T));
    values.resize(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  std::vector<FlatTable> tables(int field) const {
    std::vector<FlatTable> result;
    if (!has(field)) return result;
    const std::uint64_t at = target(field);
    const std::uint64_t count = buffer_->read<std::uint32_t>(at);
    if (!buffer_->holds(at + 4, count * 4)) {
      buffer_->mark_corrupt();
      return result;
    }
    result.reserve(count);
    for (std::uint64_t i = 0; i < count && !buffer_->corrupt(); ++i) {
      const std::uint64_t slot = at + 4 + 4 * i;
      result.emplace_back(*buffer_, slot + buffer_->read<std::uint32_t>(slot));
    }
    return result;
  }

 private:
  // Where a field's bytes lie, or 0 where the table lacks it.
  std::uint64_t position(int field) const {
    const std::uint64_t slot = 4 + 2 * static_cast<std::uint64_t>(field);
    if (slot + 2 > vtable_size_) return 0;
    const std::uint16_t offset = buffer_->read<std::uint16_t>(vtable_ + slot);
    return offset == 0 ? 0 : at_ + offset;
  }
  std::uint64_t target(int field) const {
    const std::uint64_t at = position(field);
    if (at == 0) buffer_->mark_corrupt();
    return at + buffer_->read<std::uint32_t>(at);
  }

  const FlatBuffer* buffer_;
  std::uint64_t at_;
  std::uint64_t vtable_ = 0;
  std::uint16_t vtable_size_ = 0;
};

}  // namespace atml::exchange
