#include "data/csv_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include <initializer_list>

#include "base/text.h"
#include "data/assemble.h"
#include "data/csv.h"

namespace atml::data {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostClasses = 256;

enum class Role { kFeature, kLabel, kGroup, kIgnored };

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_one_of(const std::string& name, std::initializer_list<const char*> words) {
  return std::ranges::find(words, lower(name)) != words.end();
}

std::optional<double> to_number(std::string_view text) {
  double value = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::size_t> find_label(const CsvTable& table, const std::string& wanted) {
  if (!wanted.empty()) {
    const auto at = std::ranges::find(table.columns, wanted);
    if (at != table.columns.end()) return static_cast<std::size_t>(at - table.columns.begin());
    return Error{Code::kInvalidArgument, fmt::format("{}: no column '{}'{}", table.name, wanted,
                                                     suggestion(wanted, table.columns))};
  }
  const auto at = std::ranges::find_if(table.columns, [](const std::string& name) {
    return is_one_of(name, {"class", "label", "target", "y"});
  });
  if (at != table.columns.end()) return static_cast<std::size_t>(at - table.columns.begin());
  return table.columns.size() - 1;
}

Result<std::vector<Role>> find_roles(const CsvTable& table, const LoadOptions& options) {
  ATML_TRY(const std::size_t label, find_label(table, options.label_column));
  std::vector<Role> roles;
  for (const std::string& name : table.columns) {
    if (roles.size() == label) {
      roles.push_back(Role::kLabel);
    } else if (is_one_of(name, {"group", "subject", "speaker", "machine"}) &&
               std::ranges::find(roles, Role::kGroup) == roles.end()) {
      roles.push_back(Role::kGroup);
    } else {
      roles.push_back(is_one_of(name, {"date", "time", "datetime", "timestamp", "id", "index", ""})
                          ? Role::kIgnored
                          : Role::kFeature);
    }
  }
  if (std::ranges::find(roles, Role::kFeature) != roles.end()) return roles;
  return Error{Code::kInvalidArgument, fmt::format("{}: no column of numbers beside the label '{}'",
                                                   table.name, table.columns[label])};
}

std::size_t column_of(const std::vector<Role>& roles, Role role) {
  return static_cast<std::size_t>(std::ranges::find(roles, role) -
                                  roles.begin());  // roles.size(): none
}

/// What the label column means, over all files.
struct LabelRule {
  Task task = Task::kClassification;
  std::vector<std::string> classes;
};

LabelRule find_label_rule(const std::vector<const CsvTable*>& tables, std::size_t column) {
  std::map<std::string, double, std::less<>> words;  // distinct labels and their numbers
  bool numbers = true, whole = true;
  for (const CsvTable* table : tables) {
    for (std::size_t row = 0; row < table->rows(); ++row) {
      const std::string_view field = table->at(row, column);
      if (words.find(field) != words.end()) continue;
      const auto number = to_number(field);
      numbers = numbers && number.has_value();
      whole = whole && number && *number == std::floor(*number);
      words.emplace(field, number.value_or(0));
    }
  }
  LabelRule rule;
  if (numbers && (!whole || words.size() > kMostClasses)) {
    rule.task = Task::kRegression;
    return rule;
  }
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [word, number] : words) order.emplace_back(numbers ? number : 0, word);
  std::ranges::sort(order);
  for (auto& item : order) rule.classes.push_back(std::move(item.second));
  return rule;
}

Result<float> read_number(const CsvTable& table, std::size_t row, std::size_t column) {
  const std::string_view field = table.at(row, column);
  const auto number = to_number(field);
  if (number && std::isfinite(static_cast<float>(*number))) return static_cast<float>(*number);
  const std::string found =
      field.empty() ? "is missing" : fmt::format("is '{}', expected a finite number", field);
  return Error{
      Code::kInvalidArgument,
      fmt::format("{}:{}: the value of column '{}' {}; repair or remove the row, or the column",
                  table.name, table.lines[row], table.columns[column], found)};
}

Result<Samples> read_features(const CsvTable& table, const std::vector<Role>& roles) {
  std::vector<float> values;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (std::size_t c = 0; c < roles.size(); ++c) {
      if (roles[c] != Role::kFeature) continue;
      ATML_TRY(values.emplace_back(), read_number(table, row, c));
    }
  }
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return Samples({1, 1, static_cast<int>(std::ranges::count(roles, Role::kFeature))},
                 ElementType::kFloat32, std::move(bytes));
}

Status read_labels(const CsvTable& table, std::size_t column, const LabelRule& rule, Split& split) {
  std::map<std::string_view, std::int32_t> ids;
  for (const std::string& name : rule.classes)
    ids.emplace(name, static_cast<std::int32_t>(ids.size()));
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (rule.task == Task::kRegression) {
      ATML_TRY(split.targets.emplace_back(), read_number(table, row, column));
    } else if (table.at(row, column).empty()) {
      return Error{Code::kInvalidArgument,
                   fmt::format("{}:{}: the label in column '{}' is missing", table.name,
                               table.lines[row], table.columns[column])};
    } else {
      split.labels.push_back(ids.at(table.at(row, column)));
    }
  }
  return {};
}

