#include "deploy/kernel_store.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "base/files.h"
#include "base/random.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;

// Format of an entry, version 1 (text head, binary body): "atml-kernels 1\n", the FNV-1a hash of
// the rest as 16 hexadecimal digits, "\n", then for each file its size in decimal, "\n", its bytes.
constexpr std::string_view kMagic = "atml-kernels 1\n";
constexpr std::size_t kHashDigits = 16;

fs::path entry_path(std::uint64_t key) {
  const fs::path folder = cache_folder();
  return folder.empty() ? folder : folder / "kernels" / fmt::format("{:016x}.bin", key);
}

std::string hash_text(std::string_view body) { return fmt::format("{:016x}\n", fnv1a(body)); }

// The body of an entry that is what was saved, or empty.
std::string_view checked_body(std::string_view entry) {
  const std::size_t head = kMagic.size() + kHashDigits + 1;
  if (entry.size() < head || !entry.starts_with(kMagic)) return {};
  const std::string_view body = entry.substr(head);
  return entry.substr(kMagic.size(), kHashDigits + 1) == hash_text(body) ? body
                                                                         : std::string_view{};
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

fs::path cache_folder() {
  if (const char* own = environment("AUTOTINYML_CACHE"))
    return std::string_view(own) == "off" ? fs::path() : fs::path(own);
  if (const char* xdg = environment("XDG_CACHE_HOME")) return fs::path(xdg) / "autotinyml";
  if (const char* home = environment("HOME")) return fs::path(home) / ".cache/autotinyml";
  return {};
}

bool restore_files(std::uint64_t key, const std::vector<fs::path>& files) {
  const fs::path path = entry_path(key);
  if (path.empty()) return false;
  const auto entry = read_file(path);
  if (!entry.ok()) return false;
  std::string_view body = checked_body(*entry);
  for (const fs::path& file : files) {
    const std::size_t line = body.find('\n');
    if (line == std::string_view::npos) return false;
    const std::size_t size = std::strtoull(std::string(body.substr(0, line)).c_str(), nullptr, 10);
    body.remove_prefix(line + 1);
    if (size > body.size() || !write_scratch_file(file, body.substr(0, size)).ok()) return false;
    body.remove_prefix(size);
  }
  return body.empty();
}

void save_files(std::uint64_t key, const std::vector<fs::path>& files) {
  const fs::path path = entry_path(key);
  if (path.empty()) return;
  std::string body;
  for (const fs::path& file : files) {
    const auto bytes = read_file(file);
    if (!bytes.ok()) return;
    body += fmt::format("{}\n", bytes->size()) + *bytes;
  }
  const Status ignored = write_file(path, std::string(kMagic) + hash_text(body) + body);
  static_cast<void>(ignored);  // see the header
}

}  // namespace atml::deploy
