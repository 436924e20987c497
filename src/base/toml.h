// TOML in: a read-only view with typed getters whose errors name file, line, key and what was
// expected. Wraps toml++, whose header stays inside toml.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace atml {

/// A TOML table or value. Copies share the parsed document.
class Toml {
 public:
  static Result<Toml> parse_file(const std::filesystem::path& path);
  static Result<Toml> parse_text(std::string_view text, const std::string& name);

  /// Keys of a table in the order of the file; empty for other values.
  std::vector<std::string> keys() const;
  bool contains(std::string_view key) const;
  /// Member of a table; fails (not_found) where it is absent.
  Result<Toml> at(std::string_view key) const;
  /// Elements of an array; fails where this is no array.
  Result<std::vector<Toml>> elements() const;

  bool is_table() const;
  bool is_array() const;
  bool is_string() const;
  bool is_integer() const;
  bool is_number() const;  // integer or real
  bool is_boolean() const;

  // This value as a type; fails with file, line and the kind that was found.
  Result<std::string> string() const;
  Result<std::int64_t> integer() const;
  Result<double> number() const;  // integers are accepted
  Result<bool> boolean() const;
  Result<std::vector<std::string>> strings() const;
  Result<std::vector<double>> numbers() const;

  // Members of a table; *_or returns the fallback only where the key is absent.
  Result<std::string> string(std::string_view key) const;
  Result<std::int64_t> integer(std::string_view key) const;
  Result<double> number(std::string_view key) const;
  Result<std::string> string_or(std::string_view key, std::string fallback) const;
  Result<std::int64_t> integer_or(std::string_view key, std::int64_t fallback) const;
  Result<double> number_or(std::string_view key, double fallback) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;

  /// Fails on the first key that is not in `known`, with its line and "did you mean".
  Status only_keys(const std::vector<std::string>& known) const;

  /// "targets/x.toml:12" - for errors that callers make.
  std::string where() const;
  Error error(const std::string& message) const;

 private:
  struct Document;
  Toml(std::shared_ptr<const Document> document, const void* node, std::string path)
      : document_(std::move(document)), node_(node), path_(std::move(path)) {}
  std::shared_ptr<const Document> document_;
  const void* node_ = nullptr;  // toml::node
  std::string path_;            // dotted key, for messages
};

}  // namespace atml
