// The pictures of the page, each an inline <svg> that takes its colours from the page's style
// sheet. All text in them is escaped here; `<title>` elements show details on hovering without
// JavaScript.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/report_data.h"

namespace atml::report {

/// Where tensors lie in the arena while the operators run (top: bytes alive, peak marked; below:
/// one box a tensor, offset against operator). "" without placements.
std::string memory_chart(const Winner& winner);

/// One figure of all trials ("flash", "ram", "latency") against their objective: fitting trials as
/// dots, stopped ones hollow, those that do not fit as crosses under the plot at their size, the
/// limit as a dashed line, the Pareto front, the winner. "" where no trial has the figure.
std::string scatter_chart(const ReportData& data, std::string_view figure);

/// Objective of each trial and the best so far, over trial number or over time.
std::string course_by_trial_chart(const ReportData& data);
std::string course_by_time_chart(const ReportData& data);

/// Truth in rows, prediction in columns, shaded by the share of the row. "" where counts do not
/// match.
std::string confusion_chart(const ConfusionMatrix& matrix, const std::vector<std::string>& classes);

/// A bar of labelled parts; `unit` writes a value. "" where all are 0.
struct Part {
  std::string label;
  double value = 0;
};
std::string stacked_bar(const std::vector<Part>& parts, std::string (*unit)(double));

/// Dot and whiskers of a mean with its interval on the common range [low, high], one dot a seed.
std::string whisker(const Finalist& finalist, double low, double high, std::string_view metric);

}  // namespace atml::report
