// TextTable: aligned columns for a terminal, and the same rows as CSV.
#pragma once

#include <string>
#include <vector>

namespace atml::report {

enum class Align { kLeft, kRight };

class TextTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell a column. Control characters are shown as '?', so that no cell can steer the
  /// terminal.
  void add(std::vector<std::string> cells);

  /// Two blanks between columns, no blanks at line ends, a line feed after each line. The last
  /// column is cut at `width` columns of the terminal with "..." (0: never cut).
  std::string text(int width = 0) const;
  /// RFC 4180 with LF; cells that a spreadsheet would take for a formula get a leading apostrophe.
  std::string csv() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Columns that a terminal needs for UTF-8 text: code points, not bytes.
int display_width(std::string_view text);
/// Control characters replaced by '?'.
std::string printable(std::string_view text);
/// One CSV field, quoted where it must be.
std::string csv_field(std::string_view text);

}  // namespace atml::report
