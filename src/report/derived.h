// What several writers need and ReportData does not hold: limits with their use, counts, the course
// of the search, the Pareto front, and how a quantity is written.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/report_data.h"

namespace atml::report {

/// One of flash, RAM, latency, energy: what is used of what is allowed (bytes, seconds, joules).
struct LimitUse {
  std::string name;   // "flash", as in study::Constraint
  std::string label;  // "Flash"
  double used = 0;
  double allowed = 0;  // 0 where there is no limit
  bool known = true;   // false: not emulated, or the target has no current figure

  bool limited() const { return allowed > 0; }
  bool holds() const { return !limited() || used <= allowed; }
  double share() const { return limited() ? used / allowed : 0; }
  std::string used_text() const;
  std::string allowed_text() const;  // "" where there is no limit
  std::string margin_text() const;   // "25.8 KiB free" or "9.2 KiB too much"; "" without limit
};

/// Flash and RAM always, latency always, energy where it is known or limited.
std::vector<LimitUse> limit_uses(const study::Figures& figures, const target::Limits& limits);

/// A value of the named limit with its unit: "38.2 KiB", "25.3 ms", "301.2 uJ".
std::string quantity_text(std::string_view limit, double value);

/// "91.23 %" for accuracies, four significant digits for other metrics.
std::string metric_text(std::string_view metric, double value);
/// The name of the objective metric: the winner's, else data.metric.
std::string metric_name(const ReportData& data);
/// Is the metric a share of 1 that is shown in percent?
bool is_share(std::string_view metric);

/// How trials ended. A trial can count twice: trained and pruned.
struct Counts {
  int proposed = 0;
  int undeployable = 0;  // measured, and a limit does not hold
  int trained = 0;       // at least one rung
  int measured = 0;
  int pruned = 0;
  int failed = 0;  // diverged, not built, not emulated, environment
  int open = 0;    // running or cancelled
};
Counts count_trials(std::span<const study::Trial> trials);

/// data.course, or the same derived from the stage times of the trials one after the other.
std::vector<CoursePoint> course_of(const ReportData& data);

/// Indices of the points that no other point beats in both coordinates (cost: less is better,
/// value: more is better), by growing cost. Of equal points the first stays.
struct Point {
  double cost = 0;
  double value = 0;
};
std::vector<std::size_t> pareto_front(std::span<const Point> points);

/// The trial with this number, or null.
const study::Trial* find_trial(const ReportData& data, int number);

/// "measured", "does not fit", "pruned", ...: the words of tables and pages.
std::string_view outcome_word(study::Outcome outcome);

/// "1 trial", "2 trials".
std::string counted(std::int64_t number, std::string_view noun);

/// Why a trial ended as it did, in a line: its reason, else the limits that do not hold.
std::string explanation(const study::Trial& trial);
/// What the strategy expected: "exploit: 0.9123 +- 0.0041, fits 87 %"; empty where it said nothing.
std::string proposal_text(const study::Explanation& explanation);

}  // namespace atml::report
