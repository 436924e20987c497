// The search: trade-offs, course, finalists, time, all trials, and how to do it again.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "report/border.h"
#include "report/charts.h"
#include "report/derived.h"
#include "report/html.h"
#include "report/page.h"
#include "report/sections.h"
#include "study/rung_correlation.h"

namespace atml::report {
namespace {

constexpr std::string_view kTradeLegend = R"(<ul class="legend">
<li><svg viewBox="0 0 14 14"><circle cx="7" cy="7" r="4" class="fits"/></svg>fits, trained to the end</li>
<li><svg viewBox="0 0 14 14"><circle cx="7" cy="7" r="3.5" class="open"/></svg>fits, stopped early</li>
<li><svg viewBox="0 0 14 14"><path d="M3 3L11 11M3 11L11 3" class="misfit"/></svg>does not fit: never trained, shown at its size</li>
<li><svg viewBox="0 0 14 14"><path d="M0 9H7V4H14" class="front"/></svg>Pareto front</li>
<li><svg viewBox="0 0 14 14"><path d="M7 1L13 7L7 13L1 7Z" class="winner"/></svg>winner</li>
</ul>
)";

std::string figure(std::string_view heading, const std::string& svg) {
  if (svg.empty()) return "";
  return fmt::format("<figure><h3>{}</h3>\n{}</figure>\n", escape(heading), svg);
}

std::string seconds_text(double value) { return to_text(Seconds(value)); }

std::string_view tag_style(const study::Trial& t) {
  switch (t.outcome) {
    case study::Outcome::kMeasured:
      return "fit";
    case study::Outcome::kUndeployable:
    case study::Outcome::kBuildFailed:
    case study::Outcome::kEmulationFailed:
      return "no";
    case study::Outcome::kPruned:
      return "early";
    case study::Outcome::kRunning:
    case study::Outcome::kDiverged:
    case study::Outcome::kCancelled:
    case study::Outcome::kFailed:
      return "";
  }
  return "";
}

Cell bytes_cell(const study::Trial& t, std::int64_t bytes) {
  return t.figures ? number_cell(to_text(Bytes(bytes)), static_cast<double>(bytes)) : empty_cell();
}

Row trial_row(const study::Trial& t, const std::string& metric) {
  const study::Figures f = t.figures.value_or(study::Figures{});
  const double seconds =
      t.seconds.propose + t.seconds.deploy + t.seconds.train + t.seconds.quantize;
  const std::string why = explanation(t);
  std::string last = escape(t.configuration.text());
  if (!t.explanation.kind.empty())
    last += "<br>proposed as " + escape(proposal_text(t.explanation));
  if (!why.empty()) last = escape(why) + "<br>" + last;
  return {number_cell(std::to_string(t.number), t.number),
          {fmt::format("<span class=\"tag {}\">{}</span>", tag_style(t), outcome_word(t.outcome)),
           "", false},
          t.objective ? number_cell(metric_text(metric, *t.objective), *t.objective) : empty_cell(),
          t.rungs.empty()
              ? empty_cell()
              : number_cell(std::to_string(t.rungs.back().epochs), t.rungs.back().epochs),
          bytes_cell(t, f.flash_bytes),
          bytes_cell(t, f.ram_bytes),
          t.figures && f.latency_s > 0 ? number_cell(to_text(Seconds(f.latency_s)), f.latency_s)
                                       : empty_cell(),
          number_cell(seconds_text(seconds), seconds),
          {"<div class=\"long\">" + last + "</div>", "", false}};
}

std::vector<std::string> trial_headings(const ReportData& data) {
  return {"#trial",   "outcome", fmt::format("#{}", metric_name(data)),
          "#epochs",  "#flash",  "#RAM",
          "#latency", "#time",   "configuration"};
}

std::string row_limits(const ReportData& data) {
  std::string text = fmt::format("{} flash, {} RAM", to_text(data.limits.usable_flash()),
                                 to_text(data.limits.usable_ram()));
  if (data.limits.latency) text += ", " + to_text(*data.limits.latency);
  if (data.limits.energy) text += ", " + to_text(*data.limits.energy);
  if (data.limits.reserve_flash.value > 0 || data.limits.reserve_ram.value > 0) {
    text += fmt::format(" (the application keeps {} flash and {} RAM for itself)",
                        to_text(data.limits.reserve_flash), to_text(data.limits.reserve_ram));
  }
  return text;
}

std::string list_of(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += fmt::format("<li>{}</li>\n", escape(item));
  return out.empty() ? "" : "<ul class=\"plain\">\n" + out + "</ul>\n";
}

std::string samples_text(const DataSummary& d) {
  return fmt::format("{} ({}), {} samples of {}: {} to train, {} to validate, {} to test{}{}",
                     d.name, d.task, with_thousands(d.train + d.validation + d.test),
                     d.shape.text(), with_thousands(d.train), with_thousands(d.validation),
                     with_thousands(d.test), d.split.empty() ? "" : "; ", d.split);
}

}  // namespace

