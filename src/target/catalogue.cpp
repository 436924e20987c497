// The catalogue: all parts of the resource folder "targets".
#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "target/target.h"

namespace atml::target {
namespace {

Result<std::vector<std::filesystem::path>> catalogue_files() {
  const std::filesystem::path folder = resource_folder("targets");
  std::error_code code;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    if (entry->path().extension() == ".toml") files.push_back(entry->path());
  }
  if (code || files.empty()) {
    return Error{
        Code::kNotFound,
        fmt::format("no targets in {}{}; set AUTOTINYML_HOME to the folder that holds 'targets'",
                    folder.string(), code ? ": " + code.message() : "")};
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

Limits full_limits(const Target& target) {
  Limits limits;
  limits.flash = target.flash.size;
  limits.ram = target.ram.size;
  return limits;
}

Result<std::vector<Target>> catalogue() {
  ATML_TRY(const auto files, catalogue_files());
  std::vector<Target> targets;
  for (const std::filesystem::path& file : files) {
    ATML_TRY(targets.emplace_back(), read_target(file.string()));
  }
  std::ranges::sort(targets, {}, &Target::name);
  return targets;
}

Result<Target> find_target(const std::string& name_or_file) {
  if (name_or_file.ends_with(".toml")) return read_target(name_or_file);
  // Only the wanted file is read, so that one damaged file does not take the others with it.
  ATML_TRY(const auto files, catalogue_files());
  std::vector<std::string> names;
  for (const std::filesystem::path& file : files) {
    names.push_back(file.stem().string());
    if (edit_distance(names.back(), name_or_file) == 0) return read_target(file.string());
  }
  return Error{
      Code::kNotFound,
      fmt::format(
          "unknown target '{}'{} ('autotinyml targets' lists all {}; a .toml file of your own "
          "works too)",
          name_or_file, suggestion(name_or_file, names), names.size())};
}

}  // namespace atml::target
