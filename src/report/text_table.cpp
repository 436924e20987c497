#include "report/text_table.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"

namespace atml::report {
namespace {

bool continues_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool is_number(std::string_view text) {
  double ignored = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), ignored);
  return code == std::errc{} && end == text.data() + text.size();
}

std::string cut(const std::string& text, int width) {
  if (width < 4 || display_width(text) <= width) return text;
  std::string kept;
  int used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!continues_code_point(text[i]) && used++ == width - 3) break;
    kept += text[i];
  }
  return kept + "...";
}

void pad(std::string& line, const std::string& cell, int width, Align align) {
  const std::string blanks(static_cast<std::size_t>(std::max(0, width - display_width(cell))), ' ');
  line += align == Align::kRight ? blanks + cell : cell + blanks;
}

}  // namespace

int display_width(std::string_view text) {
  return static_cast<int>(
      std::ranges::count_if(text, [](char c) { return !continues_code_point(c); }));
}

std::string printable(std::string_view text) {
  std::string clean(text);
  std::ranges::replace_if(
      clean, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return clean;
}

std::string csv_field(std::string_view text) {
  std::string field(text);
  const bool formula =
      !field.empty() && std::string_view("=+-@\t\r").find(field[0]) != std::string_view::npos;
  if (formula && !is_number(field)) field.insert(field.begin(), '\'');
  if (field.find_first_of(",\"\n\r") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

void TextTable::add(std::vector<std::string> cells) {
  ATML_ASSERT(cells.size() == columns_.size(), "a row needs one cell a column");
  rows_.push_back(std::move(cells));
}

std::string TextTable::text(int width) const {
  std::vector<std::vector<std::string>> lines;
  lines.emplace_back();
  for (const Column& column : columns_) lines.back().push_back(column.title);
  for (const auto& row : rows_) {
    lines.emplace_back();
    for (const std::string& cell : row) lines.back().push_back(printable(cell));
  }
  std::vector<int> widths(columns_.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t c = 0; c < line.size(); ++c)
      widths[c] = std::max(widths[c], display_width(line[c]));
  }
  std::string text;
  for (auto& cells : lines) {
    std::string line;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (c > 0) line += "  ";
      const bool last = c + 1 == cells.size();
      if (last && width > 0) cells[c] = cut(cells[c], std::max(4, width - display_width(line)));
      pad(line, cells[c], last && width > 0 ? 0 : widths[c], columns_[c].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string TextTable::csv() const {
  std::string text;
  const auto put = [&](const std::string& cell, bool last) {
    text += csv_field(cell);
    text += last ? '\n' : ',';
  };
  for (std::size_t c = 0; c < columns_.size(); ++c)
    put(columns_[c].title, c + 1 == columns_.size());
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) put(row[c], c + 1 == row.size());
  }
  return text;
}

}  // namespace atml::report