std::string trade_section(const ReportData& data) {
  const std::string body = figure("against flash", scatter_chart(data, "flash")) +
                           figure("against RAM", scatter_chart(data, "ram")) +
                           figure("against latency", scatter_chart(data, "latency"));
  if (body.empty()) return "";
  const Counts c = count_trials(data.trials);
  const std::string lead = fmt::format(
      "Validation {} of the int8 network. Of {}, {} did not fit and were never trained; {} were "
      "trained, "
      "{} of them stopped early.",
      metric_name(data), counted(c.proposed, "trial"), c.undeployable, c.trained, c.pruned);
  return section(
      c.trained > 0 ? fmt::format("What {} costs", metric_name(data)) : "What the candidates need",
      lead, "<div class=\"grid\">\n" + body + "</div>\n" + std::string(kTradeLegend));
}

std::string course_section(const ReportData& data) {
  const std::string body =
      figure("by trial (ticks under the axis: did not fit)", course_by_trial_chart(data)) +
      figure("by time", course_by_time_chart(data));
  return section(
      "The course of the search",
      "The line is the best int8 score so far of the trials that fit. Hollow: stopped early.",
      body.empty() ? "" : "<div class=\"grid wide\">\n" + body + "</div>\n");
}

std::string finalists_section(const ReportData& data) {
  if (data.finalists.empty()) return "";
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Finalist& f : data.finalists) {
    low = std::min(low, f.interval.low);
    high = std::max(high, f.interval.high);
    for (const double v : f.validations) {
      low = std::min(low, v);
      high = std::max(high, v);
    }
  }
  const std::string metric = metric_name(data);
  std::vector<Row> rows;
  for (const Finalist& f : data.finalists) {
    std::string seeds;
    for (const double v : f.validations)
      seeds += (seeds.empty() ? "" : ", ") + metric_text(metric, v);
    rows.push_back(
        {number_cell(std::to_string(f.trial), f.trial),
         number_cell(metric_text(metric, f.mean), f.mean),
         {escape(fmt::format("{} to {}", metric_text(metric, f.interval.low),
                             metric_text(metric, f.interval.high))),
          "", true},
         {whisker(f, low, high, metric), "", false},
         text_cell(seeds),
         number_cell(to_text(Bytes(f.figures.flash_bytes)),
                     static_cast<double>(f.figures.flash_bytes)),
         number_cell(to_text(Bytes(f.figures.ram_bytes)), static_cast<double>(f.figures.ram_bytes)),
         number_cell(to_text(Seconds(f.figures.latency_s)), f.figures.latency_s)});
  }
  return section(
      "The finalists",
      "The best candidates, each trained anew from several seeds. Validation, mean with its 95 % "
      "interval; one ring a seed.",
      html_table(
          {"#trial", "#mean", "#interval", "", "seeds", "#flash", "#RAM", "#latency"}, rows,
          {.highlighted = data.winner && data.finalists[0].trial == data.winner->trial ? 0 : -1}));
}

