#include "data/toml_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "base/toml.h"
#include "data/assemble.h"
#include "data/npy.h"
#include "data/raw_split.h"

namespace atml::data {
namespace fs = std::filesystem;
namespace {

Result<Task> read_task(const Toml& toml) {
  static const std::vector<std::string> kNames = {"classification", "regression", "anomaly"};
  ATML_TRY(const std::string name, toml.string_or("task", kNames[0]));
  const auto at = std::ranges::find(kNames, name);
  if (at != kNames.end()) return static_cast<Task>(at - kNames.begin());
  ATML_TRY(const Toml key, toml.at("task"));
  return key.error(fmt::format("unknown task '{}'{}", name, suggestion(name, kNames)));
}

Result<std::vector<std::string>> read_strings(const Toml& toml, const char* key) {
  ATML_TRY(const Toml member, toml.at(key));
  ATML_TRY(std::vector<std::string> names, member.strings());
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end())
    return member.error(fmt::format("'{}' appears twice in {}", *twice, key));
  return names;
}

Result<double> read_positive(const Toml& toml, const char* key, double fallback) {
  ATML_TRY(const double value, toml.number_or(key, fallback));
  if (!toml.contains(key) || (std::isfinite(value) && value > 0)) return value;
  ATML_TRY(const Toml member, toml.at(key));
  return member.error(fmt::format("{} is {}, expected a positive number", key, value));
}

/// Everything but the arrays.
struct Head {
  Dataset dataset;
  Form form;
};

Result<Head> read_head(const Toml& toml, const fs::path& folder) {
  Head head;
  ATML_TRY(head.dataset.name, toml.string_or("name", folder.filename().string()));
  ATML_TRY(head.dataset.task, read_task(toml));
  head.form.task = head.dataset.task;
  if (head.dataset.task == Task::kClassification) {
    ATML_TRY(head.dataset.classes, read_strings(toml, "classes"));
  } else if (toml.contains("classes")) {
    ATML_TRY(const Toml member, toml.at("classes"));
    return member.error(fmt::format("'classes' belongs to classification, the task is {}",
                                    to_string(head.dataset.task)));
  }
  head.form.classes = head.dataset.classes.size();
  ATML_TRY(const Toml layout, toml.at("layout"));
  ATML_TRY(const std::vector<std::string> axes, layout.strings());
  auto parsed = parse_layout(axes);
  if (!parsed.ok()) return layout.error(parsed.error().message);
  head.form.layout = std::move(*parsed);
  if (toml.contains("channels")) {
    ATML_TRY(head.dataset.channels, read_strings(toml, "channels"));
  }
  ATML_TRY(head.dataset.sample_rate_hz, read_positive(toml, "sample_rate_hz", 0));
  ATML_TRY(head.form.scale, read_positive(toml, "scale", 1));
  return head;
}

Result<std::optional<Array>> read_optional(const Toml& table, const fs::path& folder,
                                           const char* key) {
  if (!table.contains(key)) return std::optional<Array>();
  ATML_TRY(const std::string file, table.string(key));
  auto array = read_npy(folder / file);
  if (array.ok()) return std::optional<Array>(std::move(*array));
  if (array.error().code != Code::kNotFound) return array.error();
  ATML_TRY(const Toml member, table.at(key));
  return Error{Code::kNotFound, fmt::format("{}: {}", member.where(), array.error().message)};
}

Result<Split> read_split(const Toml& toml, const char* name, const fs::path& folder,
                         const Form& form) {
  ATML_TRY(const Toml table, toml.at(name));
  if (!table.is_table())
    return table.error(fmt::format("'{}' must be a table: write [{}]", name, name));
  std::vector<std::string> keys = {"x", "y", "groups"};
  if (std::string_view(name) == "all") keys.push_back("test_fraction");
  ATML_TRY_STATUS(table.only_keys(keys));
  ATML_TRY(auto x, read_optional(table, folder, "x"));
  if (!x) return table.error(fmt::format("'x' is missing in [{}]", name));
  ATML_TRY(auto y, read_optional(table, folder, "y"));
  if (!y && form.task != Task::kAnomaly) {
    return table.error(
        fmt::format("'y' is missing in [{}]; {} needs it", name, to_string(form.task)));
  }
  ATML_TRY(auto groups, read_optional(table, folder, "groups"));
  return make_split({std::move(*x), std::move(y), std::move(groups)}, form);
}

/// [all], or [train] and [test] with or without [validation].
Status check_tables(const Toml& toml, Task task) {
  const bool all = toml.contains("all");
  for (const char* name : {"train", "validation", "test"}) {
    if (!all || !toml.contains(name)) continue;
    return toml.error(fmt::format(
        "[all] and [{}] exclude each other: [all] is split into train, validation and test", name));
  }
  if (all && task == Task::kAnomaly)
    return toml.error(
        "an anomaly data set needs [train] (normal samples only) and [test], not [all]");
  if (all || (toml.contains("train") && toml.contains("test"))) return {};
  return toml.error(fmt::format(
      "[{}] is missing; give [train] and [test], or one [all] from which a test split is drawn",
      toml.contains("train") ? "test" : "train"));
}

Result<Parts> read_parts(const Toml& toml, const fs::path& folder, const Form& form,
                         const LoadOptions& options) {
  Parts parts;
  if (toml.contains("all")) {
    ATML_TRY(const Toml all, toml.at("all"));
    ATML_TRY(parts.test_fraction, read_positive(all, "test_fraction", options.test_fraction));
    if (parts.test_fraction > 0.9)
      return all.error(
          fmt::format("test_fraction is {}, expected at most 0.9", parts.test_fraction));
    ATML_TRY(parts.train, read_split(toml, "all", folder, form));
    return parts;
  }
  ATML_TRY(parts.train, read_split(toml, "train", folder, form));
  if (toml.contains("validation")) {
    ATML_TRY(parts.validation, read_split(toml, "validation", folder, form));
  }
  ATML_TRY(parts.test, read_split(toml, "test", folder, form));
  return parts;
}

}  // namespace

Result<Dataset> load_toml_folder(const fs::path& folder, const LoadOptions& options) {
  ATML_TRY(const Toml toml, Toml::parse_file(folder / "dataset.toml"));
  ATML_TRY_STATUS(toml.only_keys({"name", "task", "classes", "layout", "channels", "sample_rate_hz",
                                  "scale", "train", "validation", "test", "all"}));
  ATML_TRY(Head head, read_head(toml, folder));
  ATML_TRY_STATUS(check_tables(toml, head.form.task));
  ATML_TRY(Parts parts, read_parts(toml, folder, head.form, options));
  const std::size_t named = head.dataset.channels.size();
  const int channels = parts.train.x.shape().channels;
  if (named > 0 && named != static_cast<std::size_t>(channels)) {
    ATML_TRY(const Toml member, toml.at("channels"));
    return member.error(fmt::format("{} channel names, the samples have {} channels (shape {})",
                                    named, channels, parts.train.x.shape().text()));
  }
  auto dataset = assemble(std::move(head.dataset), std::move(parts), options);
  if (!dataset.ok()) return dataset.error().with_context((folder / "dataset.toml").string());
  return dataset;
}

}  // namespace atml::data
