#include "space/configuration.h"

#include <charconv>

#include <fmt/format.h>

#include "base/random.h"
#include "base/text.h"

namespace atml::space {
namespace {

std::string value_text(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *whole);
  if (const auto* word = std::get_if<std::string>(&value)) return *word;
  std::string text =
      fmt::format("{}", std::get<double>(value));  // the shortest that reads back equal
  if (text.find_first_of(".en") == std::string::npos) text += ".0";  // 1.0 must not read back as 1
  return text;
}

bool looks_like_number(std::string_view text) {
  const char c = text[text.size() > 1 && text[0] == '-' ? 1 : 0];
  return c >= '0' && c <= '9';
}

Result<Value> value_from(std::string_view text) {
  if (text.empty()) return Error{Code::kParse, "empty value"};
  if (!looks_like_number(text)) return Value(std::string(text));
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto r = std::from_chars(text.data(), end, whole); r.ec == std::errc() && r.ptr == end)
    return Value(whole);
  double real = 0;
  if (const auto r = std::from_chars(text.data(), end, real); r.ec == std::errc() && r.ptr == end)
    return Value(real);
  return Error{Code::kParse, fmt::format("'{}' is not a number", text)};
}

}  // namespace

const Value* Configuration::find(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? nullptr : &it->second;
}

std::int64_t Configuration::integer(std::string_view name, std::int64_t fallback) const {
  const Value* value = find(name);
  if (value == nullptr) return fallback;
  ATML_ASSERT(std::holds_alternative<std::int64_t>(*value),
              fmt::format("parameter {} is no whole number", name));
  return std::get<std::int64_t>(*value);
}

double Configuration::real(std::string_view name, double fallback) const {
  const Value* value = find(name);
  if (value == nullptr) return fallback;
  ATML_ASSERT(std::holds_alternative<double>(*value),
              fmt::format("parameter {} is not real", name));
  return std::get<double>(*value);
}

std::string Configuration::word(std::string_view name, std::string fallback) const {
  const Value* value = find(name);
  if (value == nullptr) return fallback;
  ATML_ASSERT(std::holds_alternative<std::string>(*value),
              fmt::format("parameter {} is no word", name));
  return std::get<std::string>(*value);
}

std::string Configuration::text() const {
  std::string out;
  for (const auto& [name, value] : values_) {
    if (!out.empty()) out += ' ';
    out += name + '=' + value_text(value);
  }
  return out;
}

Result<Configuration> Configuration::from_text(std::string_view text) {
  Configuration result;
  for (const std::string& part : split(text, ' ')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{Code::kParse, fmt::format("'{}' in a configuration is not name=value", part)};
    const std::string name = part.substr(0, equals);
    if (result.has(name))
      return Error{Code::kParse,
                   fmt::format("parameter '{}' appears twice in a configuration", name)};
    auto value = value_from(std::string_view(part).substr(equals + 1));
    if (!value) return value.error().with_context(fmt::format("parameter '{}'", name));
    result.set(name, std::move(value).value());
  }
  return result;
}

std::uint64_t Configuration::hash() const { return fnv1a(text()); }

}  // namespace atml::space
