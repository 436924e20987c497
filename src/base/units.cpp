#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>

namespace atml {
namespace {

struct Suffix {
  std::string_view text;
  double factor;
};

constexpr std::array<Suffix, 8> kByteSuffixes{{{"", 1},
                                               {"B", 1},
                                               {"kB", 1e3},
                                               {"KiB", 1024},
                                               {"MB", 1e6},
                                               {"MiB", 1048576},
                                               {"K", 1024},
                                               {"M", 1048576}}};
constexpr std::array<Suffix, 6> kTimeSuffixes{
    {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"min", 60}, {"h", 3600}}};
constexpr std::array<Suffix, 4> kEnergySuffixes{
    {{"J", 1}, {"mJ", 1e-3}, {"uJ", 1e-6}, {"nJ", 1e-9}}};

Result<double> parse_with(std::string_view text, std::span<const Suffix> suffixes,
                          const char* quantity, const char* forms) {
  const Error error{Code::kInvalidArgument,
                    fmt::format("'{}' is not a {}; write it like {}", text, quantity, forms)};
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || !std::isfinite(number) || number < 0) return error;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const Suffix& suffix : suffixes) {
    if (suffix.text == unit) return number * suffix.factor;
  }
  return error;
}

}  // namespace

Result<Bytes> parse_bytes(std::string_view text) {
  ATML_TRY(const double bytes, parse_with(text, kByteSuffixes, "size", "64KiB, 96kB, 1MiB or 512"));
  if (bytes > 9e15) {
    return Error{Code::kInvalidArgument, fmt::format("'{}' is larger than any memory", text)};
  }
  return Bytes(static_cast<std::int64_t>(std::llround(bytes)));
}

Result<Seconds> parse_seconds(std::string_view text) {
  ATML_TRY(const double seconds, parse_with(text, kTimeSuffixes, "time", "30s, 10min, 25ms or 1h"));
  return Seconds(seconds);
}

Result<Joules> parse_joules(std::string_view text) {
  ATML_TRY(const double joules, parse_with(text, kEnergySuffixes, "energy", "1.5mJ or 300uJ"));
  return Joules(joules);
}

std::string to_text(Bytes bytes) {
  const double b = static_cast<double>(bytes.value);
  if (std::abs(b) < 1024) return fmt::format("{} B", bytes.value);
  if (std::abs(b) < 1048576) return fmt::format("{:.1f} KiB", b / 1024);
  return fmt::format("{:.2f} MiB", b / 1048576);
}

std::string to_text(Seconds seconds) {
  const double s = seconds.value;
  if (s < 1e-3) return fmt::format("{:.0f} us", s * 1e6);
  if (s < 1) return fmt::format("{:.1f} ms", s * 1e3);
  if (s < 60) return fmt::format("{:.1f} s", s);
  const auto whole = static_cast<std::int64_t>(std::llround(s));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string to_text(Joules joules) {
  const double j = joules.value;
  if (j < 1e-6) return fmt::format("{:.1f} nJ", j * 1e9);
  if (j < 1e-3) return fmt::format("{:.1f} uJ", j * 1e6);
  if (j < 1) return fmt::format("{:.2f} mJ", j * 1e3);
  return fmt::format("{:.2f} J", j);
}

std::string with_thousands(std::int64_t value) {
  const std::string digits = std::to_string(value);
  std::string grouped;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::size_t left = digits.size() - i;
    if (i > 0 && left % 3 == 0 && digits[i - 1] != '-') grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

}  // namespace atml
