// Files: whole reads, atomic writes, scratch folders. All errors name the path and the system's
// reason.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace atml {

Result<std::string> read_file(const std::filesystem::path& path);

/// Writes beside the path, syncs, then renames: a reader sees the old bytes or the new ones, never
/// a part; a full disk leaves the old file. Creates missing parent folders.
Status write_file(const std::filesystem::path& path, std::string_view bytes);

/// Plain write without sync, for scratch files on the hot path of deployability checks.
Status write_scratch_file(const std::filesystem::path& path, std::string_view bytes);

Status make_directories(const std::filesystem::path& path);

/// A fresh private folder, removed with its contents at the end of scope. In the RAM disk
/// (/dev/shm) when it is writable and has room, else in the system's temporary folder.
class ScratchFolder {
 public:
  static Result<ScratchFolder> create();
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  ScratchFolder& operator=(ScratchFolder&& other) noexcept;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Where the files shipped with autotinyml lie (`targets`, `spaces`, `runtime`): the environment's
/// AUTOTINYML_HOME, else beside the installed program (../share/autotinyml), else the source tree.
std::filesystem::path resource_folder(std::string_view name);

}  // namespace atml
