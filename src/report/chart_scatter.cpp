// Accuracy against one resource, all trials at once.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/axis.h"
#include "report/charts.h"
#include "report/derived.h"
#include "report/svg.h"

namespace atml::report {
namespace {

constexpr double kWidth = 380, kHeight = 308;
constexpr double kLeft = 48, kRight = 366, kTop = 22, kBottom = 226, kStrip = 244;
constexpr double kBase = 262;  // the x axis, under the strip of those that were never trained

// The axes count in KiB and milliseconds, so that their ticks are round in what is printed.
constexpr double kKib = 1024, kMilli = 1e-3;

double unit_of(std::string_view figure) { return figure == "latency" ? kMilli : kKib; }

double figure_of(const study::Figures& f, std::string_view figure) {
  if (figure == "flash") return static_cast<double>(f.flash_bytes) / kKib;
  if (figure == "ram") return static_cast<double>(f.ram_bytes) / kKib;
  return f.latency_s / kMilli;
}

double limit_of(const ReportData& data, std::string_view figure) {
  if (figure == "flash") return static_cast<double>(data.limits.usable_flash().value) / kKib;
  if (figure == "ram") return static_cast<double>(data.limits.usable_ram().value) / kKib;
  return data.limits.latency ? data.limits.latency->value / kMilli : 0;
}

struct Dot {
  const study::Trial* trial = nullptr;
  double cost = 0;
  bool fits = false;
};

std::vector<Dot> dots_of(const ReportData& data, std::string_view figure) {
  std::vector<Dot> dots;
  for (const study::Trial& trial : data.trials) {
    if (!trial.figures) continue;
    const double cost = figure_of(*trial.figures, figure);
    if (cost > 0) dots.push_back({&trial, cost, trial.deployable()});
  }
  return dots;
}

std::string dot_title(const Dot& dot, std::string_view figure, const std::string& metric) {
  std::string text = fmt::format("trial {}: {} {}", dot.trial->number,
                                 quantity_text(figure, dot.cost * unit_of(figure)),
                                 outcome_word(dot.trial->outcome));
  if (dot.trial->objective) text += ", " + metric_text(metric, *dot.trial->objective);
  if (!dot.fits) text += " - " + explanation(*dot.trial);
  return text;
}

// What is far beyond the limit is drawn at the right edge: it says "much too big", and the rest
// stays legible.
Axis cost_axis(const std::vector<Dot>& dots, std::string_view figure, double limit) {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const Dot& dot : dots) {
    low = std::min(low, dot.cost);
    high = std::max(high, dot.cost);
  }
  if (limit > 0) {
    low = std::max(std::min(low, limit), limit / 256);
    high = std::min(std::max(high, limit), limit * 8);
  }
  return Axis(figure == "latency" ? Scale::kLog10 : Scale::kLog2, low / 1.15, high * 1.15, kLeft,
              kRight);
}

Axis value_axis(const std::vector<Dot>& dots, const std::string& metric) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Dot& dot : dots) {
    if (!dot.trial->objective) continue;
    low = std::min(low, *dot.trial->objective);
    high = std::max(high, *dot.trial->objective);
  }
  if (low > high) return Axis(Scale::kLinear, 0, 1, kBottom, kTop);
  const bool share = is_share(metric) && low >= 0 && high < 1;
  if (share)
    return Axis(Scale::kError, std::max(0.0, low - (1 - low) * 0.15), high + (1 - high) * 0.1,
                kBottom, kTop);
  const double room = (high - low) * 0.06;
  return Axis(Scale::kLinear, low - room, high + room, kBottom, kTop);
}

std::string cost_tick(std::string_view figure, double value) {
  if (figure == "latency")
    return value < 1000 ? fmt::format("{} ms", tick_text(value))
                        : fmt::format("{} s", tick_text(value / 1000));
  return value < 1024 ? tick_text(value) : fmt::format("{}M", tick_text(value / 1024));
}

