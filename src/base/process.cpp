#include "base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/text.h"

extern char** environ;

namespace atml {
namespace {

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

struct Pipe {
  int read = -1;
  int write = -1;
  bool open() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) return false;
    read = fds[0];
    write = fds[1];
    return true;
  }
  ~Pipe() {
    close_fd(read);
    close_fd(write);
  }
};

std::vector<std::string> merged_environment(const Command& command) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const bool replaced = std::ranges::any_of(
        command.environment, [&](const auto& pair) { return text.starts_with(pair.first + "="); });
    if (!replaced) merged.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

// Reads what is there; returns false at the end of the stream.
bool drain(int fd, std::string& text, std::size_t limit, bool& truncated) {
  char buffer[65536];
  const ssize_t count = ::read(fd, buffer, sizeof buffer);
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  if (count == 0) return false;
  const std::size_t room = limit > text.size() ? limit - text.size() : 0;
  const std::size_t kept = std::min(room, static_cast<std::size_t>(count));
  text.append(buffer, kept);
  if (kept < static_cast<std::size_t>(count)) truncated = true;
  return true;
}

}  // namespace

std::string Command::text() const {
  std::string line;
  for (const std::string& word : argv) {
    const bool plain =
        !word.empty() && word.find_first_of(" '\"\\$`*?&|;<>(){}[]#~!\n") == std::string::npos;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += (line.empty() ? "" : " ") + (plain ? word : quoted + "'");
  }
  return line;
}

std::string ProcessResult::ending() const {
  if (timed_out) return fmt::format("was stopped after {}", to_text(duration));
  if (signal != 0) return fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal));
  return fmt::format("exited with code {}", exit_code);
}

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (::access(name.c_str(), X_OK) == 0) return name;
    return Error{Code::kNotFound, fmt::format("'{}' does not exist or is not a program", name)};
  }
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    const std::string full = (folder.empty() ? "." : folder) + "/" + name;
    if (::access(full.c_str(), X_OK) == 0) return full;
  }
  return Error{
      Code::kNotFound,
      fmt::format("program '{}' is not in PATH; 'autotinyml doctor' says which package has it",
                  name)};
}

Result<ChildProcess> ChildProcess::start(const Command& command) {
  ATML_ASSERT(!command.argv.empty(), "command without a program");
  ATML_TRY(const std::string program, find_program(command.argv[0]));
  Pipe in;
  Pipe out;
  Pipe err;
  if (!in.open() || !out.open() || !err.open()) {
    return Error{Code::kUnavailable,
                 fmt::format("cannot open a pipe to '{}': {}", program, std::strerror(errno))};
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write, 1);
  posix_spawn_file_actions_adddup2(&actions, err.write, 2);
  if (!command.working_folder.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, command.working_folder.c_str());
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  // Its own process group: a time-out kills grandchildren too, and Ctrl-C reaches only us.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);

  std::vector<std::string> argv = command.argv;
  std::vector<std::string> environment = merged_environment(command);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, program.c_str(), &actions, &attributes,
                                   pointers(argv).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    return Error{Code::kUnavailable,
                 fmt::format("cannot start '{}': {}", program, std::strerror(failed))};
  }
  ChildProcess child;
  child.pid_ = pid;
  child.in_ = std::exchange(in.write, -1);
  child.out_ = std::exchange(out.read, -1);
  child.err_ = std::exchange(err.read, -1);
  ::fcntl(child.in_, F_SETFL, O_NONBLOCK);
  child.input_ = command.input;
  child.output_limit_ = command.output_limit;
  child.started_ = now_seconds();
  child.timeout_ = command.timeout.value;
  child.stop_ = command.stop;
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(in_, other.in_);
  std::swap(out_, other.out_);
  std::swap(err_, other.err_);
  std::swap(input_, other.input_);
  std::swap(output_limit_, other.output_limit_);
  std::swap(started_, other.started_);
  std::swap(timeout_, other.timeout_);
  std::swap(stop_, other.stop_);
  return *this;
}

ChildProcess::~ChildProcess() {
  close_fd(in_);
  close_fd(out_);
  close_fd(err_);
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

ProcessResult ChildProcess::wait() {
  ATML_ASSERT(pid_ > 0, "wait() on a child that was already waited for");
  ProcessResult result;
  std::string_view pending(input_);
  if (pending.empty()) close_fd(in_);
  const double deadline = started_ + timeout_;
  int status = 0;
  bool reaped = false;
  while (!reaped || out_ >= 0 || err_ >= 0) {
    const double left = deadline - now_seconds();
    if (!result.timed_out && (left <= 0 || (stop_ && stop_()))) {
      result.timed_out = true;
      result.stopped = left > 0;
      ::kill(-pid_, SIGKILL);
    }
    // A grandchild may hold the pipes open after the child has ended: do not wait for it for ever.
    if (result.timed_out && reaped) break;
    std::array<pollfd, 3> fds{{{out_, POLLIN, 0}, {err_, POLLIN, 0}, {in_, POLLOUT, 0}}};
    const bool streams_open = out_ >= 0 || err_ >= 0;
    const int nap = streams_open ? static_cast<int>(std::clamp(left * 1e3, 1.0, 50.0)) : 1;
    ::poll(fds.data(), fds.size(), nap);
    if (out_ >= 0 && fds[0].revents != 0 &&
        !drain(out_, result.out, output_limit_, result.truncated))
      close_fd(out_);
    if (err_ >= 0 && fds[1].revents != 0 &&
        !drain(err_, result.err, output_limit_, result.truncated))
      close_fd(err_);
    if (in_ >= 0 && fds[2].revents != 0) {
      struct sigaction ignore {};
      struct sigaction before {};
      ignore.sa_handler = SIG_IGN;
      ::sigaction(SIGPIPE, &ignore, &before);
      const ssize_t count = ::write(in_, pending.data(), pending.size());
      ::sigaction(SIGPIPE, &before, nullptr);
      if (count > 0) pending.remove_prefix(static_cast<std::size_t>(count));
      if ((count < 0 && errno != EAGAIN && errno != EINTR) || pending.empty()) close_fd(in_);
    }
    if (!reaped) reaped = ::waitpid(pid_, &status, WNOHANG) == pid_;
  }
  result.duration = Seconds(now_seconds() - started_);
  if (!result.timed_out) ::kill(-pid_, SIGKILL);  // stray grandchildren
  pid_ = -1;
  close_fd(in_);
  close_fd(out_);
  close_fd(err_);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  return result;
}

Result<ProcessResult> run_process(const Command& command) {
  ATML_TRY(ChildProcess child, ChildProcess::start(command));
  return child.wait();
}

}  // namespace atml
