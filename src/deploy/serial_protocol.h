// The frames between host and board (docs/board-protocol.md); runtime/board/protocol.c is the other
// end. Pure: bytes in, frames out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace atml::deploy::serial {

// Persistent numbers of the protocol: do not change.
inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::size_t kHeaderBytes = 14, kTrailerBytes = 4, kMostPayload = 256;
inline constexpr int kMostRuns = 32;  // of one timing request
enum class Command : std::uint8_t {
  kHello = 1,
  kSelfTest = 2,
  kTime = 3,
  kWrite = 4,
  kRun = 5,
  kRead = 6
};
inline constexpr std::uint8_t kReplyBit = 0x80, kErrorType = 0xFF;
enum class BoardError : std::uint8_t {
  kUnknownCommand = 1,
  kBadPayload = 2,
  kNoSession = 3,
  kOtherInput = 4,
  kOtherVersion = 5,
  kNothingRun = 6
};
std::string to_string(BoardError error);

struct Frame {
  std::uint8_t version = kVersion;
  std::uint8_t type = 0;
  std::uint16_t sequence = 0;
  std::uint32_t session = 0;
  std::string payload;  // at most kMostPayload bytes
};

std::string encode(const Frame& frame);

/// CRC-16/CCITT-FALSE and the CRC-32 of IEEE 802.3.
std::uint16_t crc16(std::string_view bytes);
std::uint32_t crc32(std::string_view bytes);

/// Finds frames in whatever arrives. Garbage is skipped byte by byte: a good frame behind garbage,
/// even one that began inside a broken frame, is found. Holds at most one frame's bytes once next()
/// returned nothing.
class FrameReader {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  std::optional<Frame> next();
  void clear() { buffer_.clear(); }

 private:
  std::string buffer_;
};

/// Little-endian payloads. A read behind the end gives 0 and marks the reader as failed.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t number(std::size_t size);
  std::uint32_t u8() { return static_cast<std::uint32_t>(number(1)); }
  std::uint32_t u16() { return static_cast<std::uint32_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  std::string text();  // a length byte, then its bytes; what is not printable ASCII becomes '?'
  std::string rest();
  bool complete() const { return !failed_ && bytes_.empty(); }  // read to the end, not beyond

 private:
  std::string_view bytes_;
  bool failed_ = false;
};
void put(std::string& payload, std::uint64_t value, std::size_t size);

/// What a board says of itself.
struct Hello {
  std::uint64_t model_id = 0, build_id = 0;
  double clock_hz = 0;
  std::uint32_t input_bytes = 0, output_bytes = 0;
  std::size_t most_payload = 0;
  std::string name, target;
};
struct SelfTestReply {
  bool passed = false;
  std::uint32_t crc = 0, expected_crc = 0;
  std::uint32_t stack_bytes = 0, stack_room = 0;
};
struct TimeReply {
  std::uint32_t runs = 0;
  std::uint64_t low = 0, median = 0, high = 0;  // cycles
};

/// Fail (parse) on payloads of another length or with values that cannot be.
Result<Hello> read_hello(std::string_view payload);
Result<SelfTestReply> read_self_test(std::string_view payload);
Result<TimeReply> read_time(std::string_view payload);

/// The input of self-test and timing: x = 1664525 x + 1013904223 (mod 2^32) from x = 1, its high
/// bytes.
std::string self_test_input(std::size_t bytes);

}  // namespace atml::deploy::serial
