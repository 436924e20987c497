#include "deploy/serial_protocol.h"

#include <fmt/format.h>

#include <algorithm>

namespace atml::deploy::serial {
namespace {

constexpr std::uint64_t kMostCycles = 1'000'000'000'000'000;  // 11 days at 1 GHz: nonsense
constexpr char kMagic0 = '\xA5', kMagic1 = '\x5A';

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

Error bad(std::string_view what, std::size_t size) {
  return {Code::kParse,
          fmt::format("the board's answer to {} is malformed ({} bytes)", what, size)};
}

}  // namespace

std::string to_string(BoardError error) {
  switch (error) {
    case BoardError::kUnknownCommand:
      return "unknown command";
    case BoardError::kBadPayload:
      return "bad payload";
    case BoardError::kNoSession:
      return "no session";
    case BoardError::kOtherInput:
      return "another input than announced";
    case BoardError::kOtherVersion:
      return "another version of the protocol";
    case BoardError::kNothingRun:
      return "nothing was run";
  }
  return fmt::format("error {}", static_cast<int>(error));  // of a later firmware
}

std::uint16_t crc16(std::string_view bytes) {
  std::uint32_t crc = 0xFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint32_t>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit)
      crc = ((crc & 0x8000u) != 0 ? (crc << 1) ^ 0x1021u : crc << 1) & 0xFFFFu;
  }
  return static_cast<std::uint16_t>(crc);
}

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

void put(std::string& payload, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    payload.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * i))));
}

std::string encode(const Frame& frame) {
  ATML_ASSERT(frame.payload.size() <= kMostPayload, "payload of a frame is too long");
  std::string bytes{kMagic0, kMagic1};
  put(bytes, frame.version, 1);
  put(bytes, frame.type, 1);
  put(bytes, frame.sequence, 2);
  put(bytes, frame.payload.size(), 2);
  put(bytes, frame.session, 4);
  put(bytes, crc16(bytes), 2);
  bytes += frame.payload;
  put(bytes, crc32(bytes), 4);
  return bytes;
}

std::optional<Frame> FrameReader::next() {
  std::size_t at = 0;
  std::optional<Frame> found;
  for (; at < buffer_.size(); ++at) {
    const std::string_view rest = std::string_view(buffer_).substr(at);
    if (rest[0] != kMagic0 || (rest.size() > 1 && rest[1] != kMagic1)) continue;
    if (rest.size() < kHeaderBytes) break;
    const std::size_t length = little_endian(rest.substr(6, 2));
    if (crc16(rest.substr(0, 12)) != little_endian(rest.substr(12, 2)) || length > kMostPayload)
      continue;
    const std::size_t body = kHeaderBytes + length;
    if (rest.size() < body + kTrailerBytes) break;
    if (crc32(rest.substr(0, body)) != little_endian(rest.substr(body, 4))) continue;
    found = Frame{static_cast<std::uint8_t>(rest[2]), static_cast<std::uint8_t>(rest[3]),
                  static_cast<std::uint16_t>(little_endian(rest.substr(4, 2))),
                  static_cast<std::uint32_t>(little_endian(rest.substr(8, 4))),
                  std::string(rest.substr(kHeaderBytes, length))};
    at += body + kTrailerBytes;
    break;
  }
  buffer_.erase(0, at);
  return found;
}

std::uint64_t PayloadReader::number(std::size_t size) {
  if (bytes_.size() < size) return failed_ = true, 0;
  const std::uint64_t value = little_endian(bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  return value;
}

std::string PayloadReader::text() {
  const std::size_t size = u8();
  if (bytes_.size() < size) return failed_ = true, "";
  std::string text(bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::string PayloadReader::rest() {
  std::string all(bytes_);
  bytes_ = {};
  return all;
}

Result<Hello> read_hello(std::string_view payload) {
  PayloadReader in(payload);
  Hello hello;
  hello.model_id = in.u64();
  hello.build_id = in.u64();
  hello.clock_hz = in.u32();
  hello.input_bytes = in.u32();
  hello.output_bytes = in.u32();
  hello.most_payload = in.u16();
  hello.name = in.text();
  hello.target = in.text();
  if (!in.complete() || hello.clock_hz < 1 || hello.most_payload < 32)
    return bad("hello", payload.size());
  return hello;
}

Result<SelfTestReply> read_self_test(std::string_view payload) {
  PayloadReader in(payload);
  SelfTestReply reply;
  reply.passed = in.u8() == 1;
  reply.crc = in.u32();
  reply.expected_crc = in.u32();
  reply.stack_bytes = in.u32();
  reply.stack_room = in.u32();
  if (!in.complete()) return bad("self-test", payload.size());
  return reply;
}

Result<TimeReply> read_time(std::string_view payload) {
  PayloadReader in(payload);
  TimeReply reply{in.u16(), in.u64(), in.u64(), in.u64()};
  const bool ordered = reply.low <= reply.median && reply.median <= reply.high;
  if (!in.complete() || reply.runs == 0 || reply.low == 0 || !ordered || reply.high > kMostCycles)
    return bad("timing", payload.size());
  return reply;
}

std::string self_test_input(std::size_t bytes) {
  std::string input;
  input.reserve(bytes);
  std::uint32_t x = 1;
  for (std::size_t i = 0; i < bytes; ++i) {
    x = x * 1664525u + 1013904223u;
    input.push_back(static_cast<char>(static_cast<unsigned char>(x >> 24)));
  }
  return input;
}

}  // namespace atml::deploy::serial
