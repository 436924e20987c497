// The board in the loop against QEMU's serial port, which stands in for the board's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "base/random.h"
#include "deploy/builtin.h"
#include "deploy/serial_firmware.h"
#include "deploy/serial_oracle.h"
#include "quantize/quantize.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;
using serial::encode;
using serial::Frame;
using serial::FrameReader;

constexpr std::uint64_t kGood = 1, kOther = 2, kLarge = 3;  // seeds of models

// About 2.4 million multiply-accumulates.
quantize::Int8Model large_model() {
  network::Network network({20, 20, 8});
  const network::Window window{.kernel_h = 3, .kernel_w = 3};
  EXPECT_TRUE(network.add(network::Conv{.filters = 64, .window = window, .bias = true}, {0}).ok());
  EXPECT_TRUE(network.add(network::GlobalAveragePool{}, {1}).ok());
  return quantize::random_model(network, kLarge);
}

quantize::Int8Model test_model(std::uint64_t seed) {
  if (seed == kLarge) return large_model();
  network::Network network({10, 10, 3});
  EXPECT_TRUE(
      network
          .add(network::Conv{.filters = 6,
                             .window = {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2},
                             .bias = true},
               {0})
          .ok());
  EXPECT_TRUE(network.add(network::Activate{}, {1}).ok());
  EXPECT_TRUE(network.add(network::Flatten{}, {2}).ok());
  EXPECT_TRUE(network.add(network::Dense{.units = 10}, {3}).ok());
  return quantize::random_model(network, seed);
}

target::Target qemu_board() {
  target::Target part;
  part.name = "mps2-an386";
  part.core = target::Core::kCortexM4;
  part.fpu = part.dsp = true;
  part.clock_hz = 25e6;
  part.flash = {0, Bytes(1 << 20)};
  part.ram = {0x20000000u, Bytes(256 << 10)};
  part.microamps_per_mhz = 100;
  return part;
}

// A model file in name: its seed tells models apart.
ModelWriter writer(std::uint64_t seed) {
  return [seed](const quantize::Int8Model& model) -> Result<std::string> {
    return model.name + " " + std::to_string(seed);
  };
}

// Firmware of a model for the emulated board, built once for all tests.
fs::path firmware(std::uint64_t seed, const char* target_name = "mps2-an386") {
  static const auto folder = std::make_unique<ScratchFolder>(ScratchFolder::create().value());
  const fs::path place = folder->path() / (std::to_string(seed) + target_name);
  if (fs::exists(place / "board.elf")) return place / "board.elf";
  EXPECT_TRUE(make_directories(place).ok());
  auto workbench = Workbench::create();
  const quantize::Int8Model model = test_model(seed);
  target::Target part = qemu_board();
  part.name = target_name;
  const auto production = workbench->build(model, part, {}, place);
  EXPECT_TRUE(production.ok() && production->failure.empty());
  const auto built = serial::build_board_firmware(
      workbench->tools(), model, part, *production,
      {.model_id = fnv1a(*writer(seed)(model)), .port = {}, .folder = place});
  EXPECT_TRUE(built.ok() && built->failure.empty()) << (built.ok() ? built->failure : "");
  return built->elf;
}

// The "board": QEMU with its UART at a socket. -icount makes its clock one of instructions: 2^shift
// ns each.
class Board {
 public:
  Board(fs::path socket, const fs::path& elf, int shift = 5)
      : socket_(std::move(socket)), shift_(shift) {
    start(elf);
  }
  void start(const fs::path& elf) {
    process_.reset();
    fs::remove(socket_);
    auto started = ChildProcess::start({.argv = command(elf)});
    ASSERT_TRUE(started.ok()) << started.error().message;
    process_.emplace(std::move(*started));
  }
  void kill() { process_.reset(); }
  std::vector<std::string> command(const fs::path& elf) const {
    return {"qemu-system-arm",
            "-M",
            "mps2-an386",
            "-kernel",
            elf.string(),
            "-display",
            "none",
            "-monitor",
            "none",
            "-icount",
            "shift=" + std::to_string(shift_),
            "-serial",
            "unix:" + socket_.string() + ",server=on,wait=off"};
  }

 private:
  fs::path socket_;
  int shift_;
  std::optional<ChildProcess> process_;
};

// Something that listens at a socket and is no board: `serve` gets each connection.
class Listener {
 public:
  Listener(const fs::path& path, std::function<void(int fd, const std::atomic<bool>& stop)> serve)
      : serve_(std::move(serve)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(fd_, 4), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~Listener() {
    stop_ = true;
    thread_.join();
    ::close(fd_);
  }

 private:
  void run() {
    while (!stop_) {
      pollfd item{fd_, POLLIN, 0};
      if (::poll(&item, 1, 20) <= 0) continue;
      const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      serve_(client, stop_);
      ::close(client);
    }
  }
  std::function<void(int, const std::atomic<bool>&)> serve_;
  int fd_ = -1;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

int connect_to(const fs::path& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
  for (int i = 0; i < 40; ++i) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0) return fd;
    ::close(fd);
    ::poll(nullptr, 0, 20);
  }
  return -1;
}

