// The frame of every page: head, style sheet, the small script, and how sections and tables are
// written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace atml::report {

/// A whole document round `body`. The title is escaped; refresh_seconds > 0 makes the page load
/// itself anew.
std::string document(std::string_view title, const std::string& body, int refresh_seconds = 0);

/// <section> with a heading and a lead sentence (both escaped); "" where the body is empty.
std::string section(std::string_view heading, std::string_view lead, const std::string& body);

/// A cell of an HTML table: HTML content, an optional sort key, and whether it holds a number.
struct Cell {
  std::string html;
  std::string key;  // data-v: numbers as text; empty: sort by the content
  bool number = false;
};
Cell text_cell(std::string_view text);
Cell number_cell(const std::string& text, double key);
Cell empty_cell();

using Row = std::vector<Cell>;

struct TableOptions {
  std::string_view style = "";  // class of the frame: "tall" scrolls
  int highlighted = -1;         // a row to stand out, or -1
  Row foot;                     // a last row that sorting leaves where it is; may be empty
};
/// A table that the script can sort by clicking on its head; headings that start with '#' are
/// numbers.
std::string html_table(const std::vector<std::string>& headings, const std::vector<Row>& rows,
                       const TableOptions& options = {});

/// Escaped text in which a number stays with its unit: "91.2 %" is not broken across lines.
std::string prose(std::string_view text);

/// "label: value" rows; values are escaped.
std::string definitions(const std::vector<std::pair<std::string, std::string>>& rows);

extern const std::string_view kStyleSheet;
extern const std::string_view kScript;

}  // namespace atml::report
