#include "report/page.h"

#include <fmt/format.h>

#include "report/html.h"

namespace atml::report {

std::string document(std::string_view title, const std::string& body, int refresh_seconds) {
  const std::string refresh =
      refresh_seconds > 0
          ? fmt::format("<meta http-equiv=\"refresh\" content=\"{}\">\n", refresh_seconds)
          : "";
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n{}<title>{}</title>\n"
      "<style>\n{}</style>\n</head>\n<body>\n<main>\n{}</main>\n<script>\n{}</script>\n</body>\n</"
      "html>\n",
      refresh, escape(title), kStyleSheet, body, kScript);
}

std::string section(std::string_view heading, std::string_view lead, const std::string& body) {
  if (body.empty()) return "";
  const std::string sentence =
      lead.empty() ? "" : fmt::format("<p class=\"lead\">{}</p>\n", prose(lead));
  return fmt::format("<section>\n<h2>{}</h2>\n{}{}</section>\n", escape(heading), sentence, body);
}

Cell text_cell(std::string_view text) { return {escape(text), "", false}; }

Cell number_cell(const std::string& text, double key) {
  return {escape(text), fmt::format("{:.9g}", key), true};
}

Cell empty_cell() { return {"", "", true}; }

std::string prose(std::string_view text) {
  std::string out = escape(text);
  for (const std::string_view unit :
       {" %", " KiB", " MiB", " B", " ms", " us", " mJ", " uJ", " MHz"}) {
    for (std::size_t at = out.find(unit); at != std::string::npos; at = out.find(unit, at + 1)) {
      const bool number = at > 0 && out[at - 1] >= '0' && out[at - 1] <= '9';
      if (number) out.replace(at, 1, "\xC2\xA0");
    }
  }
  return out;
}

namespace {

std::string table_row(const Row& row, std::string_view style) {
  std::string out = fmt::format("<tr{}>", style.empty() ? "" : fmt::format(" class=\"{}\"", style));
  for (const Cell& cell : row) {
    out += fmt::format("<td{}{}>{}</td>", cell.number ? " class=\"n\"" : "",
                       cell.key.empty() ? "" : fmt::format(" data-v=\"{}\"", cell.key), cell.html);
  }
  return out + "</tr>\n";
}

}  // namespace

std::string html_table(const std::vector<std::string>& headings, const std::vector<Row>& rows,
                       const TableOptions& options) {
  std::string out = fmt::format("<div class=\"scroll {}\">\n<table>\n<thead><tr>", options.style);
  for (const std::string& heading : headings) {
    const bool number = heading.starts_with('#');
    out += fmt::format("<th{}>{}</th>", number ? " class=\"n\"" : "",
                       escape(number ? heading.substr(1) : heading));
  }
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out += table_row(rows[i], static_cast<int>(i) == options.highlighted ? "win" : "");
  }
  out += "</tbody>\n";
  if (!options.foot.empty())
    out += fmt::format("<tfoot>\n{}</tfoot>\n", table_row(options.foot, ""));
  return out + "</table>\n</div>\n";
}

std::string definitions(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string out;
  for (const auto& [name, value] : rows) {
    if (!value.empty()) out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(value));
  }
  return out.empty() ? "" : "<dl>\n" + out + "</dl>\n";
}

}  // namespace atml::report