// What a bad line does to a byte: position in its direction, the byte; false: it is lost.
using Damage = std::function<bool(std::uint64_t position, char& byte)>;

// Passes bytes both ways through `damage` (one counter a direction).
std::function<void(int, const std::atomic<bool>&)> bad_line(const fs::path& board, Damage damage) {
  return [board, damage](int client, const std::atomic<bool>& stop) {
    const int far = connect_to(board);
    const int ends[2] = {client, far};
    std::uint64_t counts[2] = {0, 0};
    while (!stop) {
      pollfd items[2] = {{client, POLLIN, 0}, {far, POLLIN, 0}};
      if (::poll(items, 2, 20) <= 0) continue;
      for (int side = 0; side < 2; ++side) {
        if (items[side].revents == 0) continue;
        char bytes[512];
        const ssize_t count = ::read(ends[side], bytes, sizeof bytes);
        if (count <= 0) return void(::close(far));
        std::string kept;
        for (ssize_t i = 0; i < count; ++i) {
          if (damage(counts[side]++, bytes[i])) kept.push_back(bytes[i]);
        }
        if (::send(ends[1 - side], kept.data(), kept.size(), MSG_NOSIGNAL) < 0)
          return void(::close(far));
      }
    }
    ::close(far);
  };
}

class Serial : public testing::Test {
 protected:
  ScratchFolder folder_ = ScratchFolder::create().value();
  fs::path board_ = folder_.path() / "board";
  fs::path line_ = folder_.path() / "line";

  static SerialOptions fast() {
    SerialOptions options;
    options.session = {.answer = Seconds(0.1), .silence = Seconds(8), .inference = Seconds(8)};
    return options;
  }

  static Result<Deployability> ask(const fs::path& socket, SerialOptions options = fast(),
                                   std::uint64_t seed = kGood, StopToken stop = StopToken(),
                                   target::Target part = qemu_board()) {
    auto oracle =
        make_serial_oracle("serial:unix:" + socket.string(), std::move(options), writer(seed));
    EXPECT_TRUE(oracle.ok()) << oracle.error().message;
    return (*oracle)->check(test_model(seed), part, target::full_limits(part), stop);
  }

  static std::string reason(const Result<Deployability>& d) {
    EXPECT_TRUE(d.ok()) << d.error().message;
    if (!d.ok()) return d.error().message;
    EXPECT_FALSE(d->computable);
    EXPECT_FALSE(d->deployable());
    return d->reason;
  }

  static void expect_measured(const Result<Deployability>& d) {
    ASSERT_TRUE(d.ok()) << d.error().message;
    ASSERT_TRUE(d->computable) << d->reason;
    EXPECT_TRUE(d->deployable());
    EXPECT_TRUE(d->origin.starts_with("measured on board ")) << d->origin;
    EXPECT_GT(d->latency.value, 0);
  }
};

// ---- the protocol alone -------------------------------------------------------------------

TEST(SerialProtocol, ChecksumsAreTheStandardOnes) {
  EXPECT_EQ(serial::crc16("123456789"), 0x29B1);  // check values of the CRC catalogue
  EXPECT_EQ(serial::crc32("123456789"), 0xCBF43926u);
}

TEST(SerialProtocol, AFrameSurvivesBeingCutAnywhere) {
  const std::string bytes =
      encode(Frame{.type = 3, .sequence = 700, .session = 9, .payload = "pay"});
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    FrameReader reader;
    reader.feed(std::string_view(bytes).substr(0, cut));
    if (cut < bytes.size()) {
      EXPECT_FALSE(reader.next().has_value());
    }
    reader.feed(std::string_view(bytes).substr(cut));
    const auto frame = reader.next();
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->sequence, 700);
    EXPECT_EQ(frame->payload, "pay");
  }
}

TEST(SerialProtocol, AGoodFrameBehindAnyDamageIsFound) {
  const std::string first =
      encode(Frame{.type = 1, .sequence = 1, .payload = std::string(60, 'a')});
  const std::string second = encode(Frame{.type = 1, .sequence = 2, .payload = "b"});
  for (std::size_t lost = 0; lost < first.size(); ++lost) {
    for (const bool flip : {false, true}) {
      std::string damaged = first;
      flip ? void(damaged[lost] = static_cast<char>(damaged[lost] ^ 0x10))
           : void(damaged.erase(lost, 1));
      FrameReader reader;
      // The last repetition's bytes may complete the broken frame, so it comes twice.
      reader.feed("\xA5\xA5\x5A noise" + damaged + second + second);
      const auto frame = reader.next();
      ASSERT_TRUE(frame.has_value()) << lost;
      EXPECT_EQ(frame->sequence, 2) << lost;
    }
  }
}

