#include "deploy/serial_port.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/clock.h"

namespace atml::deploy::serial {
namespace {

struct Baud {
  int rate;
  speed_t code;
};
constexpr std::array<Baud, 15> kBauds{{{9600, B9600},
                                       {19200, B19200},
                                       {38400, B38400},
                                       {57600, B57600},
                                       {115200, B115200},
                                       {230400, B230400},
                                       {460800, B460800},
                                       {500000, B500000},
                                       {576000, B576000},
                                       {921600, B921600},
                                       {1000000, B1000000},
                                       {1500000, B1500000},
                                       {2000000, B2000000},
                                       {3000000, B3000000},
                                       {4000000, B4000000}}};

const Baud* find_baud(int rate) {
  const auto it = std::ranges::find_if(kBauds, [&](const Baud& b) { return b.rate == rate; });
  return it == kBauds.end() ? nullptr : &*it;
}

Error refused(const Address& address, int code) {
  const bool missing = code == ENOENT || code == ENXIO || code == ENODEV;
  std::string text =
      fmt::format("cannot open the board's port '{}': {}", address.text, std::strerror(code));
  if (missing) text += "; is the board connected, and is the name right?";
  if (code == EACCES) text += "; add yourself to the group that owns it (often dialout)";
  return {missing ? Code::kNotFound : Code::kUnavailable, text};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int milliseconds_until(double deadline) {
  return static_cast<int>(std::clamp((deadline - now_seconds()) * 1e3, 0.0, 50.0)) + 1;
}

// Waits for an event; false at the deadline.
bool wait_for(int fd, short events, double deadline) {
  do {
    pollfd item{fd, events, 0};
    if (::poll(&item, 1, milliseconds_until(deadline)) > 0) return true;
  } while (now_seconds() < deadline);
  return false;
}

// Raw bytes: 8 data bits, no parity, 1 stop bit, no flow control, no translation.
bool set_raw(int fd, speed_t speed) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) return false;
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(CSTOPB | CRTSCTS | HUPCL);
  settings.c_cc[VMIN] = 0;
  settings.c_cc[VTIME] = 0;
  ::cfsetispeed(&settings, speed);
  ::cfsetospeed(&settings, speed);
  return ::tcsetattr(fd, TCSANOW, &settings) == 0;
}

Result<int> open_terminal(const Address& address) {
  Descriptor fd(::open(address.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (fd.get() < 0) return refused(address, errno);
  if (::isatty(fd.get()) == 0) {
    return Error{Code::kUnavailable,
                 fmt::format("'{}' is no serial line; a socket reads unix:PATH or tcp:HOST:PORT",
                             address.text)};
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Code::kUnavailable,
                 fmt::format("the board's port '{}' is in use by another process", address.text)};
  }
  if (!set_raw(fd.get(), find_baud(address.baud)->code)) return refused(address, errno);
  ::tcflush(fd.get(), TCIOFLUSH);
  return fd.release();
}

Result<int> finish_connect(const Address& address, Descriptor& fd, const sockaddr* name,
                           socklen_t size, double deadline) {
  if (fd.get() < 0) return refused(address, errno);
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  if (::connect(fd.get(), name, size) == 0) return fd.release();
  if (errno != EINPROGRESS && errno != EAGAIN) return refused(address, errno);
  if (!wait_for(fd.get(), POLLOUT, deadline)) return refused(address, ETIMEDOUT);
  int code = 0;
  socklen_t length = sizeof code;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &length);
  if (code != 0) return refused(address, code);
  return fd.release();
}

Result<int> open_unix(const Address& address, double deadline) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.path.c_str(), address.path.size() + 1);
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return finish_connect(address, fd, reinterpret_cast<const sockaddr*>(&name), sizeof name,
                        deadline);
}

