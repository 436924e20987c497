// The options of a benchmark program: `--name VALUE` pairs, read into variables.
#pragma once

#include <charconv>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"

namespace atml::bench {

/// Takes the option's value, or says what is wrong with it ("must be a whole number ...").
using Setter = std::function<Status(const std::string& value)>;
struct Option {
  Setter set;
  bool takes_value = true;
};
using OptionTable = std::map<std::string, Option, std::less<>>;

inline Option text_option(std::string& to) {
  return {[&to](const std::string& value) { return to = value, Status{}; }};
}

inline Option list_option(std::vector<std::string>& to) {
  return {[&to](const std::string& value) { return to = split(value, ','), Status{}; }};
}

inline Option number_option(int& to, int least) {
  return {[&to, least](const std::string& value) -> Status {
    const char* end = value.data() + value.size();
    const auto [at, error] = std::from_chars(value.data(), end, to);
    if (error == std::errc() && at == end && to >= least) return {};
    return Error{Code::kInvalidArgument,
                 fmt::format("must be a whole number from {} on, not '{}'", least, value)};
  }};
}

/// From 0 on.
inline Option seconds_option(double& to) {
  return {[&to](const std::string& value) -> Status {
    const char* end = value.data() + value.size();
    const auto [at, error] = std::from_chars(value.data(), end, to);
    if (error == std::errc() && at == end && to >= 0) return {};
    return Error{Code::kInvalidArgument, fmt::format("must be seconds, not '{}'", value)};
  }};
}

inline Option flag_option(std::function<void()> action) {
  return {[action = std::move(action)](const std::string&) { return action(), Status{}; }, false};
}

inline bool asks_for_help(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

/// In the order given. Errors name the option: unknown (with the nearest known one), without a
/// value, or with a bad one.
inline Status read_arguments(int argc, char** argv, const OptionTable& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    const auto found = options.find(key);
    if (found == options.end()) {
      std::vector<std::string> names;
      for (const auto& [name, option] : options) names.push_back(name);
      return Error{Code::kInvalidArgument,
                   fmt::format("unknown option '{}'{}", key, suggestion(key, names))};
    }
    const bool takes_value = found->second.takes_value;
    if (takes_value && i + 1 == argc)
      return Error{Code::kInvalidArgument, fmt::format("{} needs a value", key)};
    const Status set = found->second.set(takes_value ? argv[++i] : "");
    if (!set.ok())
      return Error{Code::kInvalidArgument, fmt::format("{} {}", key, set.error().message)};
  }
  return {};
}

}  // namespace atml::bench
