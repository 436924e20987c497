#include "deploy/serial_session.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "base/random.h"

namespace atml::deploy::serial {
namespace {

constexpr double kLongestWait = 4;
constexpr std::size_t kSmallestChunk = 16;
constexpr int kChunkAttempts = 2;  // then smaller ones: a long frame may never pass a bad line
constexpr double kPause = 0.05;

// Bits of one byte on the line: start, 8 data, stop.
double line_seconds(std::size_t bytes, const Address& address) {
  if (address.kind != Address::Kind::kTerminal) return 0;
  return 10.0 * static_cast<double>(bytes) / address.baud;
}

// Differs between processes and sessions, so that no answer of an earlier one is taken for one of
// this.
std::uint32_t fresh_session() {
  const auto ticks = std::chrono::steady_clock::now().time_since_epoch().count();
  const auto value =
      static_cast<std::uint32_t>(fnv1a(fmt::format("{} {}", ::getpid(), ticks)) >> 16);
  return value == 0 ? 1 : value;
}

std::string_view name_of(Command command) {
  switch (command) {
    case Command::kHello:
      return "hello";
    case Command::kSelfTest:
      return "self-test";
    case Command::kTime:
      return "timing";
    case Command::kWrite:
      return "a part of the sample";
    case Command::kRun:
      return "inference";
    case Command::kRead:
      return "reading the output";
  }
  ATML_UNREACHABLE("unknown command");
}

Error cancelled() { return {Code::kCancelled, "the conversation with the board was cancelled"}; }

Error refused(std::uint8_t code, Command command) {
  const auto error = static_cast<BoardError>(code);
  const bool begin_again = error == BoardError::kNoSession || error == BoardError::kOtherInput ||
                           error == BoardError::kNothingRun;
  return {begin_again ? Code::kConflict : Code::kUnsupported,
          fmt::format("the board refused {}: {}", name_of(command), to_string(error))};
}

}  // namespace

Session::Session(Address address, SessionOptions options, StopToken stop, Port port)
    : address_(std::move(address)),
      options_(options),
      stop_(std::move(stop)),
      port_(std::move(port)),
      sequence_(static_cast<std::uint16_t>(fresh_session())) {}

Result<Session> Session::open(const Address& address, const SessionOptions& options,
                              const StopToken& stop) {
  const double deadline = now_seconds() + options.silence.value;
  for (;;) {
    if (stop.stop_requested()) return cancelled();
    auto port = Port::open(address, std::min(deadline, now_seconds() + 1));
    if (port.ok()) return Session(address, options, stop, std::move(*port));
    if (now_seconds() >= deadline) return port.error();
    ::poll(nullptr, 0, 50);
  }
}

// A port that vanishes may come back: a board that enumerates again, an emulator that restarts.
Status Session::reopen(double deadline) {
  reader_.clear();
  for (;;) {
    if (stop_.stop_requested()) return cancelled();
    ::poll(nullptr, 0, 50);
    auto port = Port::open(address_, std::min(deadline, now_seconds() + 1));
    if (port.ok()) return port_ = std::move(*port), Status();
    if (now_seconds() >= deadline) return port.error();
  }
}

Status Session::send(const std::string& bytes, double deadline) {
  for (;;) {
    const Status sent = port_.write(bytes, deadline);
    if (sent.ok() || sent.error().code != Code::kUnavailable) return sent;
    ATML_TRY_STATUS(reopen(deadline));
  }
}

// The payload of the answer; nothing where the frame is not it.
Result<std::optional<std::string>> Session::judge(Command command, const Frame& frame) {
  using Answer = std::optional<std::string>;
  if (frame.sequence != sequence_) return Answer();
  if (frame.version != kVersion) {
    return Error{Code::kUnsupported,
                 fmt::format("the board's firmware speaks version {} of the serial protocol, this "
                             "program version {}; build and flash it again",
                             frame.version, kVersion)};
  }
  const auto wanted = static_cast<std::uint8_t>(command);
  if (frame.type == kErrorType && frame.payload.size() == 2 &&
      static_cast<std::uint8_t>(frame.payload[1]) == wanted)
    return refused(static_cast<std::uint8_t>(frame.payload[0]), command);
  if (frame.type != (wanted | kReplyBit) || frame.session != session_) return Answer();
  return Answer(frame.payload);
}

Result<std::optional<std::string>> Session::wait(Command command, double until) {
  while (now_seconds() < until) {
    if (stop_.stop_requested()) return cancelled();
    auto bytes = port_.read(std::min(until, now_seconds() + kPause));
    if (!bytes.ok()) {
      const Status again = reopen(until);
      if (again.ok()) break;  // ask again at once
      if (again.error().code == Code::kCancelled) return again.error();
      return std::optional<std::string>();
    }
    received_ += bytes->size();
    reader_.feed(*bytes);
    while (const auto frame = reader_.next()) {
      ATML_TRY(std::optional<std::string> answer, judge(command, *frame));
      if (answer) return answer;
    }
  }
  return std::optional<std::string>();
}

Error Session::no_answer(Command command, Seconds waited, int sent) const {
  std::string hint = "nothing came back: is the firmware running, are the wires right?";
  if (received_ > 0) {
    hint = fmt::format("{} bytes came back but no good answer: is the baud rate right?", received_);
  }
  return {Code::kTimeout,
          fmt::format("no answer to {} from the board at {} within {} ({} requests sent): {}",
                      name_of(command), address_.text, to_text(waited), sent, hint)};
}

Result<std::string> Session::ask(const Request& request) {
  ++sequence_;
  received_ = 0;
  const std::string bytes = encode({.type = static_cast<std::uint8_t>(request.command),
                                    .sequence = sequence_,
                                    .session = session_,
                                    .payload = request.payload});
  const double line = line_seconds(bytes.size() + kMostPayload, address_);
  const double started = now_seconds();
  const double deadline = started + request.total.value;
  double pause = std::max(options_.answer.value, request.first.value);
  int sent = 0;
  for (; sent < request.attempts && (sent == 0 || now_seconds() < deadline); ++sent) {
    if (stop_.stop_requested()) return cancelled();
    const Status written = send(bytes, deadline);
    if (!written.ok() && written.error().code == Code::kCancelled) return written.error();
    ATML_TRY(const std::optional<std::string> answer,
             wait(request.command, std::min(deadline, now_seconds() + pause + line)));
    if (answer) return *answer;
    pause = std::max(pause, std::min(2 * pause, kLongestWait));
  }
  return no_answer(request.command, Seconds(now_seconds() - started), sent);
}

Result<Hello> Session::hello() {
  session_ = fresh_session();
  std::string payload;
  put(payload, session_, 4);
  ATML_TRY(const std::string answer,
           ask({.command = Command::kHello, .payload = payload, .total = options_.silence}));
  ATML_TRY(Hello hello, read_hello(answer));
  chunk_ = std::clamp<std::size_t>(hello.most_payload - kSmallestChunk, kSmallestChunk, chunk_);
  return hello;
}

Result<SelfTestReply> Session::self_test() {
  ATML_TRY(const std::string answer,
           ask({.command = Command::kSelfTest, .payload = "", .total = options_.inference}));
  return read_self_test(answer);
}

Result<TimeReply> Session::time(int runs, Seconds expected) {
  std::string payload;
  put(payload, static_cast<std::uint64_t>(runs), 2);
  const double likely = 1.2 * runs * expected.value;
  ATML_TRY(const std::string answer,
           ask({.command = Command::kTime,
                .payload = payload,
                .total = Seconds(options_.inference.value + 2 * likely),
                .first = Seconds(likely > 0 ? likely + options_.answer.value : 0)}));
  ATML_TRY(const TimeReply reply, read_time(answer));
  if (static_cast<int>(reply.runs) == runs) return reply;
  return Error{Code::kParse,
               fmt::format("the board timed {} inferences, asked were {}", reply.runs, runs)};
}

Session::Request Session::chunk_request(Command command, std::string payload) const {
  return {.command = command,
          .payload = std::move(payload),
          .total = options_.silence,
          .attempts = chunk_ > kSmallestChunk ? kChunkAttempts : 1000000};
}

// True where the same is worth a try with shorter frames.
bool Session::shrink_after(const Error& error) {
  if (error.code != Code::kTimeout || chunk_ <= kSmallestChunk) return false;
  chunk_ = std::max(kSmallestChunk, chunk_ / 2);
  return true;
}

Status Session::upload(std::string_view input) {
  for (std::size_t at = 0; at < input.size();) {
    const std::string_view part = input.substr(at, chunk_);
    std::string payload;
    put(payload, at, 4);
    payload += part;
    const auto answer = ask(chunk_request(Command::kWrite, payload));
    if (!answer.ok() && shrink_after(answer.error())) continue;
    if (!answer.ok()) return answer.error();
    PayloadReader in(*answer);
    const bool same = in.u32() == at && in.u16() == part.size();
    if (!same || !in.complete())
      return Error{Code::kParse, "the board confirmed another part of the sample than was sent"};
    at += part.size();
  }
  return {};
}

Result<std::string> Session::download(std::size_t bytes) {
  std::string output;
  while (output.size() < bytes) {
    const std::size_t count = std::min(chunk_, bytes - output.size());
    std::string payload;
    put(payload, output.size(), 4);
    put(payload, count, 2);
    const auto answer = ask(chunk_request(Command::kRead, payload));
    if (!answer.ok() && shrink_after(answer.error())) continue;
    if (!answer.ok()) return answer.error();
    PayloadReader in(*answer);
    const std::uint32_t at = in.u32();
    const std::string part = in.rest();
    if (at != output.size() || part.size() != count)
      return Error{Code::kParse, "the board sent another part of the output than was asked"};
    output += part;
  }
  return output;
}

Result<std::string> Session::infer(std::string_view input, std::size_t output_bytes,
                                   Seconds expected) {
  ATML_TRY_STATUS(upload(input));
  std::string payload;
  put(payload, crc32(input), 4);
  ATML_TRY(const std::string answer,
           ask({.command = Command::kRun,
                .payload = payload,
                .total = Seconds(options_.inference.value + 2 * expected.value),
                .first = Seconds(1.2 * expected.value + options_.answer.value)}));
  PayloadReader in(answer);
  const std::uint32_t crc = in.u32();
  in.u64();  // cycles
  if (!in.complete()) return Error{Code::kParse, "the board's answer to inference is malformed"};
  ATML_TRY(std::string output, download(output_bytes));
  if (crc32(output) == crc) return output;
  return Error{Code::kConflict, "the output's checksum is not the one that the board announced"};
}

}  // namespace atml::deploy::serial
