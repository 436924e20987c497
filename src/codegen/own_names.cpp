#include "codegen/own_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace atml::codegen {

namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string in_capitals(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

void replace_at_word_start(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t p = text.find(from); p != std::string::npos; p = text.find(from, p)) {
    if (p > 0 && is_word(text[p - 1])) {
      p += from.size();
      continue;
    }
    text.replace(p, from.size(), to);
    p += to.size();
  }
}

// <prefix>.h would hide the header of that name, <prefix>.c the file.
constexpr std::array kTaken = {"arduino", "arm_mve",  "assert", "limits", "main",
                               "math",    "selftest", "stdarg", "stddef", "stdint",
                               "stdio",   "stdlib",   "string"};

}  // namespace

Status check_prefix(const std::string& prefix) {
  if (prefix.empty() || !std::ranges::all_of(prefix, is_word) ||
      std::isdigit(static_cast<unsigned char>(prefix[0])) != 0) {
    return Error{
        Code::kInvalidArgument,
        fmt::format("prefix '{}' is not a C identifier; use letters, digits and _", prefix)};
  }
  std::string lower = prefix;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower[0] == '_' || lower == "atml" || lower.starts_with("atml_")) {
    return Error{Code::kInvalidArgument,
                 fmt::format("prefix '{}' is reserved: names that begin with _ are the compiler's, "
                             "with atml_ the runtime's; take another",
                             prefix)};
  }
  if (std::ranges::find(kTaken, lower) != kTaken.end()) {
    return Error{Code::kInvalidArgument,
                 fmt::format("prefix '{0}' would hide the file '{0}.h' or '{0}.c' that the program "
                             "needs; take another",
                             prefix)};
  }
  return {};
}

std::string own_names(const std::string& prefix, const std::string& text) {
  std::string own = text;
  replace_at_word_start(own, "atml_", prefix + "_atml_");
  replace_at_word_start(own, "ATML_", in_capitals(prefix) + "_ATML_");
  return own;
}

void take_own_names(const std::string& prefix, quantize::Rounding rounding, Optimize optimize,
                    std::vector<File>& files) {
  for (File& file : files) {
    const bool startup = file.path.starts_with("runtime/startup/");
    if (startup || file.role == Role::kMain || file.role == Role::kLinkerScript) continue;
    if (rounding == quantize::Rounding::kSingle)
      replace_at_word_start(file.bytes, "ATML_SINGLE_ROUNDING 0", "ATML_SINGLE_ROUNDING 1");
    if (optimize == Optimize::kSpeed)
      replace_at_word_start(file.bytes, "ATML_UNROLL 0", "ATML_UNROLL 1");
    file.bytes = own_names(prefix, file.bytes);
    if (const std::string folder = "runtime/include/"; file.path.starts_with(folder))
      file.path = folder + own_names(prefix, file.path.substr(folder.size()));
  }
}

}  // namespace atml::codegen