TEST(SerialProtocol, RandomBytesAreNoFrames) {
  Rng rng(5);
  FrameReader reader;
  std::string bytes(200000, '\0');
  for (char& c : bytes) c = static_cast<char>(rng.next());
  reader.feed(bytes);
  EXPECT_FALSE(reader.next().has_value());
}

TEST(SerialProtocol, MalformedPayloadsAreErrors) {
  EXPECT_FALSE(serial::read_hello("short").ok());
  EXPECT_FALSE(serial::read_time(std::string(26, '\0')).ok());
  std::string payload;
  serial::put(payload, 2, 2);
  for (const int cycles : {5, 4, 9}) serial::put(payload, static_cast<std::uint64_t>(cycles), 8);
  EXPECT_FALSE(serial::read_time(payload).ok());  // the median below the minimum
}

// The firmware's protocol on this machine, under the sanitizers, fed with a file.
constexpr const char* kFuzzMain = R"(#include <stdio.h>
#include <stdlib.h>
#include "atml_board.h"
static int8_t input[300], output[10];
const struct board_model board_model = {{1}, {2}, "a name that is longer than thirty-one characters", "t", 300, 10, 3};
int8_t *board_model_input(void) { return input; }
const int8_t *board_model_output(void) { return output; }
void board_model_run(void) { for (int i = 0; i < 300; i++) output[i % 10] = (int8_t)(output[i % 10] ^ input[i]); }
uint32_t board_clock_hz(void) { return 1; }
uint64_t board_cycles(void) { static uint64_t n; return n += 7; }
uint32_t board_measured_run(void) { board_model_run(); return 4; }
uint32_t board_stack_room(void) { return 8; }
void board_uart_write(uint8_t byte) { putchar(byte); }
int board_uart_read(uint8_t *byte) {
  const int c = getchar();
  if (c == EOF) { fflush(stdout); exit(0); }
  *byte = (uint8_t)c;
  return 1;
}
int main(void) { board_serve(); }
)";

TEST(SerialProtocol, TheFirmwareSurvivesWhateverArrives) {
  const ScratchFolder folder = ScratchFolder::create().value();
  const fs::path runtime = resource_folder("runtime") / "board";
  ASSERT_TRUE(write_file(folder.path() / "main.c", kFuzzMain).ok());
  const auto built =
      run_process({.argv = {"gcc", "-std=c99", "-O1", "-g", "-fsanitize=address,undefined",
                            "-fno-sanitize-recover=all", "-I", runtime.string(),
                            (runtime / "protocol.c").string(), "main.c", "-o", "fuzz"},
                   .working_folder = folder.path()});
  ASSERT_TRUE(built.ok() && built->succeeded()) << built->err;
  Rng rng(21);
  const auto hello = [](int sequence) {
    return encode({.type = 1,
                   .sequence = static_cast<std::uint16_t>(sequence),
                   .payload = std::string("\x05\0\0\0", 4)});
  };
  std::string input;
  for (int n = 0; n < 20000; ++n) {
    if (rng.chance(0.3)) input += hello(n);
    Frame frame{.type = static_cast<std::uint8_t>(rng.below(9)),
                .sequence = static_cast<std::uint16_t>(n),
                .session = 5};
    frame.payload.resize(rng.below(4) == 0 ? rng.below(257) : rng.below(8));
    // Small numbers are likelier to be taken.
    for (char& c : frame.payload) c = static_cast<char>(rng.chance(0.7) ? 0 : rng.next());
    std::string bytes = encode(frame);
    if (rng.chance(0.3)) bytes[rng.below(bytes.size())] = static_cast<char>(rng.next());
    if (rng.chance(0.2)) bytes.erase(rng.below(bytes.size()), 1 + rng.below(9));
    input += bytes;
  }
  // Ends with good frames: what came before must not have confused it for ever.
  for (int n = 0; n < 20; ++n) input += hello(65000);
  const auto run = run_process(
      {.argv = {(folder.path() / "fuzz").string()}, .input = input, .output_limit = 16 << 20});
  ASSERT_TRUE(run.ok());
  ASSERT_TRUE(run->succeeded()) << run->ending() << run->err.substr(0, 2000);
  FrameReader reader;
  reader.feed(run->out);
  std::optional<Frame> last;
  int answers = 0;
  int errors = 0;
  while (auto frame = reader.next()) {
    (frame->type == serial::kErrorType ? errors : answers) += 1;
    last = frame;
  }
  EXPECT_GT(answers, 1000);
  EXPECT_GT(errors, 1000);
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->sequence, 65000);
  EXPECT_EQ(serial::read_hello(last->payload)->name, "a name that is longer than thir");
}

