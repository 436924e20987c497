// The course of the search: each objective when it was known, and the best so far.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "report/axis.h"
#include "report/charts.h"
#include "report/derived.h"
#include "report/svg.h"

namespace atml::report {
namespace {

constexpr double kWidth = 560, kHeight = 260;
constexpr double kLeft = 48, kRight = 546, kTop = 12, kBottom = 196, kStrip = 210;

struct Sample {
  double at = 0;  // trial number or seconds
  double value = 0;
  bool whole = false;  // measured, not stopped early
  std::string title;
};

Axis value_axis(const std::vector<Sample>& samples, const std::string& metric) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Sample& s : samples) {
    low = std::min(low, s.value);
    high = std::max(high, s.value);
  }
  if (is_share(metric) && low >= 0 && high < 1) {
    return Axis(Scale::kError, std::max(0.0, low - (1 - low) * 0.1), high + (1 - high) * 0.1,
                kBottom, kTop);
  }
  const double room = (high - low) * 0.06;
  return Axis(Scale::kLinear, low - room, high + room, kBottom, kTop);
}

void draw_axes(Svg& svg, const Axis& x, const Axis& y, const std::string& metric,
               const std::string& label, bool time) {
  for (const double tick : y.ticks(22)) {
    svg.line(kLeft, y.at(tick), kRight, y.at(tick), "grid");
    svg.text(kLeft - 6, y.at(tick) + 4,
             is_share(metric) ? tick_text(tick * 100) + " %" : tick_text(tick), Anchor::kEnd);
  }
  svg.line(kLeft, kBottom, kRight, kBottom, "axis");
  for (const double tick : x.ticks(48)) {
    svg.line(x.at(tick), kBottom, x.at(tick), kBottom + 4, "axis");
    svg.text(x.at(tick), kStrip + 22, time ? tick_text(tick) + " s" : tick_text(tick),
             Anchor::kMiddle);
  }
  svg.text(kRight, kHeight - 6, label, Anchor::kEnd, "label");
}

// A staircase from the first improvement to the right edge.
std::string staircase(const std::vector<std::pair<double, double>>& best, const Axis& x,
                      const Axis& y) {
  std::string points;
  for (std::size_t i = 0; i < best.size(); ++i) {
    if (i > 0) Svg::add_point(points, x.at(best[i].first), y.at(best[i - 1].second));
    Svg::add_point(points, x.at(best[i].first), y.at(best[i].second));
  }
  if (!best.empty()) Svg::add_point(points, kRight, y.at(best.back().second));
  return points;
}

}  // namespace

std::string course_by_trial_chart(const ReportData& data) {
  const std::string metric = metric_name(data);
  std::vector<Sample> samples;
  std::vector<std::pair<double, double>> best;
  for (const study::Trial& t : data.trials) {
    if (!t.objective || !t.deployable()) continue;
    const bool whole = t.outcome == study::Outcome::kMeasured;
    samples.push_back({static_cast<double>(t.number), *t.objective, whole,
                       fmt::format("trial {}: {} {}", t.number, metric_text(metric, *t.objective),
                                   outcome_word(t.outcome))});
    if (best.empty() || *t.objective > best.back().second)
      best.emplace_back(t.number, *t.objective);
  }
  if (samples.empty()) return "";
  const Axis x(Scale::kLinear, 0, std::max(1, data.trials.back().number), kLeft + 4, kRight);
  const Axis y = value_axis(samples, metric);
  Svg svg(kWidth, kHeight, fmt::format("{} of each trial and the best so far", metric));
  draw_axes(svg, x, y, metric, "trial", false);
  for (const study::Trial& t : data.trials) {
    if (t.deployable() || t.outcome == study::Outcome::kRunning) continue;
    svg.line(x.at(t.number), kStrip - 5, x.at(t.number), kStrip + 3, "misfit");
  }
  svg.polyline(staircase(best, x, y), "best");
  for (const Sample& s : samples)
    svg.circle(x.at(s.at), y.at(s.value), s.whole ? 3.2 : 2.4, s.whole ? "fits" : "open", s.title);
  return std::move(svg).finish();
}

std::string course_by_time_chart(const ReportData& data) {
  const std::string metric = metric_name(data);
  const std::vector<CoursePoint> course = course_of(data);
  std::vector<Sample> samples;
  std::vector<std::pair<double, double>> best;
  for (const CoursePoint& p : course) {
    if (!best.empty() && p.best <= best.back().second) continue;
    samples.push_back({p.seconds, p.best, true,
                       fmt::format("{} after {}, trial {}", metric_text(metric, p.best),
                                   to_text(Seconds(p.seconds)), p.trial)});
    best.emplace_back(p.seconds, p.best);
  }
  if (samples.empty()) return "";
  const Axis x(Scale::kLinear, 0, std::max(course.back().seconds, data.times.total), kLeft, kRight);
  const Axis y = value_axis(samples, metric);
  Svg svg(kWidth, kHeight, fmt::format("best {} so far over time", metric));
  draw_axes(svg, x, y, metric, "seconds since the search began", true);
  svg.polyline(staircase(best, x, y), "best");
  for (const Sample& s : samples) svg.circle(x.at(s.at), y.at(s.value), 3.2, "fits", s.title);
  return std::move(svg).finish();
}

}  // namespace atml::report
