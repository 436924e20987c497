// The cross toolchain: compiles, assembles and links. On the hot path it starts cc1, as and ld
// itself (the compiler driver alone takes as long as both); their arguments are learnt once per set
// of flags from the driver's own -### listing, so that both ways give the same bytes.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"

namespace atml::deploy {

/// One source file to compile or assemble (.c; .S without preprocessor directives) into one object.
struct CompileJob {
  std::filesystem::path source;
  std::filesystem::path object;
  std::vector<std::string> flags;  // machine, language, optimisation; no -I, so that they repeat
  std::vector<std::filesystem::path> include_folders;  // for #include and .incbin
};

struct LinkJob {
  std::vector<std::filesystem::path> inputs;  // objects and archives, in order
  std::filesystem::path script;
  std::filesystem::path output;
  std::vector<std::string> flags;  // of the driver: machine flags, -nostdlib, -Wl,..., -lgcc
};

/// How a build step ended. A failure of the sources is an answer, not an Error.
struct StepOutcome {
  bool ok = true;
  std::string what;  // "the linker exited with code 1", where it failed
  std::string text;  // what the tool printed then

  /// what and the first error in one line.
  std::string summary() const;
};

/// The Debian packages that an error names.
struct Packages {
  const char* compiler = "gcc-arm-none-eabi";
  const char* binutils = "binutils-arm-none-eabi";
};

/// Thread safe. Errors mean that the environment refused: a missing program (not_found, with the
/// Debian package), a full disk (io), a process that cannot start (unavailable).
class Toolchain {
 public:
  /// driver: "arm-none-eabi-gcc" or a full path; packages: which bring it and its binutils.
  static Result<Toolchain> find(const std::string& driver = "arm-none-eabi-gcc",
                                const Packages& packages = {});
  Toolchain(Toolchain&&) noexcept;
  Toolchain& operator=(Toolchain&&) noexcept;
  ~Toolchain();

  /// First line of --version; with the flags it identifies a build.
  const std::string& version() const;
  const std::string& driver() const;

  /// Runs all jobs at once, at most `parallel` processes at a time. The first failure (in job
  /// order) decides.
  Result<StepOutcome> compile(const std::vector<CompileJob>& jobs, int parallel = 2) const;
  /// One slow but general compilation through the driver (preprocessed assembler, odd flags).
  Result<StepOutcome> compile_with_driver(const CompileJob& job) const;
  Result<StepOutcome> archive(const std::vector<std::filesystem::path>& objects,
                              const std::filesystem::path& archive) const;
  Result<StepOutcome> link(const LinkJob& job) const;

 private:
  struct State;
  explicit Toolchain(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// By how many bytes a memory region was too small, from the linker's text
/// ("region `RAM' overflowed by 11400 bytes"); names as in the script, in the order of the text.
struct Overflow {
  std::string region;
  Bytes bytes;
};
std::vector<Overflow> parse_overflows(std::string_view linker_text);

/// The linker script with every region of MEMORY enlarged to `length` bytes: linking with it tells
/// the exact sizes of a firmware that does not fit.
std::string with_enlarged_regions(std::string_view script, Bytes length);

/// "foo.c:12: error: ..." - the first line of a tool's output that names an error, else its first
/// line; at most 300 characters.
std::string first_error(std::string_view tool_text);

}  // namespace atml::deploy