TEST(SerialAddress, FormsAndErrors) {
  using Kind = serial::Address::Kind;
  EXPECT_EQ(serial::parse_address("/dev/ttyUSB0")->baud, 115200);
  EXPECT_EQ(serial::parse_address("/dev/ttyUSB0@921600")->baud, 921600);
  EXPECT_EQ(serial::parse_address("unix:/tmp/x")->kind, Kind::kUnix);
  EXPECT_EQ(serial::parse_address("tcp:localhost:5555")->port, "5555");
  EXPECT_EQ(serial::parse_address("/dev/ttyUSB0@12345").error().message,
            "board address '/dev/ttyUSB0@12345': '12345' is no usual baud rate (9600 to 4000000); "
            "write /dev/ttyACM0, /dev/ttyUSB0@115200, unix:PATH or tcp:HOST:PORT");
  for (const char* text : {"", "@9600", "unix:", "tcp:host", "tcp::5", "tcp:host:0", "tcp:h:70000"})
    EXPECT_FALSE(serial::parse_address(text).ok()) << text;
  EXPECT_EQ(
      make_serial_oracle("external:x", {}, writer(1)).error().message,
      "oracle 'external:x': it is no board; write serial:ADDRESS[,port=FILE.c][,keep=FILE.elf]"
      "[,flash=COMMAND], for example serial:/dev/ttyACM0@115200");
  const auto error = [](const std::string& words) {
    const auto oracle = make_serial_oracle("serial:/dev/ttyACM0" + words, {}, writer(1));
    return oracle.ok() ? "" : oracle.error().message;
  };
  EXPECT_EQ(error(",keep=x.elf,flash=a,b {elf} --port=c"), "");
  EXPECT_NE(error(",prot=x.c").find("unknown word 'prot'; did you mean 'port'?"),
            std::string::npos);
  EXPECT_NE(error(",flash=").find("'flash' has no value"), std::string::npos);
  EXPECT_NE(error(",").find("'' has no value"), std::string::npos);
  EXPECT_NE(error(",port=/nonexistent/port.c").find("/nonexistent/port.c"), std::string::npos);
}

// ---- against QEMU -------------------------------------------------------------------------

TEST_F(Serial, ABoardGivesMeasuredFiguresThatAgreeWithTheEmulator) {
  const Board board(board_, firmware(kGood));
  const auto d = ask(board_);
  expect_measured(d);
  const auto builtin = BuiltinOracle::create();
  const auto part = qemu_board();
  const auto wanted = (*builtin)->check(test_model(kGood), part, target::full_limits(part), {});
  ASSERT_TRUE(wanted.ok() && wanted->computable);
  EXPECT_EQ(d->flash, wanted->flash);
  EXPECT_EQ(d->arena, wanted->arena);
  EXPECT_EQ(d->statics, wanted->statics);
  EXPECT_EQ(d->ram, d->arena + d->statics + d->stack);
  EXPECT_NEAR(static_cast<double>(d->stack.value), static_cast<double>(wanted->stack.value), 32);
  // 32 ns an instruction at 25 MHz: 0.8 cycles.
  const double cycles = 0.8 * static_cast<double>(wanted->instructions.value);
  EXPECT_NEAR(static_cast<double>(d->cycles.mid.value), cycles, 0.02 * cycles + 50);
  EXPECT_LE(d->cycles.low, d->cycles.mid);
  EXPECT_LE(d->cycles.mid, d->cycles.high);
  EXPECT_DOUBLE_EQ(d->latency.value, static_cast<double>(d->cycles.mid.value) / 25e6);
  EXPECT_DOUBLE_EQ(d->energy.value, d->latency.value * part.run_watts());
}

// Frames by hand, as any program may send them.
class RawHost {
 public:
  explicit RawHost(const fs::path& socket)
      : port_(
            serial::Port::open(*serial::parse_address("unix:" + socket.string()), now_seconds() + 2)
                .value()) {}
  // The raw answer to raw bytes.
  std::optional<Frame> send(const std::string& bytes) {
    EXPECT_TRUE(port_.write(bytes, now_seconds() + 2).ok());
    for (const double end = now_seconds() + 5; now_seconds() < end;) {
      reader_.feed(*port_.read(now_seconds() + 0.1));
      if (auto frame = reader_.next()) return frame;
    }
    return {};
  }
  std::optional<Frame> ask(int type, const std::string& payload, int version = serial::kVersion) {
    ++sequence_;
    return send(encode({.version = static_cast<std::uint8_t>(version),
                        .type = static_cast<std::uint8_t>(type),
                        .sequence = sequence_,
                        .session = session_,
                        .payload = payload}));
  }
  // The code of the error that this gives; 0: an answer, -1: silence.
  int error(int type, const std::string& payload, int version = serial::kVersion) {
    const auto frame = ask(type, payload, version);
    if (!frame) return -1;
    EXPECT_EQ(frame->sequence, sequence_);
    return frame->type == serial::kErrorType ? frame->payload.at(0) : 0;
  }
  void set_session(std::uint32_t session) { session_ = session; }

