// Axis: values to pixels, and ticks that do not crowd.
#pragma once

#include <string>
#include <vector>

namespace atml::report {

/// kLog2 puts ticks at powers of two (bytes), kLog10 at 1-2-5 (seconds). kError spreads shares near
/// 1: equal distances are equal ratios of the error 1 - v.
enum class Scale { kLinear, kLog2, kLog10, kError };

class Axis {
 public:
  /// `from` and `to` are the pixels of `low` and `high`; from may exceed to (y grows downwards).
  /// The range is widened where it is empty; log scales need low > 0, kError needs high < 1.
  Axis(Scale scale, double low, double high, double from, double to);

  /// Clamped to the range.
  double at(double value) const;
  double low() const { return low_; }
  double high() const { return high_; }
  /// Round values inside the range, at least `pixels` apart.
  std::vector<double> ticks(double pixels) const;

 private:
  double transformed(double value) const;
  std::vector<double> candidates() const;

  Scale scale_;
  double low_;
  double high_;
  double from_;
  double to_;
};

/// "1.5", "0.02": no exponent, no trailing zeros.
std::string tick_text(double value);

}  // namespace atml::report
