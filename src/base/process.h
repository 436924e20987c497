// Child processes: compilers, the emulator, external oracles. The only file that forks.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace atml {

struct Command {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH when it has no slash
  std::filesystem::path working_folder;  // empty: the caller's
  std::vector<std::pair<std::string, std::string>> environment;  // added to the caller's
  std::string input;           // written to standard input, then closed
  Seconds timeout{60};         // then the whole process group is killed
  std::function<bool()> stop;  // asked about every 50 ms; true ends the child like a time-out
  std::size_t output_limit =
      1 << 20;  // bytes kept of each of stdout and stderr; the rest is dropped

  /// Copy-pastable into a shell.
  std::string text() const;
};

struct ProcessResult {
  int exit_code = 0;  // valid when signal == 0 and not timed_out
  int signal = 0;     // the signal that ended the process, or 0
  bool timed_out = false;
  bool stopped = false;  // by Command::stop; timed_out is true as well
  std::string out;
  std::string err;
  bool truncated = false;  // more output came than output_limit
  Seconds duration{0};

  bool succeeded() const { return exit_code == 0 && signal == 0 && !timed_out; }
  /// "exited with code 3", "was killed by signal 11 (Segmentation fault)", "was stopped after 60
  /// s".
  std::string ending() const;
};

/// A started child. Several can run at once; wait() collects output. The destructor kills and reaps
/// a child that nobody waited for.
class ChildProcess {
 public:
  /// Fails (not_found) when the program does not exist.
  static Result<ChildProcess> start(const Command& command);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  ProcessResult wait();

 private:
  ChildProcess() = default;
  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string input_;
  std::size_t output_limit_ = 0;
  double started_ = 0;
  double timeout_ = 0;
  std::function<bool()> stop_;
};

/// start() and wait().
Result<ProcessResult> run_process(const Command& command);

/// The full path of a program in PATH, or not_found.
Result<std::string> find_program(const std::string& name);

}  // namespace atml