 private:
  serial::Port port_;
  FrameReader reader_;
  std::uint16_t sequence_ = 0;
  std::uint32_t session_ = 0;
};

std::string numbers(std::initializer_list<std::pair<std::uint64_t, std::size_t>> list) {
  std::string payload;
  for (const auto& [value, size] : list) serial::put(payload, value, size);
  return payload;
}

TEST_F(Serial, TheFirmwareRefusesWhatIsWrongAndGoesOn) {
  const Board board(board_, firmware(kGood));
  ::close(connect_to(board_));  // it listens now
  RawHost host(board_);
  EXPECT_EQ(host.error(2, ""), 3);                     // self-test without a session
  EXPECT_EQ(host.error(1, numbers({{0, 4}})), 2);      // session 0
  EXPECT_EQ(host.error(1, "abc"), 2);                  // a short hello
  EXPECT_EQ(host.error(1, numbers({{77, 4}}), 9), 5);  // another version
  EXPECT_EQ(host.error(1, numbers({{77, 4}})), 0);
  EXPECT_EQ(host.error(2, ""), 3);  // still says session 0
  host.set_session(77);
  EXPECT_EQ(host.error(99, ""), 1);
  for (const std::uint64_t runs : {0, 33, 65535})
    EXPECT_EQ(host.error(3, numbers({{runs, 2}})), 2) << runs;
  EXPECT_EQ(host.error(3, ""), 2);
  // 300 input and 10 output bytes: nothing outside them can be written or read.
  for (const std::uint64_t offset : {300ull, 299ull, 301ull, 0xFFFFFFFFull, 0xFFFFFFFEull})
    EXPECT_EQ(host.error(4, numbers({{offset, 4}, {0x4141, 2}})), 2) << offset;
  EXPECT_EQ(host.error(4, numbers({{298, 4}, {0x4141, 2}})), 0);
  EXPECT_EQ(host.error(5, numbers({{12345, 4}})), 4);      // another input
  EXPECT_EQ(host.error(6, numbers({{0, 4}, {1, 2}})), 6);  // nothing was run
  EXPECT_EQ(host.error(6, numbers({{0, 4}, {11, 2}})), 2);
  EXPECT_EQ(host.error(6, numbers({{0xFFFFFFFF, 4}, {5, 2}})), 2);
  EXPECT_EQ(host.error(2, ""), 0);  // and it is as well as ever
}

TEST_F(Serial, ARepeatedRequestGetsTheKeptAnswer) {
  const Board board(board_, firmware(kGood));
  ::close(connect_to(board_));
  RawHost host(board_);
  ASSERT_EQ(host.error(1, numbers({{5, 4}})), 0);
  const std::string timing =
      encode({.type = 3, .sequence = 40, .session = 5, .payload = numbers({{1, 2}})});
  const auto first = host.send(timing);
  const auto again = host.send("garbage\xA5" + timing);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->payload, again->payload);  // cycles to the last digit: nothing was run again
  EXPECT_EQ(first->type, 0x83);
}

TEST_F(Serial, ALongInferenceCountsBeyondTheCountersBits) {
  // 1024 ns an instruction: 25.6 cycles; SysTick has 24 bits, 16.8 million cycles.
  const Board board(board_, firmware(kLarge), 10);
  const auto d = ask(board_, fast(), kLarge);
  expect_measured(d);
  const auto builtin = BuiltinOracle::create();
  const auto part = qemu_board();
  const auto wanted = (*builtin)->check(large_model(), part, target::full_limits(part), {});
  ASSERT_TRUE(wanted.ok() && wanted->computable);
  const double cycles = 25.6 * static_cast<double>(wanted->instructions.value);
  ASSERT_GT(cycles, 2.5 * 16777216);
  EXPECT_NEAR(static_cast<double>(d->cycles.mid.value), cycles, 0.02 * cycles);
}

