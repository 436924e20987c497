#include "base/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace atml {
namespace {

using Nlohmann = nlohmann::ordered_json;

Nlohmann to_nlohmann(const Json& json) {
  if (json.is_bool()) return json.boolean();
  if (json.is_integer()) return json.integer();
  if (json.is_number()) return json.number();
  if (json.is_string()) return json.string();
  if (json.is_array()) {
    Nlohmann array = Nlohmann::array();
    for (const Json& item : json.items()) array.push_back(to_nlohmann(item));
    return array;
  }
  if (json.is_object()) {
    Nlohmann object = Nlohmann::object();
    for (const auto& [key, value] : json.members()) object[key] = to_nlohmann(value);
    return object;
  }
  return nullptr;
}

Json from_nlohmann(const Nlohmann& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX) return json.get<double>();
  if (json.is_number()) return json.get<std::int64_t>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    Json array = Json::array();
    for (const Nlohmann& item : json) array.push(from_nlohmann(item));
    return array;
  }
  if (json.is_object()) {
    Json object = Json::object();
    for (const auto& [key, value] : json.items()) object.set(key, from_nlohmann(value));
    return object;
  }
  return {};
}

}  // namespace

bool Json::boolean(bool fallback) const {
  const bool* value = std::get_if<bool>(&value_);
  return value != nullptr ? *value : fallback;
}

std::int64_t Json::integer(std::int64_t fallback) const {
  const std::int64_t* value = std::get_if<std::int64_t>(&value_);
  return value != nullptr ? *value : fallback;
}

double Json::number(double fallback) const {
  if (is_integer()) return static_cast<double>(std::get<std::int64_t>(value_));
  const double* value = std::get_if<double>(&value_);
  return value != nullptr ? *value : fallback;
}

const std::string& Json::string() const {
  static const std::string empty;
  const std::string* value = std::get_if<std::string>(&value_);
  return value != nullptr ? *value : empty;
}

const Json::Array& Json::items() const {
  static const Array empty;
  const Array* value = std::get_if<Array>(&value_);
  return value != nullptr ? *value : empty;
}

const Json::Object& Json::members() const {
  static const Object empty;
  const Object* value = std::get_if<Object>(&value_);
  return value != nullptr ? *value : empty;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json null;
  for (const auto& [name, value] : members()) {
    if (name == key) return value;
  }
  return null;
}

bool Json::contains(std::string_view key) const {
  for (const auto& member : members()) {
    if (member.first == key) return true;
  }
  return false;
}

Json& Json::set(std::string key, Json value) {
  if (!is_object()) value_ = Object{};
  Object& object = std::get<Object>(value_);
  for (auto& [name, old] : object) {
    if (name == key) {
      old = std::move(value);
      return *this;
    }
  }
  object.emplace_back(std::move(key), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (!is_array()) value_ = Array{};
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

std::string Json::dump(int indent) const {
  return to_nlohmann(*this).dump(indent, ' ', false, Nlohmann::error_handler_t::replace);
}

Result<Json> Json::parse(std::string_view text) {
  try {
    return from_nlohmann(Nlohmann::parse(text));
  } catch (const std::exception& problem) {
    return Error{Code::kParse, fmt::format("not valid JSON: {}", problem.what())};
  }
}

}  // namespace atml