std::string time_section(const ReportData& data) {
  const Times& t = data.times;
  const double share = t.total > 0 ? 100 * t.propose / t.total : 0;
  std::string lead = fmt::format("{} in all; the proposals took {:.1f} % of it.",
                                 to_text(Seconds(t.total)), share);
  if (t.deploy_median > 0) {
    lead += fmt::format(
        " Deployability of a candidate (generate, compile, link, emulate): {} in the median, {} at "
        "the 95th percentile.",
        to_text(Seconds(t.deploy_median)), to_text(Seconds(t.deploy_p95)));
  }
  return section("Where the time went", lead,
                 stacked_bar({{"training", t.train},
                              {"deployability", t.deploy},
                              {"quantising", t.quantize},
                              {"finalists", t.finalists},
                              {"verifying", t.verify},
                              {"proposing", t.propose}},
                             seconds_text));
}

// What the search learnt of its parameters and its rungs; nothing where it learnt nothing.
std::string lessons(const ReportData& data) {
  std::string text;
  if (!data.importance.empty()) {
    std::string list;
    for (const auto& [name, share] : data.importance)
      list += fmt::format("{}{} {:.0f} %", list.empty() ? "" : ", ", escape(name), 100 * share);
    text += "<p>Share of the objective's variance that involves a parameter, by the surrogate: " +
            list + ".</p>\n";
  }
  if (data.border) {
    std::string list;
    for (const std::string& words : border_lines(*data.border))
      list += "<li>" + escape(words) + "</li>\n";
    if (!list.empty())
      text += "<p>What was learnt of the border between what fits and what does not:</p>\n<ul>\n" +
              list + "</ul>\n";
  }
  const std::string correlations = study::rung_correlation_text(data.trials);
  if (!correlations.empty())
    text += "<p>How well early rungs foretold later ones:</p>\n<pre>" + escape(correlations) +
            "</pre>\n";
  return text;
}

std::string trials_section(const ReportData& data) {
  if (data.trials.empty()) return "";
  std::vector<Row> rows;
  int winner = -1;
  for (const study::Trial& t : data.trials) {
    if (data.winner && t.number == data.winner->trial) winner = static_cast<int>(rows.size());
    rows.push_back(trial_row(t, metric_name(data)));
  }
  return section(fmt::format("All trials: {}", data.trials.size()),
                 "A click on a column's head sorts by it.",
                 html_table(trial_headings(data), rows, {.style = "tall", .highlighted = winner}) +
                     lessons(data));
}

std::string recent_trials_section(const ReportData& data, std::size_t most) {
  std::vector<Row> rows;
  for (std::size_t i = data.trials.size(); i > 0 && rows.size() < most; --i) {
    rows.push_back(trial_row(data.trials[i - 1], metric_name(data)));
  }
  if (rows.empty()) return "";
  return section("The latest trials", "", html_table(trial_headings(data), rows));
}

std::string provenance_section(const ReportData& data) {
  const Provenance& p = data.provenance;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"Version", p.version},
      {"Data", samples_text(data.data)},
      {"Data fingerprint",
       data.data.fingerprint != 0 ? fmt::format("{:016x}", data.data.fingerprint) : ""},
      {"Target", fmt::format("{}: {}, {} at {:g} MHz", data.target.name, data.target.title,
                             target::to_string(data.target.core), data.target.clock_hz * 1e-6)},
      {"Limits", row_limits(data)},
      {"Seed", std::to_string(p.seed)},
      {"Jobs", std::to_string(p.jobs)},
      {"Strategy", p.strategy},
      {"Space", p.space}};
  for (const auto& setting : p.settings) rows.push_back(setting);
  for (const auto& tool : p.tools) rows.push_back(tool);
  for (const auto& file : data.files) rows.emplace_back(file.first, file.second);
  std::string body = p.command.empty() ? "" : "<pre>" + escape(p.command) + "</pre>\n";
  body += definitions(rows);
  if (data.winner && !data.winner->network.empty()) {
    body += "<details><summary>The winner as text</summary>\n<pre>" + escape(data.winner->network) +
            "</pre>\n<pre>" + escape(data.winner->configuration) + "</pre></details>\n";
  }
  if (!data.target.sources.empty()) {
    body += "<details><summary>Sources of the target's figures</summary>\n" +
            list_of(data.target.sources) + list_of(data.target.notes) + "</details>\n";
  }
  return section(
      "To do it again",
      "The same command, seed and number of jobs give the same proposals, weights and bytes.",
      body);
}

}  // namespace atml::report
