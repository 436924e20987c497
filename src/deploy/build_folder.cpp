#include "deploy/build_folder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/process.h"
#include "base/text.h"
#include "deploy/elf.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLogLines = 12;

std::string last_lines(const std::string& text) {
  std::vector<std::string> lines = split(trim(text), '\n');
  if (lines.size() > kLogLines) lines.erase(lines.begin(), lines.end() - kLogLines);
  return join(lines, "\n");
}

Status copy_folder(const fs::path& from, const fs::path& to) {
  std::error_code code;
  fs::copy(from, to, fs::copy_options::recursive, code);
  if (!code) return {};
  return Error{Code::kIo, fmt::format("cannot copy '{}': {}", from.string(), code.message())};
}

// The only .elf that make has left.
Result<fs::path> built_elf(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".elf") found.push_back(entry.path());
  }
  if (found.size() == 1) return found.front();
  return Error{Code::kNotFound,
               fmt::format("make left {} .elf files instead of one", found.size())};
}

}  // namespace

Result<BuiltFirmware> build_firmware_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / "Makefile", ignored)) {
    return Error{Code::kNotFound, fmt::format("'{}' has no Makefile", folder.string())};
  }
  ATML_TRY(const ScratchFolder scratch, ScratchFolder::create());
  const fs::path copy = scratch.path() / "firmware";
  ATML_TRY_STATUS(copy_folder(folder, copy));
  Command command{.argv = {"make", "-j2"}, .working_folder = copy, .timeout = Seconds(300)};
  auto started = run_process(command);
  if (!started.ok() && started.error().code == Code::kNotFound) {
    return Error{Code::kNotFound, "'make' is not in PATH; install the Debian package make"};
  }
  ATML_TRY(const ProcessResult result, std::move(started));
  const std::string log = result.out + result.err;
  if (!result.succeeded()) {
    return Error{Code::kUnavailable, fmt::format("make in '{}' {}:\n{}", folder.string(),
                                                 result.ending(), last_lines(log))};
  }
  ATML_TRY(const fs::path elf_path, built_elf(copy));
  ATML_TRY(std::string bytes, read_file(elf_path));
  ATML_TRY(const ElfFile elf, ElfFile::parse(std::move(bytes)));
  return BuiltFirmware{fs::relative(elf_path, copy, ignored), elf.flash_bytes(),
                       elf.static_ram_bytes(), log};
}

}  // namespace atml::deploy
