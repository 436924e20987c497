// One conversation with a board: requests with time-outs and repetition, over a line that may lose
// bytes, to a board that may be reset. Not thread safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/stop.h"
#include "base/units.h"
#include "deploy/serial_port.h"
#include "deploy/serial_protocol.h"

namespace atml::deploy::serial {

struct SessionOptions {
  Seconds answer{0.4};    // first wait for an answer; doubled at each repetition, up to 4 s
  Seconds silence{6};     // then a request is given up; also: until the port must be there
  Seconds inference{30};  // the same for requests that run the network
};

/// Errors of all requests: timeout (no answer; the text tells silence from garbage), conflict (the
/// board was reset or the data did not survive the way: say hello and begin again), unsupported
/// (another version of the protocol, a refusal), parse (malformed answer), cancelled.
class Session {
 public:
  /// Opens the port, and waits for it up to options.silence where it is not there yet. Errors of
  /// Port::open.
  static Result<Session> open(const Address& address, const SessionOptions& options,
                              const StopToken& stop);

  Result<Hello> hello();  // starts a session; the first request
  Result<SelfTestReply> self_test();
  /// Timing of `runs` inferences (1 to kMostRuns) that last `expected` each (0: unknown).
  Result<TimeReply> time(int runs, Seconds expected);
  /// One inference on the board; the output's checksum is verified.
  Result<std::string> infer(std::string_view input, std::size_t output_bytes, Seconds expected);

 private:
  Session(Address address, SessionOptions options, StopToken stop, Port port);

  struct Request {
    Command command;
    std::string payload;
    Seconds total;     // until it is given up
    Seconds first{0};  // wait before the first repetition; 0: options_.answer
    int attempts = 1000000;
  };
  Result<std::string> ask(const Request& request);
  Status send(const std::string& bytes, double deadline);
  Result<std::optional<std::string>> wait(Command command, double until);
  Result<std::optional<std::string>> judge(Command command, const Frame& frame);
  Status reopen(double deadline);
  Status upload(std::string_view input);
  Result<std::string> download(std::size_t bytes);
  Request chunk_request(Command command, std::string payload) const;
  bool shrink_after(const Error& error);
  Error no_answer(Command command, Seconds waited, int sent) const;

  Address address_;
  SessionOptions options_;
  StopToken stop_;
  Port port_;
  FrameReader reader_;
  std::uint32_t session_ = 0;
  std::uint16_t sequence_ = 0;
  std::size_t chunk_ = 240;   // payload bytes of a sample a frame; less on a bad line
  std::size_t received_ = 0;  // bytes since the request was sent
};

}  // namespace atml::deploy::serial
