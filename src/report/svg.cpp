#include "report/svg.h"

#include <fmt/format.h>

#include <cmath>

#include "report/html.h"

namespace atml::report {
namespace {

// One decimal; -0.0 would print differently from 0.0.
std::string number(double value) {
  const double rounded = std::round(value * 10) / 10;
  return fmt::format("{:.1f}", rounded == 0 ? 0.0 : rounded);
}

}  // namespace

std::string shortened(std::string_view text, std::size_t most) {
  std::string kept;
  std::size_t points = 0, cut = 0;
  for (const char c : text) {
    const bool starts = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (starts && points == most - 3) cut = kept.size();
    if (starts && ++points > most) return kept.substr(0, cut) + "...";
    kept += c;
  }
  return kept;
}

Svg::Svg(double width, double height, std::string_view label) {
  out_ = fmt::format("<svg viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\" aria-label=\"{}\">\n",
                     number(width), number(height), number(width), escape(label));
}

void Svg::mark(const std::string& element, std::string_view title) {
  // `element` is "<circle ...": closed here, with or without a title inside.
  out_ += element;
  if (title.empty()) {
    out_ += "/>\n";
    return;
  }
  const std::string name = element.substr(1, element.find(' ') - 1);
  out_ += fmt::format("><title>{}</title></{}>\n", escape(title), name);
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view style) {
  mark(fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{}\"", number(x1),
                   number(y1), number(x2), number(y2), style),
       "");
}

void Svg::rect(double x, double y, double width, double height, std::string_view style,
               std::string_view title, double opacity) {
  const std::string shade = opacity < 1 ? fmt::format(" fill-opacity=\"{:.3f}\"", opacity) : "";
  mark(fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"{}\"{}", number(x),
                   number(y), number(width), number(height), style, shade),
       title);
}

void Svg::circle(double x, double y, double radius, std::string_view style,
                 std::string_view title) {
  mark(fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" class=\"{}\"", number(x), number(y),
                   number(radius), style),
       title);
}

void Svg::cross(double x, double y, double radius, std::string_view style, std::string_view title) {
  mark(fmt::format("<path d=\"M{} {}L{} {}M{} {}L{} {}\" class=\"{}\"", number(x - radius),
                   number(y - radius), number(x + radius), number(y + radius), number(x - radius),
                   number(y + radius), number(x + radius), number(y - radius), style),
       title);
}

void Svg::diamond(double x, double y, double radius, std::string_view style,
                  std::string_view title) {
  mark(fmt::format("<path d=\"M{} {}L{} {}L{} {}L{} {}Z\" class=\"{}\"", number(x),
                   number(y - radius), number(x + radius), number(y), number(x), number(y + radius),
                   number(x - radius), number(y), style),
       title);
}

void Svg::text(double x, double y, std::string_view text, Anchor anchor, std::string_view style,
               double degrees) {
  const char* where = anchor == Anchor::kStart    ? "start"
                      : anchor == Anchor::kMiddle ? "middle"
                                                  : "end";
  const std::string turn = degrees != 0 ? fmt::format(" transform=\"rotate({} {} {})\"",
                                                      number(degrees), number(x), number(y))
                                        : "";
  out_ += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\"{}{}>{}</text>\n", number(x),
                      number(y), where, style.empty() ? "" : fmt::format(" class=\"{}\"", style),
                      turn, escape(text));
}

void Svg::polyline(const std::string& points, std::string_view style) {
  mark(fmt::format("<polyline points=\"{}\" class=\"{}\"", points, style), "");
}

void Svg::add_point(std::string& points, double x, double y) {
  if (!points.empty()) points += ' ';
  points += number(x) + "," + number(y);
}

std::string Svg::finish() && { return std::move(out_) + "</svg>\n"; }

}  // namespace atml::report