TEST_F(Serial, APortOfOnesOwnUsesThePartsMemoryMap) {
  SerialOptions options = fast();
  options.port = folder_.path() / "port.c";
  options.keep_firmware = folder_.path() / "own.elf";
  ASSERT_TRUE(
      write_file(options.port, *read_file(resource_folder("runtime") / "board" / "port_mps2.c"))
          .ok());
  target::Target part = qemu_board();
  part.flash.origin = 0x1000;  // and the reset vector at 0 is the board's
  part.flash.size = Bytes(200 << 10);
  options.flash_command = "exit 1";
  EXPECT_FALSE(ask(board_, options, kGood, StopToken(), part)->computable);
  const auto elf = ElfFile::parse(*read_file(options.keep_firmware));
  ASSERT_TRUE(elf.ok());
  EXPECT_EQ(*elf->address("atml_vectors"), 0x1000u);
  EXPECT_EQ(*elf->address("atml_stack_top"), 0x20000000u + (256u << 10));
}

TEST_F(Serial, AFirmwareThatLeavesNoRoomForTheProtocolIsNotComputable) {
  target::Target part = qemu_board();
  auto workbench = Workbench::create();
  const auto production = workbench->build(test_model(kGood), part, {}, folder_.path());
  part.ram.size = production->arena + production->statics + Bytes(600);
  SerialOptions options = fast();
  options.port = resource_folder("runtime") / "board" / "port_mps2.c";
  EXPECT_NE(reason(ask(board_, options, kGood, StopToken(), part))
                .find("the firmware fits, but not with the serial protocol beside it: region RAM "
                      "lacks "),
            std::string::npos);
}

TEST_F(Serial, AFlashCommandBringsEachFirmware) {
  const fs::path script = folder_.path() / "flash.sh";
  const fs::path pid = folder_.path() / "pid";
  // SIGKILL: a QEMU that ends by itself removes the socket and the pid file, perhaps the new ones.
  const std::string words = R"(#!/bin/sh
elf=$1 socket=$2 pid=$3
[ -s "$pid" ] && kill -9 $(cat "$pid")
rm -f "$socket" "$pid"
setsid qemu-system-arm -M mps2-an386 -kernel "$elf" -display none -monitor none \
  -serial "unix:$socket,server=on,wait=off" -pidfile "$pid" >/dev/null 2>&1 &
for i in $(seq 250); do [ -s "$pid" ] && exit 0; sleep 0.02; done
exit 1
)";
  ASSERT_TRUE(write_file(script, words).ok());
  SerialOptions options = fast();
  options.flash_command =
      "sh " + script.string() + " {elf} " + board_.string() + " " + pid.string();
  options.keep_firmware = folder_.path() / "kept" / "board.elf";
  for (const std::uint64_t seed : {kGood, kOther}) expect_measured(ask(board_, options, seed));
  EXPECT_TRUE(fs::exists(options.keep_firmware));
  (void)run_process({.argv = {"sh", "-c", "kill -9 $(cat " + pid.string() + ")"}});
}

TEST_F(Serial, FailedFlashCommandsAreReasonsAndMissingOnesErrors) {
  SerialOptions options = fast();
  options.flash_command = "echo target not halted >&2; exit 3";
  EXPECT_EQ(reason(ask(board_, options)),
            "the flash command exited with code 3: target not halted");
  options.flash_command = "sleep 60";
  options.flash_timeout = Seconds(0.2);
  EXPECT_NE(reason(ask(board_, options)).find("was stopped after"), std::string::npos);
  options.flash_command = "/nonexistent/openocd {elf}";
  const auto d = ask(board_, options);
  ASSERT_FALSE(d.ok());
  EXPECT_EQ(d.error().code, Code::kNotFound);
}

TEST_F(Serial, LostBytesOnBothWaysCostTimeOnly) {
  const Board board(board_, firmware(kGood));
  const Listener line(line_,
                      bad_line(board_, [](std::uint64_t n, char&) { return n % 211 != 210; }));
  expect_measured(ask(line_));
}

TEST_F(Serial, CorruptedBytesOnBothWaysCostTimeOnly) {
  const Board board(board_, firmware(kGood));
  const Listener line(line_, bad_line(board_, [](std::uint64_t n, char& byte) {
                        if (n % 193 == 192) byte = static_cast<char>(byte ^ 0x41);
                        return true;
                      }));
  expect_measured(ask(line_));
}

TEST_F(Serial, NoiseBetweenTheBytesCostsTimeOnly) {
  // Random loss of 1 in 300 and random flips of 1 in 300, seeded.
  const Board board(board_, firmware(kGood));
  const auto rng = std::make_shared<Rng>(11);
  const Listener line(line_, bad_line(board_, [rng](std::uint64_t, char& byte) {
                        if (rng->below(300) == 0) byte = static_cast<char>(rng->next());
                        return rng->below(300) != 0;
                      }));
  expect_measured(ask(line_));
}

