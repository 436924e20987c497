// The page of a running search: what one looks at from time to time, and nothing else.
#include <fmt/format.h>

#include <algorithm>

#include "report/derived.h"
#include "report/html.h"
#include "report/page.h"
#include "report/report.h"
#include "report/sections.h"

namespace atml::report {
namespace {

// A figure in large type with an optional bar (share < 0: none) and a line of detail.
std::string tile(std::string_view heading, const std::string& value, double share,
                 const std::string& detail) {
  const std::string bar =
      share < 0 ? ""
                : fmt::format("<div class=\"track\"><i style=\"width:{:.1f}%\"></i></div>",
                              std::clamp(share, 0.0, 1.0) * 100);
  return fmt::format(
      "<div class=\"gauge\"><h3>{}</h3><div class=\"value\">{}</div>{}<small>{}</small></div>\n",
      escape(heading), prose(value), bar, prose(detail));
}

const study::Trial* best_trial(const ReportData& data) {
  const study::Trial* best = nullptr;
  for (const study::Trial& t : data.trials) {
    if (!t.objective || !t.deployable()) continue;
    if (best == nullptr || *t.objective > *best->objective) best = &t;
  }
  return best;
}

std::string best_tile(const ReportData& data) {
  const study::Trial* best = best_trial(data);
  if (best == nullptr) return tile("Best so far", "-", -1, "no trial has been scored yet");
  const study::Figures& f = *best->figures;
  return tile(
      "Best so far", metric_text(metric_name(data), *best->objective), -1,
      fmt::format("trial {}: {} flash, {} RAM, {}", best->number, to_text(Bytes(f.flash_bytes)),
                  to_text(Bytes(f.ram_bytes)), to_text(Seconds(f.latency_s))));
}

std::string time_tile(const ReportData& data, const Progress& p) {
  const std::string elapsed = to_text(Seconds(p.elapsed_seconds));
  if (p.budget_seconds <= 0)
    return tile("Time", elapsed, -1, data.finished ? "done" : "no limit of time");
  const double left = std::max(0.0, p.budget_seconds - p.elapsed_seconds);
  return tile("Time", elapsed, p.elapsed_seconds / p.budget_seconds,
              fmt::format("{} of {}{}", elapsed, to_text(Seconds(p.budget_seconds)),
                          data.finished ? "" : fmt::format(", {} left", to_text(Seconds(left)))));
}

std::string trials_tile(const ReportData& data, const Progress& p) {
  const Counts c = count_trials(data.trials);
  const std::string detail = fmt::format("{} trained, {} stopped early, {} failed, {} open",
                                         c.trained, c.pruned, c.failed, c.open);
  return tile("Trials", with_thousands(c.proposed),
              p.budget_trials > 0 ? static_cast<double>(c.proposed) / p.budget_trials : -1,
              p.budget_trials > 0 ? fmt::format("of {}: {}", p.budget_trials, detail) : detail);
}

std::string feasible_tile(const ReportData& data) {
  const auto known = std::ranges::count_if(
      data.trials, [](const study::Trial& t) { return t.figures.has_value(); });
  const auto fit =
      std::ranges::count_if(data.trials, [](const study::Trial& t) { return t.deployable(); });
  if (known == 0) return tile("Proposals that fit", "-", -1, "none has been measured yet");
  const double share = static_cast<double>(fit) / static_cast<double>(known);
  return tile("Proposals that fit", fmt::format("{:.0f} %", share * 100), share,
              fmt::format("{} of {} measured", fit, known));
}

}  // namespace

std::string dashboard_page(const ReportData& data, const Progress& progress, int refresh_seconds) {
  const std::string title = fmt::format("{} on {}", data.data.name, data.target.name);
  std::string body = fmt::format(
      "<header>\n<p class=\"over\">autotinyml dashboard, study {}</p>\n<h1>{}</h1>\n<p "
      "class=\"sub\"><span class=\"verdict "
      "{}\">{}</span></p>\n<div class=\"gauges\">\n{}{}{}{}</div>\n</header>\n",
      escape(data.study), prose(title), data.finished ? "good" : "open",
      data.finished ? "finished" : "running", best_tile(data), time_tile(data, progress),
      trials_tile(data, progress), feasible_tile(data));
  body += nothing_section(data) + course_section(data) + trade_section(data) +
          recent_trials_section(data, 15);
  body += fmt::format(
      "<footer>{}</footer>\n",
      data.finished ? "The search has ended."
                    : fmt::format("This page loads itself anew every {} s.", refresh_seconds));
  return document(title, body, data.finished ? 0 : refresh_seconds);
}

}  // namespace atml::report
