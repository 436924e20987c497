#include "data/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "data/byte_reader.h"

namespace atml::data {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 31;

char find_separator(std::string_view header) {
  char best = ',';
  for (const char candidate : {',', ';', '\t'}) {
    if (std::count(header.begin(), header.end(), candidate) >
        std::count(header.begin(), header.end(), best))
      best = candidate;
  }
  return best;
}

bool is_number(std::string_view text) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

/// Goes through the text field by field.
class Scanner {
 public:
  Scanner(CsvTable& table, char separator)
      : table_(table), rest_(*table.text), separator_(separator) {}

  bool at_end() const { return rest_.empty(); }
  std::size_t line() const { return line_; }

  /// The fields of the next line that is not empty; none at the end of the text.
  Result<std::vector<std::string_view>> next_row() {
    std::vector<std::string_view> row;
    while (!rest_.empty()) {
      ++line_;
      ATML_TRY(row, read_row());
      if (row.size() > 1 || !row[0].empty()) break;
      row.clear();
    }
    return row;
  }

 private:
  Result<std::vector<std::string_view>> read_row() {
    std::vector<std::string_view> row;
    while (true) {
      ATML_TRY(row.emplace_back(), read_field());
      if (rest_.empty()) return row;
      const char end = rest_.front();
      rest_.remove_prefix(1);
      if (end == '\n') return row;
    }
  }

  /// Up to the separator, newline or end, which stays.
  Result<std::string_view> read_field() {
    const std::size_t start = rest_.find_first_not_of(' ');
    if (start != std::string_view::npos && rest_[start] == '"') {
      rest_.remove_prefix(start + 1);
      return read_quoted();
    }
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != separator_ && rest_[end] != '\n') ++end;
    const std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return trimmed(field);
  }

  /// After the opening quote.
  Result<std::string_view> read_quoted() {
    const std::size_t first_line = line_;
    std::string text;
    while (true) {
      const std::size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        return Error{Code::kParse,
                     fmt::format("{}:{}: a quoted field does not end", table_.name, first_line)};
      }
      line_ += static_cast<std::size_t>(
          std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(quote), '\n'));
      text += rest_.substr(0, quote);
      rest_.remove_prefix(quote + 1);
      if (rest_.empty() || rest_.front() != '"') break;
      text += '"';
      rest_.remove_prefix(1);
    }
    const std::size_t end =
        std::min(rest_.find_first_of(std::string{separator_, '\n'}), rest_.size());
    if (!trimmed(rest_.substr(0, end)).empty()) {
      return Error{
          Code::kParse,
          fmt::format("{}:{}: text after a closing quote; double the quotes inside of a field",
                      table_.name, line_)};
    }
    rest_.remove_prefix(end);
    return std::string_view(table_.unescaped.emplace_back(std::move(text)));
  }

  CsvTable& table_;
  std::string_view rest_;
  char separator_;
  std::size_t line_ = 0;
};

}  // namespace

Result<CsvTable> read_csv(const std::filesystem::path& path) {
  CsvTable table;
  table.name = path.string();
  ATML_TRY(std::string text, read_text(path, kLargestFile));
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // byte order mark
  table.text = std::make_unique<std::string>(std::move(text));
  Scanner scanner(table,
                  find_separator(std::string_view(*table.text).substr(0, table.text->find('\n'))));
  ATML_TRY(const auto header, scanner.next_row());
  if (header.empty()) return Error{Code::kParse, fmt::format("{}: the file is empty", table.name)};
  if (std::ranges::all_of(header, is_number)) {
    return Error{Code::kParse,
                 fmt::format("{}:{}: the first line must name the columns, found only numbers",
                             table.name, scanner.line())};
  }
  table.columns.assign(header.begin(), header.end());
  while (!scanner.at_end()) {
    ATML_TRY(const auto row, scanner.next_row());
    if (row.empty()) break;
    if (row.size() != table.columns.size()) {
      return Error{Code::kParse, fmt::format("{}:{}: {} fields, the header has {}", table.name,
                                             scanner.line(), row.size(), table.columns.size())};
    }
    table.fields.insert(table.fields.end(), row.begin(), row.end());
    table.lines.push_back(scanner.line());
  }
  if (table.rows() == 0)
    return Error{Code::kParse, fmt::format("{}: no row after the header", table.name)};
  return table;
}

}  // namespace atml::data
