// Configuration: one point of a Space, as named values of the active parameters.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace atml::space {

using Value =
    std::variant<std::int64_t, double, std::string>;  // integer and ordinal, real, categorical

/// Only active parameters have a value. Ordered by name: equal configurations have equal texts.
class Configuration {
 public:
  void set(std::string name, Value value) { values_[std::move(name)] = std::move(value); }
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  const Value* find(std::string_view name) const;
  // The value, or the fallback where the parameter is inactive. Asserts on the wrong type.
  std::int64_t integer(std::string_view name, std::int64_t fallback) const;
  double real(std::string_view name, double fallback) const;
  std::string word(std::string_view name, std::string fallback) const;
  const std::map<std::string, Value, std::less<>>& values() const { return values_; }

  bool operator==(const Configuration&) const = default;
  auto operator<=>(const Configuration&) const = default;

  /// "blocks=3 lr=0.01 stem=conv": doubles with 17 digits, so that from_text(text()) is equal.
  std::string text() const;
  static Result<Configuration> from_text(std::string_view text);
  std::uint64_t hash() const;  // FNV-1a of text()

 private:
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace atml::space
