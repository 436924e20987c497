#include "report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace atml::report {
namespace {

// Multiples of 1, 2 or 5 x 10^k, about `count` of them.
std::vector<double> linear_ticks(double low, double high, double count) {
  const double raw = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = power * 10;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (power * factor >= raw) {
      step = power * factor;
      break;
    }
  }
  std::vector<double> ticks;
  for (double i = std::ceil(low / step); i * step <= high + step * 1e-9; ++i)
    ticks.push_back(i * step);
  return ticks;
}

std::vector<double> log_ticks(double low, double high, bool binary) {
  std::vector<double> ticks;
  const double base = binary ? 2 : 10;
  const double start = std::pow(base, std::floor(std::log(low) / std::log(base)));
  for (double decade = start; decade <= high * 1.0001; decade *= base) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = decade * factor;
      if ((!binary || factor == 1) && value >= low * 0.9999 && value <= high * 1.0001)
        ticks.push_back(value);
    }
  }
  return ticks;
}

}  // namespace

Axis::Axis(Scale scale, double low, double high, double from, double to)
    : scale_(scale), low_(low), high_(high), from_(from), to_(to) {
  if (scale_ == Scale::kLog2 || scale_ == Scale::kLog10) {
    low_ = std::max(low_, 1e-12);
    if (high_ <= low_ * 1.001) {
      low_ /= 1.5;
      high_ = std::max(high_, low_) * 1.5;
    }
    return;
  }
  if (scale_ == Scale::kError) high_ = std::min(high_, 0.99995);
  if (high_ - low_ <= 1e-12) {
    const double room =
        scale_ == Scale::kError ? (1 - low_) / 2 : std::max(std::abs(low_) * 0.1, 1e-6);
    low_ -= room;
    high_ = std::min(high_ + room, scale_ == Scale::kError ? 0.99995 : high_ + room);
  }
}

double Axis::transformed(double value) const {
  switch (scale_) {
    case Scale::kLinear:
      return value;
    case Scale::kLog2:
    case Scale::kLog10:
      return std::log(value);
    case Scale::kError:
      return -std::log(1 - value);
  }
  return value;
}

double Axis::at(double value) const {
  const double inside = std::isnan(value) ? low_ : std::clamp(value, low_, high_);
  const double start = transformed(low_);
  return from_ + (transformed(inside) - start) / (transformed(high_) - start) * (to_ - from_);
}

std::vector<double> Axis::candidates() const {
  const double room = std::max(2.0, std::abs(to_ - from_) / 50);
  switch (scale_) {
    case Scale::kLinear:
      return linear_ticks(low_, high_, room);
    case Scale::kLog2:
    case Scale::kLog10: {
      std::vector<double> ticks = log_ticks(low_, high_, scale_ == Scale::kLog2);
      return ticks.size() >= 3 ? ticks : linear_ticks(low_, high_, 4);
    }
    case Scale::kError: {
      // Finest first where it is dense, so thin out from the top: 99.9, 99.5, 99, 98, 95, 90, 80,
      // 50 ...
      std::vector<double> ticks;
      for (const double t : {0.0,  0.2,  0.4,  0.5,  0.6,   0.7,  0.8,   0.85,  0.9,   0.92,  0.94,
                             0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998, 0.999, 0.9995}) {
        if (t >= low_ && t <= high_) ticks.push_back(t);
      }
      return ticks.size() >= 3 ? ticks : linear_ticks(low_, high_, 4);
    }
  }
  return {};
}

std::vector<double> Axis::ticks(double pixels) const {
  std::vector<double> kept;
  for (const double tick : candidates()) {
    if (kept.empty() || std::abs(at(tick) - at(kept.back())) >= pixels) kept.push_back(tick);
  }
  return kept;
}

std::string tick_text(double value) {
  std::string text = fmt::format("{:.6f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

}  // namespace atml::report
