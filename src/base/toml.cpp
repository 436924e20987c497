#include "base/toml.h"

#include <fmt/format.h>

#define TOML_EXCEPTIONS 1
// toml++ 3.3.0 asserts on some malformed keys ("[\\ll]") where a parse error is due: bad input is
// no bug.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "base/files.h"
#include "base/text.h"

namespace atml {

struct Toml::Document {
  toml::table root;
  std::string name;
};

namespace {

const toml::node& node_of(const void* pointer) { return *static_cast<const toml::node*>(pointer); }

std::string kind_of(const toml::node& node) {
  std::ostringstream text;
  text << node.type();
  return text.str();
}

}  // namespace

Result<Toml> Toml::parse_file(const std::filesystem::path& path) {
  ATML_TRY(const std::string text, read_file(path));
  return parse_text(text, path.string());
}

Result<Toml> Toml::parse_text(std::string_view text, const std::string& name) {
  try {
    auto document = std::make_shared<Document>();
    document->root = toml::parse(text, name);
    document->name = name;
    const toml::node* root = &document->root;
    return Toml(std::move(document), root, "");
  } catch (const toml::parse_error& problem) {
    return Error{Code::kParse, fmt::format("{}:{}: {}", name, problem.source().begin.line,
                                           std::string(problem.description()))};
  }
}

std::string Toml::where() const {
  const auto line = node_of(node_).source().begin.line;
  return line > 0 ? fmt::format("{}:{}", document_->name, line) : document_->name;
}

Error Toml::error(const std::string& message) const {
  return {Code::kInvalidArgument, fmt::format("{}: {}", where(), message)};
}

std::vector<std::string> Toml::keys() const {
  std::vector<std::pair<toml::source_position, std::string>> found;
  if (const toml::table* table = node_of(node_).as_table()) {
    for (const auto& [key, value] : *table)
      found.emplace_back(key.source().begin, std::string(key.str()));
  }
  std::ranges::stable_sort(found, [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  std::vector<std::string> names;
  for (auto& item : found) names.push_back(std::move(item.second));
  return names;
}

bool Toml::contains(std::string_view key) const {
  const toml::table* table = node_of(node_).as_table();
  return table != nullptr && table->contains(key);
}

Result<Toml> Toml::at(std::string_view key) const {
  const toml::table* table = node_of(node_).as_table();
  const toml::node* member = table != nullptr ? table->get(key) : nullptr;
  if (member == nullptr) {
    return Error{Code::kNotFound, fmt::format("{}: {}'{}' is missing", where(),
                                              path_.empty() ? "" : "in [" + path_ + "] ", key)};
  }
  return Toml(document_, member, path_.empty() ? std::string(key) : path_ + "." + std::string(key));
}

Result<std::vector<Toml>> Toml::elements() const {
  const toml::array* array = node_of(node_).as_array();
  if (array == nullptr)
    return error(fmt::format("'{}' must be an array, found a {}", path_, kind_of(node_of(node_))));
  std::vector<Toml> items;
  for (std::size_t i = 0; i < array->size(); ++i) {
    items.push_back(Toml(document_, array->get(i), fmt::format("{}[{}]", path_, i)));
  }
  return items;
}

bool Toml::is_table() const { return node_of(node_).is_table(); }
bool Toml::is_array() const { return node_of(node_).is_array(); }
bool Toml::is_string() const { return node_of(node_).is_string(); }
bool Toml::is_integer() const { return node_of(node_).is_integer(); }
bool Toml::is_number() const { return node_of(node_).is_number(); }
bool Toml::is_boolean() const { return node_of(node_).is_boolean(); }

Result<std::string> Toml::string() const {
  if (const auto* value = node_of(node_).as_string()) return value->get();
  return error(fmt::format("'{}' must be a string, found a {}", path_, kind_of(node_of(node_))));
}

Result<std::int64_t> Toml::integer() const {
  if (const auto* value = node_of(node_).as_integer()) return value->get();
  return error(fmt::format("'{}' must be an integer, found a {}", path_, kind_of(node_of(node_))));
}

Result<double> Toml::number() const {
  if (const auto* value = node_of(node_).as_integer()) return static_cast<double>(value->get());
  if (const auto* value = node_of(node_).as_floating_point()) return value->get();
  return error(fmt::format("'{}' must be a number, found a {}", path_, kind_of(node_of(node_))));
}

Result<bool> Toml::boolean() const {
  if (const auto* value = node_of(node_).as_boolean()) return value->get();
  return error(
      fmt::format("'{}' must be true or false, found a {}", path_, kind_of(node_of(node_))));
}

Result<std::vector<std::string>> Toml::strings() const {
  ATML_TRY(const auto items, elements());
  std::vector<std::string> values;
  for (const Toml& item : items) {
    ATML_TRY(values.emplace_back(), item.string());
  }
  return values;
}

Result<std::vector<double>> Toml::numbers() const {
  ATML_TRY(const auto items, elements());
  std::vector<double> values;
  for (const Toml& item : items) {
    ATML_TRY(values.emplace_back(), item.number());
  }
  return values;
}

Result<std::string> Toml::string(std::string_view key) const {
  ATML_TRY(const Toml member, at(key));
  return member.string();
}

Result<std::int64_t> Toml::integer(std::string_view key) const {
  ATML_TRY(const Toml member, at(key));
  return member.integer();
}

Result<double> Toml::number(std::string_view key) const {
  ATML_TRY(const Toml member, at(key));
  return member.number();
}

Result<std::string> Toml::string_or(std::string_view key, std::string fallback) const {
  if (!contains(key)) return fallback;
  return string(key);
}

Result<std::int64_t> Toml::integer_or(std::string_view key, std::int64_t fallback) const {
  if (!contains(key)) return fallback;
  return integer(key);
}

Result<double> Toml::number_or(std::string_view key, double fallback) const {
  if (!contains(key)) return fallback;
  return number(key);
}

Result<bool> Toml::boolean_or(std::string_view key, bool fallback) const {
  if (!contains(key)) return fallback;
  ATML_TRY(const Toml member, at(key));
  return member.boolean();
}

Status Toml::only_keys(const std::vector<std::string>& known) const {
  for (const std::string& key : keys()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    ATML_TRY(const Toml member, at(key));
    return member.error(fmt::format("unknown key '{}'{}", key, suggestion(key, known)));
  }
  return {};
}

}  // namespace atml
