// The writers: values in, text out. Pure functions: no file, clock or terminal is touched, and the
// same values always give the same bytes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/report_data.h"

namespace atml::report {

/// One self-contained HTML page (UTF-8): inline style, inline SVG, no network, readable without
/// JavaScript, light and dark. All foreign text is escaped.
std::string html_report(const ReportData& data);

/// How far a search is, for the dashboard.
struct Progress {
  double elapsed_seconds = 0;
  double budget_seconds = 0;  // 0: no limit of time
  int budget_trials = 0;      // 0: no limit of trials
};
/// A page for a running search: budget, best so far, course, trade-offs, the last trials. While
/// data.finished is false it loads itself anew every refresh_seconds, so writing the file again is
/// all that a live view needs.
std::string dashboard_page(const ReportData& data, const Progress& progress,
                           int refresh_seconds = 5);

/// summary.json, schema 1 (names are binding, docs say what each means). Where nothing fits, the
/// figures are those of the candidate that came nearest, and `metric` is null. `latency_ms` is null
/// where the sizes alone refused the model, so that it was not emulated; `energy_uj` also where the
/// target has no current figure. Ends with a line feed.
std::string summary_json(const ReportData& data);

/// The end-of-run table for a terminal of 80 columns or more; colour: ANSI sequences.
std::string summary_table(const ReportData& data, bool colour);

/// Deployability of one model, for `autotinyml check`.
struct Check {
  std::string model;  // file name
  target::Target target;
  target::Limits limits;
  bool deployable = false;
  std::vector<std::string> reasons;  // why not: one a violated limit, or why it is not computable
  study::Figures figures;
  std::int64_t statics_bytes = 0;
  std::vector<LayerRow> layers;  // may be empty
};
/// The same names as summary_json as far as one model has them: schema .. energy_uj.
std::string check_json(const Check& check);
std::string check_table(const Check& check, bool colour);

/// `autotinyml trials`. Columns: trial, outcome, objective, epochs, flash, ram, latency,
/// deployable, seconds, reason; JSON also has the configuration, constraints and rungs.
std::string trials_table(std::span<const study::Trial> trials);
std::string trials_json(std::span<const study::Trial> trials);
std::string trials_csv(std::span<const study::Trial> trials);

/// `autotinyml targets`; the table of one part (targets NAME) shows every figure with its source.
std::string targets_table(std::span<const target::Target> targets);
std::string targets_json(std::span<const target::Target> targets);
std::string targets_csv(std::span<const target::Target> targets);
std::string target_details(const target::Target& target);

}  // namespace atml::report
