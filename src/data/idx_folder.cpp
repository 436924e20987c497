#include "data/idx_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "data/assemble.h"
#include "data/idx.h"
#include "data/raw_split.h"

namespace atml::data {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostClasses = 4096;

std::optional<fs::path> find(const fs::path& folder, const std::string& what,
                             const std::string& kind) {
  for (const char* dot : {"-", "."}) {
    for (const char* end : {"", ".gz"}) {
      const fs::path path = folder / (what + dot + kind + end);
      std::error_code ignored;
      if (fs::exists(path, ignored)) return path;
    }
  }
  return std::nullopt;
}

Result<Array> read(const fs::path& folder, const std::string& what, const std::string& kind) {
  const auto path = find(folder, what, kind);
  if (path) return read_idx(*path);
  return Error{Code::kNotFound,
               fmt::format("'{}' has no {}-{} (plain or .gz); an IDX data set is the four files "
                           "train-images-idx3-ubyte, train-labels-idx1-ubyte, "
                           "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte",
                           folder.string(), what, kind)};
}

Result<std::vector<Axis>> layout_of(const Array& x) {
  std::vector<Axis> layout = {Axis::kSample, Axis::kHeight, Axis::kWidth, Axis::kChannel};
  if (x.rank() == 2) layout = {Axis::kSample, Axis::kFeature};
  if (x.rank() == 3) layout.pop_back();
  if (x.rank() >= 2) return layout;
  return Error{Code::kInvalidArgument,
               fmt::format("{}: shape {} is not one of images", x.name, x.dims_text())};
}

/// "0", "1", ... up to the largest label.
Result<std::vector<std::string>> number_classes(const Array& y) {
  ATML_TRY(const auto labels, to_labels(y, kMostClasses));
  std::vector<std::string> names;
  for (int c = 0; c <= *std::ranges::max_element(labels); ++c) names.push_back(std::to_string(c));
  return names;
}

}  // namespace

bool is_idx_folder(const fs::path& folder) {
  for (const char* part : {"train", "t10k"}) {
    if (find(folder, std::string(part) + "-images", "idx3-ubyte")) return true;
    if (find(folder, std::string(part) + "-labels", "idx1-ubyte")) return true;
  }
  return false;
}

Result<Dataset> load_idx_folder(const fs::path& folder, std::string name,
                                std::vector<std::string> classes, const LoadOptions& options) {
  ATML_TRY(Array train_x, read(folder, "train-images", "idx3-ubyte"));
  ATML_TRY(Array train_y, read(folder, "train-labels", "idx1-ubyte"));
  ATML_TRY(Array test_x, read(folder, "t10k-images", "idx3-ubyte"));
  ATML_TRY(Array test_y, read(folder, "t10k-labels", "idx1-ubyte"));
  Dataset head;
  head.name = std::move(name);
  head.classes = std::move(classes);
  if (head.classes.empty()) {
    ATML_TRY(head.classes, number_classes(train_y));
  }
  Form form;
  ATML_TRY(form.layout, layout_of(train_x));
  form.classes = head.classes.size();
  Parts parts;
  ATML_TRY(parts.train, make_split({std::move(train_x), std::move(train_y), std::nullopt}, form));
  ATML_TRY(parts.test, make_split({std::move(test_x), std::move(test_y), std::nullopt}, form));
  auto dataset = assemble(std::move(head), std::move(parts), options);
  if (!dataset.ok()) return dataset.error().with_context(folder.string());
  return dataset;
}

}  // namespace atml::data
