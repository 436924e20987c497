// A byte stream to a board: a serial line, a pseudo terminal, or a socket (QEMU, ser2net).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/stop.h"

namespace atml::deploy::serial {

struct Address {
  enum class Kind { kTerminal, kUnix, kTcp };
  Kind kind = Kind::kTerminal;
  std::string path;   // of the device or the socket; host name for kTcp
  std::string port;   // kTcp
  int baud = 115200;  // kTerminal
  std::string text;   // as given
};

/// "/dev/ttyACM0", "/dev/ttyUSB0@921600", "/dev/pts/3", "unix:/tmp/board", "tcp:localhost:5555".
/// Fails (invalid_argument) with the text and the forms.
Result<Address> parse_address(std::string_view text);

/// Owns the descriptor. Not thread safe.
class Port {
 public:
  /// Fails: not_found (no such device or socket), unavailable (nobody listens, in use, no
  /// permission, no terminal), timeout. What was waiting in a terminal's input is dropped.
  static Result<Port> open(const Address& address, double deadline);
  Port(Port&& other) noexcept;
  Port& operator=(Port&& other) noexcept;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  /// All bytes, or timeout, or unavailable (the other end is gone).
  Status write(std::string_view bytes, double deadline);
  /// What is there, waiting until `deadline` (of now_seconds()) for the first byte; empty when none
  /// came. Fails (unavailable) when the other end is gone.
  Result<std::string> read(double deadline);

 private:
  Port(int fd, bool socket) : fd_(fd), socket_(socket) {}
  int fd_ = -1;
  bool socket_ = false;
};

}  // namespace atml::deploy::serial
