#include "data/load.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/text.h"
#include "data/built_in.h"
#include "data/cifar10.h"
#include "data/class_folder.h"
#include "data/csv_data.h"
#include "data/idx_folder.h"
#include "data/toml_folder.h"

namespace atml::data {
namespace fs = std::filesystem;
namespace {

Result<Dataset> load_folder(const fs::path& folder, const LoadOptions& options) {
  std::error_code ignored;
  if (fs::exists(folder / "dataset.toml", ignored)) return load_toml_folder(folder, options);
  if (is_idx_folder(folder)) {
    const fs::path named = folder.has_filename() ? folder : folder.parent_path();
    return load_idx_folder(folder, named.filename().string(), {}, options);
  }
  if (is_cifar10_folder(folder)) return load_cifar10(folder, options);
  if (is_csv_folder(folder)) return load_csv_folder(folder, options);
  if (is_class_folder(folder)) return load_class_folder(folder, options);
  return Error{Code::kInvalidArgument,
               fmt::format("'{}' is no data set: it holds neither a dataset.toml, nor MNIST's IDX "
                           "files, nor CIFAR-10's "
                           "binary batches, nor a train.csv, nor a folder per class with images or "
                           "recordings; write a "
                           "dataset.toml that names its arrays",
                           folder.string())};
}

Status check_options(const LoadOptions& options) {
  if (!(options.validation_fraction > 0 && options.validation_fraction <= 0.5)) {
    return Error{Code::kInvalidArgument,
                 fmt::format("the validation fraction is {}, expected a number above 0 and at "
                             "most 0.5",
                             options.validation_fraction)};
  }
  if (options.test_fraction > 0 && options.test_fraction <= 0.9) return {};
  return Error{Code::kInvalidArgument,
               fmt::format("the test fraction is {}, expected a number above 0 and at most 0.9",
                           options.test_fraction)};
}

}  // namespace

Result<Dataset> load_built_in(const BuiltIn& entry, const LoadOptions& options) {
  std::error_code ignored;
  if (!fs::is_directory(entry.folder, ignored)) {
    return Error{Code::kNotFound,
                 fmt::format("the data set '{}' is not installed: '{}' is missing; install it with "
                             "apt-get install {}",
                             entry.name, entry.folder, entry.package)};
  }
  return load_idx_folder(entry.folder, entry.name, entry.classes, options);
}

const std::vector<BuiltIn>& built_ins() {
  static const std::vector<BuiltIn> entries = {
      {"fashion-mnist",
       "/usr/share/datasets/fashion-mnist",
       "dataset-fashion-mnist",
       {"T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
        "ankle boot"}}};
  return entries;
}

std::vector<std::string> built_in_datasets() {
  std::vector<std::string> names;
  for (const BuiltIn& entry : built_ins()) names.push_back(entry.name);
  return names;
}

Result<Dataset> load_dataset(const std::string& name_or_path, const LoadOptions& options) {
  ATML_TRY_STATUS(check_options(options));
  for (const BuiltIn& entry : built_ins()) {
    if (entry.name == name_or_path) return load_built_in(entry, options);
  }
  const fs::path path = name_or_path;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return load_folder(path, options);
  if (path.filename() == "dataset.toml") return load_folder(path.parent_path() / ".", options);
  if (name_or_path.ends_with(".csv") || name_or_path.ends_with(".csv.gz")) {
    return load_csv_file(path, options);
  }
  if (fs::exists(path, ignored)) {
    return Error{
        Code::kUnsupported,
        fmt::format("'{}' is a single file and no .csv; give the folder that holds it, with a "
                    "dataset.toml",
                    name_or_path)};
  }
  return Error{Code::kNotFound,
               fmt::format("no data set '{}': neither a built-in name nor a file or folder{}",
                           name_or_path, suggestion(name_or_path, built_in_datasets()))};
}

}  // namespace atml::data