TEST_F(Serial, ALineThatLosesTooMuchIsNotComputable) {
  const Board board(board_, firmware(kGood));
  const Listener line(line_, bad_line(board_, [](std::uint64_t n, char&) { return n % 7 != 6; }));
  SerialOptions options = fast();
  options.session.silence = Seconds(1);
  EXPECT_NE(reason(ask(line_, options)).find("no answer to hello from the board at unix:"),
            std::string::npos);
}

TEST_F(Serial, AnotherModelsFirmwareIsRefused) {
  const Board board(board_, firmware(kOther));
  const std::string why = reason(ask(board_));
  EXPECT_TRUE(why.starts_with("the board holds another model: '")) << why;
  EXPECT_NE(why.find("flash it, or give a flash command"), std::string::npos) << why;
}

TEST_F(Serial, FirmwareOfAnotherTargetOrClockIsRefused) {
  const Board board(board_, firmware(kGood, "other-part"));
  EXPECT_EQ(reason(ask(board_)),
            "the board's firmware was built for 'other-part', asked was 'mps2-an386'; flash it "
            "again");
  target::Target fast_part = qemu_board();
  fast_part.name = "other-part";
  fast_part.clock_hz = 180e6;
  EXPECT_EQ(reason(ask(board_, fast(), kGood, StopToken(), fast_part)),
            "the board runs at 25 MHz, target 'other-part' at 180 MHz; correct the port's clock "
            "set-up or clock_mhz of the target");
}

TEST_F(Serial, AnotherBuildOfTheSameModelIsRefused) {
  // The same model file, other bits: the writer of kOther's bytes for kGood's firmware.
  const Board board(board_, firmware(kGood));
  auto oracle = make_serial_oracle("serial:unix:" + board_.string(), fast(), writer(kGood));
  const auto part = qemu_board();
  const auto d = (*oracle)->check(test_model(kOther), part, target::full_limits(part), StopToken());
  EXPECT_NE(reason(d).find("the board's firmware is another build of the model"),
            std::string::npos);
}

TEST_F(Serial, AResetInTheMiddleBeginsAgain) {
  Board board(board_, firmware(kGood));
  const auto restarted = std::make_shared<std::atomic<bool>>(false);
  const Listener line(line_, bad_line(board_, [&, restarted](std::uint64_t n, char&) {
                        if (n == 500 && !restarted->exchange(true)) board.start(firmware(kGood));
                        return true;
                      }));
  expect_measured(ask(line_));
  EXPECT_TRUE(*restarted);
}

TEST_F(Serial, AfterAResetAnotherFirmwareIsNoticed) {
  Board board(board_, firmware(kGood));
  const fs::path other = firmware(kOther);
  const auto restarted = std::make_shared<std::atomic<bool>>(false);
  const Listener line(line_, bad_line(board_, [&, restarted](std::uint64_t n, char&) {
                        if (n == 500 && !restarted->exchange(true)) board.start(other);
                        return true;
                      }));
  EXPECT_NE(reason(ask(line_)).find("the board holds another model"), std::string::npos);
  EXPECT_TRUE(*restarted);
}

TEST_F(Serial, ABoardThatDiesIsNotComputable) {
  Board board(board_, firmware(kGood));
  const Listener line(line_, bad_line(board_, [&](std::uint64_t n, char&) {
                        if (n == 300) board.kill();
                        return n < 300;
                      }));
  SerialOptions options = fast();
  options.session = {.answer = Seconds(0.1), .silence = Seconds(1), .inference = Seconds(1)};
  EXPECT_NE(reason(ask(line_, options)).find("from the board at"), std::string::npos);
}

TEST_F(Serial, ASilentBoardTimesOut) {
  const Listener silent(line_, [](int, const std::atomic<bool>& stop) {
    while (!stop) ::poll(nullptr, 0, 10);
  });
  SerialOptions options = fast();
  options.session.silence = Seconds(0.5);
  const double start = now_seconds();
  EXPECT_NE(reason(ask(line_, options))
                .find("nothing came back: is the firmware running, are the wires right?"),
            std::string::npos);
  EXPECT_LT(now_seconds() - start, 30);
}

TEST_F(Serial, GarbageTimesOutWithAHint) {
  const Listener noisy(line_, [](int fd, const std::atomic<bool>& stop) {
    Rng rng(3);
    while (!stop) {
      char bytes[64];
      for (char& c : bytes) c = static_cast<char>(rng.next());
      bytes[0] = '\xA5';
      bytes[1] = '\x5A';
      if (::send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) < 0) return;
      ::poll(nullptr, 0, 1);
    }
  });
  SerialOptions options = fast();
  options.session.silence = Seconds(0.5);
  EXPECT_NE(reason(ask(line_, options)).find("is the baud rate right?"), std::string::npos);
}

