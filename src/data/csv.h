// CSV text -> rows of fields. Private to data.
#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace atml::data {

/// Fields point into the table's own text: move it, do not copy it.
struct CsvTable {
  CsvTable() = default;
  CsvTable(CsvTable&&) = default;
  CsvTable& operator=(CsvTable&&) = default;

  std::string name;  // of the file
  std::vector<std::string> columns;
  std::vector<std::string_view> fields;  // row by row, columns.size() a row, trimmed and unquoted
  std::vector<std::size_t> lines;        // line number of each row, from 1, for messages
  std::size_t rows() const { return lines.size(); }
  std::string_view at(std::size_t row, std::size_t column) const {
    return fields[row * columns.size() + column];
  }

  std::unique_ptr<std::string> text;  // what the fields point into
  std::deque<std::string> unescaped;  // fields with doubled quotes
};

/// Plain or gzip, RFC 4180 with a header line; comma, semicolon or tab, whichever the header has
/// most of. Empty lines are skipped. Fails (kParse) with file, line, expected and found number of
/// fields.
Result<CsvTable> read_csv(const std::filesystem::path& path);

}  // namespace atml::data