/// All files of a data set, read together so that labels and groups get the same numbers
/// everywhere.
struct Tables {
  CsvTable train;
  std::optional<CsvTable> validation;
  std::vector<CsvTable> tests;  // joined

  std::vector<const CsvTable*> all() const {
    std::vector<const CsvTable*> tables = {&train};
    if (validation) tables.push_back(&*validation);
    for (const CsvTable& table : tests) tables.push_back(&table);
    return tables;
  }
};

std::map<std::string_view, std::int32_t> number_groups(const std::vector<const CsvTable*>& tables,
                                                       std::size_t column) {
  std::map<std::string_view, std::int32_t> groups;
  if (column == tables[0]->columns.size()) return groups;
  for (const CsvTable* table : tables) {
    for (std::size_t row = 0; row < table->rows(); ++row) groups.emplace(table->at(row, column), 0);
  }
  std::int32_t next = 0;
  for (auto& [name, number] : groups) number = next++;
  return groups;
}

Result<Split> read_split(const std::vector<const CsvTable*>& tables, const std::vector<Role>& roles,
                         const LabelRule& rule,
                         const std::map<std::string_view, std::int32_t>& groups) {
  Split split;
  std::vector<std::byte> bytes;
  Shape shape;
  for (const CsvTable* table : tables) {
    ATML_TRY(const Samples x, read_features(*table, roles));
    shape = x.shape();
    bytes.insert(bytes.end(), x.bytes().begin(), x.bytes().end());
    ATML_TRY_STATUS(read_labels(*table, column_of(roles, Role::kLabel), rule, split));
    for (std::size_t row = 0; !groups.empty() && row < table->rows(); ++row) {
      split.groups.push_back(groups.at(table->at(row, column_of(roles, Role::kGroup))));
    }
  }
  split.x = Samples(shape, ElementType::kFloat32, std::move(bytes));
  return split;
}

Result<Dataset> build(const Tables& tables, std::string name, const LoadOptions& options) {
  for (const CsvTable* table : tables.all()) {
    if (table->columns == tables.train.columns) continue;
    return Error{Code::kInvalidArgument,
                 fmt::format("{}: its columns ({}) are not those of {} ({})", table->name,
                             fmt::join(table->columns, ", "), tables.train.name,
                             fmt::join(tables.train.columns, ", "))};
  }
  ATML_TRY(const std::vector<Role> roles, find_roles(tables.train, options));
  const LabelRule rule = find_label_rule(tables.all(), column_of(roles, Role::kLabel));
  const auto groups = number_groups(tables.all(), column_of(roles, Role::kGroup));
  Dataset head;
  head.name = std::move(name);
  head.task = rule.task;
  head.classes = rule.classes;
  for (std::size_t c = 0; c < roles.size(); ++c) {
    if (roles[c] == Role::kFeature) head.channels.push_back(tables.train.columns[c]);
  }
  Parts parts;
  parts.test_fraction = options.test_fraction;
  ATML_TRY(parts.train, read_split({&tables.train}, roles, rule, groups));
  if (tables.validation) {
    ATML_TRY(parts.validation, read_split({&*tables.validation}, roles, rule, groups));
  }
  if (!tables.tests.empty()) {
    std::vector<const CsvTable*> tests;
    for (const CsvTable& table : tables.tests) tests.push_back(&table);
    ATML_TRY(parts.test, read_split(tests, roles, rule, groups));
  }
  auto dataset = assemble(std::move(head), std::move(parts), options);
  if (!dataset.ok()) return dataset.error().with_context(tables.train.name);
  return dataset;
}

std::optional<fs::path> find_csv(const fs::path& folder, const std::string& stem) {
  for (const char* end : {".csv", ".csv.gz"}) {
    std::error_code ignored;
    if (fs::exists(folder / (stem + end), ignored)) return folder / (stem + end);
  }
  return std::nullopt;
}

std::vector<fs::path> find_tests(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("test") && (name.ends_with(".csv") || name.ends_with(".csv.gz")))
      paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

}  // namespace

bool is_csv_folder(const fs::path& folder) { return find_csv(folder, "train").has_value(); }

Result<Dataset> load_csv_file(const fs::path& path, const LoadOptions& options) {
  Tables tables;
  ATML_TRY(tables.train, read_csv(path));
  const std::string file = path.filename().string();
  return build(tables, file.substr(0, file.find('.')), options);
}

Result<Dataset> load_csv_folder(const fs::path& folder, const LoadOptions& options) {
  Tables tables;
  ATML_TRY(tables.train, read_csv(find_csv(folder, "train").value()));
  if (const auto path = find_csv(folder, "validation")) {
    ATML_TRY(tables.validation, read_csv(*path));
  }
  for (const fs::path& path : find_tests(folder)) {
    ATML_TRY(tables.tests.emplace_back(), read_csv(path));
  }
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  return build(tables, named.filename().string(), options);
}

}  // namespace atml::data