TEST_F(Serial, ABoardThatEchoesIsNoBoard) {
  const Listener echo(line_, [](int fd, const std::atomic<bool>& stop) {
    char bytes[256];
    while (!stop) {
      const ssize_t count = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
      if (count == 0) return;
      if (count > 0) (void)::send(fd, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
      ::poll(nullptr, 0, 2);
    }
  });
  SerialOptions options = fast();
  options.session.silence = Seconds(0.5);
  EXPECT_NE(reason(ask(line_, options)).find("no answer to hello"), std::string::npos);
}

TEST_F(Serial, APseudoTerminalWorksLikeASerialLine) {
  // QEMU's serial port at a socket, joined to a pseudo terminal: termios, locking and all.
  const Board board(board_, firmware(kGood));
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(master, 0);
  ASSERT_EQ(::grantpt(master), 0);
  ASSERT_EQ(::unlockpt(master), 0);
  const std::string name = ::ptsname(master);
  const int keep_open = ::open(name.c_str(), O_RDWR | O_NOCTTY);
  const int far = connect_to(board_);
  std::atomic<bool> stop{false};
  std::thread joint([&] {
    const int ends[2] = {master, far};
    while (!stop) {
      pollfd items[2] = {{master, POLLIN, 0}, {far, POLLIN, 0}};
      ::poll(items, 2, 20);
      for (int side = 0; side < 2; ++side) {
        char bytes[512];
        if ((items[side].revents & POLLIN) == 0) continue;
        const ssize_t count = ::read(ends[side], bytes, sizeof bytes);
        if (count > 0) (void)!::write(ends[1 - side], bytes, static_cast<std::size_t>(count));
      }
    }
  });
  auto oracle =
      make_serial_oracle("serial:" + name + "@921600,flash=true {elf}", fast(), writer(kGood));
  const auto part = qemu_board();
  const auto d = (*oracle)->check(test_model(kGood), part, target::full_limits(part), StopToken());
  stop = true;
  joint.join();
  for (const int fd : {master, keep_open, far}) ::close(fd);
  expect_measured(d);
}

TEST_F(Serial, WhatCannotBeOpenedIsAnError) {
  SerialOptions options = fast();
  options.session.silence = Seconds(0.1);
  auto d = ask(folder_.path() / "nothing", options);
  ASSERT_FALSE(d.ok());
  EXPECT_EQ(d.error().code, Code::kNotFound);
  const fs::path plain = folder_.path() / "plain";
  ASSERT_TRUE(write_file(plain, "x").ok());
  auto oracle = make_serial_oracle("serial:" + plain.string(), options, writer(kGood));
  const auto part = qemu_board();
  d = (*oracle)->check(test_model(kGood), part, target::full_limits(part), StopToken());
  ASSERT_FALSE(d.ok());
  EXPECT_NE(d.error().message.find("is no serial line"), std::string::npos) << d.error().message;
}

TEST_F(Serial, ACancelledConversationEndsSoon) {
  std::atomic<bool> flag{false};
  const Listener silent(line_, [&](int, const std::atomic<bool>& stop) {
    flag = true;  // Ctrl-C as soon as somebody has connected
    while (!stop) ::poll(nullptr, 0, 10);
  });
  const auto d = ask(line_, fast(), kGood, StopToken(&flag));
  ASSERT_FALSE(d.ok());
  EXPECT_EQ(d.error().code, Code::kCancelled);
}

TEST_F(Serial, WhatBreaksALimitNeedsNoBoard) {
  target::Target small = qemu_board();
  small.flash.size = Bytes(1024);
  const auto d = ask(folder_.path() / "nothing", fast(), kGood, StopToken(), small);
  ASSERT_TRUE(d.ok()) << d.error().message;
  EXPECT_TRUE(d->computable);
  ASSERT_FALSE(d->violations.empty());
  EXPECT_EQ(d->violations[0].limit, Limit::kFlash);
}

TEST_F(Serial, CoresWithoutABuiltInPortNeedAPortFile) {
  target::Target part = qemu_board();
  part.core = target::Core::kCortexM33;
  EXPECT_EQ(reason(ask(board_, fast(), kGood, StopToken(), part)),
            "there is no built-in serial port for core cortex-m33; give a port file "
            "(docs/board-protocol.md says how)");
  SerialOptions options = fast();
  options.port = folder_.path() / "port.c";
  EXPECT_FALSE(make_serial_oracle("serial:unix:x", options, writer(1)).ok());
  ASSERT_TRUE(write_file(options.port, "int broken(").ok());
  EXPECT_NE(reason(ask(board_, options)).find("the board's firmware does not compile"),
            std::string::npos);
}

}  // namespace
}  // namespace atml::deploy
