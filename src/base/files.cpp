#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace atml {
namespace fs = std::filesystem;
namespace {

Error system_error(const char* action, const fs::path& path, int number) {
  const Code code = number == ENOENT ? Code::kNotFound : Code::kIo;
  std::string remedy;
  if (number == ENOSPC) remedy = "; free some space or choose another folder";
  if (number == EACCES || number == EROFS)
    remedy = "; check the permissions or choose another folder";
  return {code, fmt::format("cannot {} '{}': {}{}", action, path.string(), std::strerror(number),
                            remedy)};
}

Status write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error("read", path, errno);
  struct stat info {};
  std::string bytes;
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    ::close(fd);
    return system_error("read", path, EISDIR);
  }
  bytes.reserve(static_cast<std::size_t>(info.st_size > 0 ? info.st_size : 0));
  char buffer[65536];
  while (true) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int number = errno;
      ::close(fd);
      return system_error("read", path, number);
    }
    if (count == 0) break;
    bytes.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(fd);
  return bytes;
}

Status write_scratch_file(const fs::path& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("write", path, errno);
  const Status status = write_all(fd, bytes, path);
  ::close(fd);
  return status;
}

Status write_file(const fs::path& path, std::string_view bytes) {
  if (path.has_parent_path()) ATML_TRY_STATUS(make_directories(path.parent_path()));
  const fs::path part = path.string() + fmt::format(".part{}", ::getpid());
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("write", path, errno);
  Status status = write_all(fd, bytes, path);
  if (status.ok() && ::fsync(fd) != 0 && errno != EINVAL)
    status = system_error("write", path, errno);
  if (::close(fd) != 0 && status.ok()) status = system_error("write", path, errno);
  if (status.ok() && ::rename(part.c_str(), path.c_str()) != 0) {
    status = system_error("write", path, errno);
  }
  if (!status.ok()) ::unlink(part.c_str());
  return status;
}

Status make_directories(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) return system_error("make folder", path, code.value());
  return {};
}

Result<ScratchFolder> ScratchFolder::create() {
  std::error_code ignored;
  for (const fs::path& parent : {fs::path("/dev/shm"), fs::temp_directory_path(ignored)}) {
    if (parent.empty()) continue;
    const fs::space_info space = fs::space(parent, ignored);
    if (ignored || space.available < (64u << 20)) continue;
    std::string name = (parent / "autotinyml-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) return ScratchFolder(name);
  }
  return Error{
      Code::kIo,
      "cannot make a scratch folder in /dev/shm or the temporary folder: both are full (64 MiB "
      "needed) or not writable; set TMPDIR to a folder with room"};
}

ScratchFolder& ScratchFolder::operator=(ScratchFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

fs::path resource_folder(std::string_view name) {
  if (const char* home = std::getenv("AUTOTINYML_HOME"); home != nullptr && *home != '\0') {
    return fs::path(home) / name;
  }
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path installed = program.parent_path().parent_path() / "share/autotinyml" / name;
  if (fs::exists(installed, ignored)) return installed;
  return fs::path(ATML_BUILD_SOURCE_DIR) / name;
}

}  // namespace atml