void draw_axes(Svg& svg, const Axis& x, const Axis& y, std::string_view figure,
               const std::string& metric, bool values) {
  for (const double tick : values ? y.ticks(22) : std::vector<double>{}) {
    svg.line(kLeft, y.at(tick), kRight, y.at(tick), "grid");
    svg.text(kLeft - 6, y.at(tick) + 4,
             is_share(metric) ? tick_text(tick * 100) + " %" : tick_text(tick), Anchor::kEnd);
  }
  for (const double tick : x.ticks(figure == "latency" ? 46 : 30)) {
    svg.line(x.at(tick), kBase, x.at(tick), kBase + 4, "axis");
    svg.text(x.at(tick), kBase + 17, cost_tick(figure, tick), Anchor::kMiddle);
  }
  svg.line(kLeft, kBottom, kRight, kBottom, "axis");
  svg.line(kLeft, kBase, kRight, kBase, "axis");
  const std::string label = figure == "flash" ? "flash, KiB"
                            : figure == "ram" ? "RAM, KiB"
                                              : "latency";
  svg.text(kRight, kHeight - 10, label, Anchor::kEnd, "label");
}

void draw_limit(Svg& svg, const Axis& x, std::string_view figure, double limit) {
  if (limit <= 0) return;
  svg.rect(x.at(limit), kTop, kRight - x.at(limit), kBase - kTop, "beyond");
  svg.line(x.at(limit), kTop - 4, x.at(limit), kBase, "limit");
  const bool left = x.at(limit) > (kLeft + kRight) / 2;
  svg.text(x.at(limit) + (left ? 3 : -3), kTop - 9,
           fmt::format("limit {}", quantity_text(figure, limit * unit_of(figure))),
           left ? Anchor::kEnd : Anchor::kStart, "limit-label");
}

void draw_front(Svg& svg, const std::vector<Dot>& dots, const Axis& x, const Axis& y) {
  std::vector<Point> points;
  for (const Dot& dot : dots) {
    if (dot.fits && dot.trial->outcome == study::Outcome::kMeasured && dot.trial->objective) {
      points.push_back({dot.cost, *dot.trial->objective});
    }
  }
  std::string steps;
  double height = 0;
  for (const std::size_t i : pareto_front(points)) {
    if (!steps.empty()) Svg::add_point(steps, x.at(points[i].cost), height);
    height = y.at(points[i].value);
    Svg::add_point(steps, x.at(points[i].cost), height);
  }
  if (points.size() > 1) svg.polyline(steps, "front");
}

void draw_dot(Svg& svg, const Dot& dot, const Axis& x, const Axis& y, const std::string& title) {
  const double px = x.at(dot.cost);
  if (!dot.trial->objective) {
    const double py =
        kStrip + 6 * (dot.trial->number % 3 - 1);  // three rows, so that neighbours stay apart
    if (dot.fits)
      svg.circle(px, py, 3, "open", title);
    else
      svg.cross(px, py, 2.5, "misfit", title);
    return;
  }
  const double py = y.at(*dot.trial->objective);
  if (!dot.fits)
    svg.cross(px, py, 3.5, "misfit", title);
  else if (dot.trial->outcome == study::Outcome::kMeasured)
    svg.circle(px, py, 3.5, "fits", title);
  else
    svg.circle(px, py, 2.8, "open", title);
}

}  // namespace

std::string scatter_chart(const ReportData& data, std::string_view figure) {
  const std::vector<Dot> dots = dots_of(data, figure);
  if (dots.empty()) return "";
  const std::string metric = metric_name(data);
  const double limit = limit_of(data, figure);
  const Axis x = cost_axis(dots, figure, limit);
  const Axis y = value_axis(dots, metric);
  const bool values =
      std::ranges::any_of(dots, [](const Dot& d) { return d.trial->objective.has_value(); });
  Svg svg(kWidth, kHeight, fmt::format("{} against {} of {} trials", metric, figure, dots.size()));
  draw_limit(svg, x, figure, limit);
  draw_axes(svg, x, y, figure, metric, values);
  if (!values)
    svg.text((kLeft + kRight) / 2, (kTop + kBottom) / 2, "no trial was trained", Anchor::kMiddle,
             "label");
  draw_front(svg, dots, x, y);
  const Dot* winner = nullptr;
  for (const Dot& dot : dots) {
    if (data.winner && dot.trial->number == data.winner->trial)
      winner = &dot;
    else
      draw_dot(svg, dot, x, y, dot_title(dot, figure, metric));
  }
  if (winner != nullptr) {
    const double value = winner->trial->objective.value_or(y.low());
    svg.circle(x.at(winner->cost), y.at(value), 9, "halo");
    svg.diamond(x.at(winner->cost), y.at(value), 6, "winner",
                "winner: " + dot_title(*winner, figure, metric));
  }
  return std::move(svg).finish();
}

}  // namespace atml::report
