// Svg: the few marks that the charts are made of. Coordinates are printed with one decimal, so that
// equal data give equal bytes on every machine.
#pragma once

#include <string>
#include <string_view>

namespace atml::report {

/// At most `most` characters (code points), "..." included.
std::string shortened(std::string_view text, std::size_t most);

enum class Anchor { kStart, kMiddle, kEnd };

class Svg {
 public:
  /// `label` is read out to those who cannot see the picture.
  Svg(double width, double height, std::string_view label);

  // `style` is a class of the style sheet; `title` (may be empty) shows on hovering.
  void line(double x1, double y1, double x2, double y2, std::string_view style);
  void rect(double x, double y, double width, double height, std::string_view style,
            std::string_view title = "", double opacity = 1);
  void circle(double x, double y, double radius, std::string_view style,
              std::string_view title = "");
  void cross(double x, double y, double radius, std::string_view style,
             std::string_view title = "");
  void diamond(double x, double y, double radius, std::string_view style,
               std::string_view title = "");
  void text(double x, double y, std::string_view text, Anchor anchor = Anchor::kStart,
            std::string_view style = "", double degrees = 0);
  /// Points as "x,y x,y": see add_point.
  void polyline(const std::string& points, std::string_view style);
  static void add_point(std::string& points, double x, double y);

  std::string finish() &&;

 private:
  void mark(const std::string& element, std::string_view title);
  std::string out_;
};

}  // namespace atml::report