Result<int> open_tcp(const Address& address, double deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(address.path.c_str(), address.port.c_str(), &hints, &list);
  if (failed != 0) {
    return Error{Code::kUnavailable, fmt::format("cannot find the board's host '{}': {}",
                                                 address.path, ::gai_strerror(failed))};
  }
  Result<int> last = refused(address, ENOENT);
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    Descriptor fd(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    last = finish_connect(address, fd, at->ai_addr, at->ai_addrlen, deadline);
    if (last.ok()) break;
  }
  ::freeaddrinfo(list);
  return last;
}

Error gone() { return {Code::kUnavailable, "the board's port was closed"}; }

Error malformed(std::string_view text, const std::string& what) {
  return {Code::kInvalidArgument,
          fmt::format("board address '{}': {}; write /dev/ttyACM0, /dev/ttyUSB0@115200, unix:PATH "
                      "or tcp:HOST:PORT",
                      text, what)};
}

bool is_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

Result<Address> parse_terminal(std::string_view text) {
  Address address{.text = std::string(text)};
  const std::size_t at = text.rfind('@');
  address.path = std::string(text.substr(0, at));
  if (at != std::string_view::npos) {
    const std::string_view rate = text.substr(at + 1);
    const auto [end, error] = std::from_chars(rate.data(), rate.data() + rate.size(), address.baud);
    if (error != std::errc() || end != rate.data() + rate.size() ||
        find_baud(address.baud) == nullptr)
      return malformed(text, fmt::format("'{}' is no usual baud rate (9600 to 4000000)", rate));
  }
  if (address.path.empty()) return malformed(text, "the device is missing");
  return address;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  Address address{.text = std::string(text)};
  if (text.find('\0') != std::string_view::npos) return malformed("", "it holds a null byte");
  if (text.starts_with("unix:")) {
    address.kind = Address::Kind::kUnix;
    address.path = std::string(text.substr(5));
    if (address.path.empty()) return malformed(text, "the path is missing");
    if (address.path.size() >= sizeof(sockaddr_un::sun_path))
      return malformed(text, "a socket's path has at most 107 bytes");
    return address;
  }
  if (!text.starts_with("tcp:")) return parse_terminal(text);
  address.kind = Address::Kind::kTcp;
  const std::size_t colon = text.rfind(':');
  if (colon <= 4 || !is_port(text.substr(colon + 1)))
    return malformed(text, "host or port is missing");
  address.path = std::string(text.substr(4, colon - 4));
  address.port = std::string(text.substr(colon + 1));
  return address;
}

Result<Port> Port::open(const Address& address, double deadline) {
  if (address.kind == Address::Kind::kTerminal) {
    ATML_TRY(const int fd, open_terminal(address));
    return Port(fd, false);
  }
  ATML_TRY(const int fd, address.kind == Address::Kind::kUnix ? open_unix(address, deadline)
                                                              : open_tcp(address, deadline));
  return Port(fd, true);
}

Port::Port(Port&& other) noexcept : fd_(std::exchange(other.fd_, -1)), socket_(other.socket_) {}

Port& Port::operator=(Port&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(socket_, other.socket_);
  return *this;
}

Port::~Port() {
  if (fd_ >= 0) ::close(fd_);
}

Status Port::write(std::string_view bytes, double deadline) {
  while (!bytes.empty()) {
    const ssize_t count = socket_ ? ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL)
                                  : ::write(fd_, bytes.data(), bytes.size());
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) return gone();
    if (!wait_for(fd_, POLLOUT, deadline))
      return Error{Code::kTimeout, "the board's port takes no bytes"};
  }
  return {};
}

Result<std::string> Port::read(double deadline) {
  if (!wait_for(fd_, POLLIN, deadline)) return std::string();
  std::array<char, 4096> bytes{};
  const ssize_t count = ::read(fd_, bytes.data(), bytes.size());
  if (count > 0) return std::string(bytes.data(), static_cast<std::size_t>(count));
  // A terminal without bytes reads 0 (VMIN 0); there poll() tells a hang-up.
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::string();
  pollfd item{fd_, POLLIN, 0};
  ::poll(&item, 1, 0);
  if (count == 0 && !socket_ && (item.revents & (POLLHUP | POLLERR)) == 0) return std::string();
  return gone();
}

}  // namespace atml::deploy::serial
