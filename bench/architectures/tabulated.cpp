#include "tabulated.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"

namespace atml::bench {
namespace {

constexpr std::int64_t kMostChoices = 36;  // one character a choice
constexpr char kHeader[] = "key,accuracy_1,accuracy_2,flash_bytes,ram_bytes,latency_ms\n";

/// Encoded values that a parameter can take; one for what is fixed.
Result<std::vector<double>> choices_of(const space::Space& space, std::size_t index) {
  const space::Parameter& p = space.parameters()[index];
  if (p.kind == space::Kind::kReal) {
    if (p.low < p.high)
      return Error{Code::kInvalidArgument,
                   fmt::format("parameter {} is real and free: fix it to tabulate", p.name)};
    return std::vector<double>{0.5};
  }
  std::vector<double> positions = space.positions(index, kMostChoices);
  if (positions.empty())
    return Error{Code::kInvalidArgument,
                 fmt::format("parameter {} has {} choices, {} can be tabulated", p.name,
                             p.choices(), kMostChoices)};
  return positions;
}

template <class T>
bool number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_line(const std::string& line, std::string& key, Entry& e) {
  const std::vector<std::string> f = split(line, ',');
  if (f.size() != 6 || f[0].empty()) return false;
  key = f[0];
  return number(f[1], e.accuracy[0]) && number(f[2], e.accuracy[1]) &&
         number(f[3], e.flash_bytes) && number(f[4], e.ram_bytes) && number(f[5], e.latency_ms) &&
         e.flash_bytes > 0 && e.ram_bytes > 0 && e.latency_ms > 0;
}

}  // namespace

Result<std::vector<space::Configuration>> enumerate(const space::Space& space) {
  std::vector<std::vector<double>> choices;
  for (std::size_t i = 0; i < space.size(); ++i) {
    ATML_TRY(auto positions, choices_of(space, i));
    choices.push_back(std::move(positions));
  }
  std::map<std::string, space::Configuration> found;
  std::vector<std::size_t> digit(space.size(), 0);
  for (bool more = true; more;) {
    std::vector<double> encoding;
    for (std::size_t i = 0; i < digit.size(); ++i) encoding.push_back(choices[i][digit[i]]);
    space::Configuration c = space.decode(encoding);
    std::string text = c.text();
    found.emplace(std::move(text), std::move(c));
    more = false;
    for (std::size_t i = 0; i < digit.size() && !more; ++i) {
      digit[i] = (digit[i] + 1) % choices[i].size();
      more = digit[i] != 0;
    }
  }
  std::vector<space::Configuration> all;
  for (auto& [text, c] : found) all.push_back(std::move(c));
  return all;
}

std::string key_of(const space::Space& space, const space::Configuration& configuration) {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  const space::Encoding encoding = space.encode(configuration);
  std::string key;
  for (std::size_t i = 0; i < space.size(); ++i) {
    const std::vector<double> positions = space.positions(i, kMostChoices);
    if (positions.size() < 2) continue;
    if (encoding[i] == space::kInactive) {
      key += '-';
      continue;
    }
    const auto nearest = std::min_element(
        positions.begin(), positions.end(),
        [&](double a, double b) { return std::abs(a - encoding[i]) < std::abs(b - encoding[i]); });
    key += kDigits[nearest - positions.begin()];
  }
  return key;
}

Result<Table> read_table(const std::string& path, bool torn) {
  ATML_TRY(const std::string text, read_file(path));
  std::vector<std::string> lines = split(text, '\n');
  if (lines.empty() || lines.front() + '\n' != kHeader)
    return Error{Code::kParse, fmt::format("{}: line 1 is not '{}'", path,
                                           std::string_view(kHeader, sizeof(kHeader) - 2))};
  const bool whole = text.ends_with('\n');
  if (whole) lines.pop_back();
  Table table;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const bool last = i + 1 == lines.size();
    if (last && !whole && torn) break;
    std::string key;
    Entry entry;
    if ((last && !whole) || !parse_line(lines[i], key, entry))
      return Error{Code::kParse,
                   fmt::format("{}: line {}: '{}' is no network of the table; rebuild "
                               "it with bench_tabulate",
                               path, i + 1, lines[i])};
    if (!table.emplace(key, entry).second)
      return Error{Code::kParse, fmt::format("{}: line {}: '{}' comes twice", path, i + 1, key)};
  }
  return table;
}

std::string line_of(const std::string& key, const Entry& e) {
  if (key.empty()) return kHeader;
  return fmt::format("{},{:.4f},{:.4f},{},{},{:.3f}\n", key, e.accuracy[0], e.accuracy[1],
                     e.flash_bytes, e.ram_bytes, e.latency_ms);
}

}  // namespace atml::bench
