// What one wants to know first: does it fit, how good is it, and how much room is left.
#include <fmt/format.h>

#include <algorithm>

#include "report/derived.h"
#include "report/html.h"
#include "report/page.h"
#include "report/sections.h"

namespace atml::report {
namespace {

// The bar is cut at the limit; what is beyond is said in words and by its pattern.
std::string gauge(const LimitUse& use, const std::string& detail) {
  const double width = std::clamp(use.share() * 100, 0.0, 100.0);
  std::string out = fmt::format("<div class=\"gauge\"><h3>{}</h3><div class=\"value\">{}</div>\n",
                                use.label, prose(use.used_text()));
  if (use.limited()) {
    out += fmt::format(
        "<div class=\"track{}\"><i style=\"width:{:.1f}%\"></i></div><small>of {}: "
        "{}</small><br>\n",
        use.holds() ? "" : " over-limit", width, prose(use.allowed_text()),
        prose(use.margin_text()));
  }
  return out + (detail.empty() ? "" : fmt::format("<small>{}</small>", prose(detail))) + "</div>\n";
}

std::string detail_of(const LimitUse& use, const study::Figures& f, std::int64_t statics,
                      const ReportData& data) {
  if (use.name == "ram" && f.arena_bytes > 0) {
    std::string text = fmt::format("arena {}", to_text(Bytes(f.arena_bytes)));
    if (statics > 0) text += fmt::format(" + statics {}", to_text(Bytes(statics)));
    return text + fmt::format(" + stack {}", to_text(Bytes(f.stack_bytes)));
  }
  if (use.name == "latency" && data.target.clock_hz > 0 && f.cycles_high > 0) {
    const auto time = [&](std::int64_t cycles) {
      return to_text(Seconds(static_cast<double>(cycles) / data.target.clock_hz));
    };
    return fmt::format("{} to {}{}", time(f.cycles_low), time(f.cycles_high),
                       data.target.cost.calibrated ? "" : ", uncalibrated");
  }
  return "";
}

std::string gauges(const study::Figures& figures, std::int64_t statics, const ReportData& data) {
  std::string out;
  for (const LimitUse& use : limit_uses(figures, data.limits))
    out += gauge(use, detail_of(use, figures, statics, data));
  return "<div class=\"gauges\">\n" + out + "</div>\n";
}

// The title without the board in brackets: "STMicroelectronics STM32F401RE".
std::string part_name(const target::Target& target) {
  return target.title.substr(0, target.title.find(" ("));
}

std::string interval_text(const Score& score) {
  if (!score.test_interval) return "";
  return fmt::format(" (95 % interval {} to {})", metric_text(score.name, score.test_interval->low),
                     metric_text(score.name, score.test_interval->high));
}

std::string winner_sentence(const ReportData& data) {
  const Score& s = data.winner->score;
  std::string text;
  if (s.test) {
    text = fmt::format("int8 {} {} on the {} test samples, which were read once, at the end{}. ",
                       s.name, metric_text(s.name, *s.test), with_thousands(data.data.test),
                       interval_text(s));
  }
  text += fmt::format("Validation {}", metric_text(s.name, s.validation));
  if (s.float_test)
    text += fmt::format(", the float network before quantisation {} on the test split",
                        metric_text(s.name, *s.float_test));
  return text + ".";
}

std::string header(const ReportData& data, const std::string& title, std::string_view tag,
                   std::string_view word, const std::string& sentence, const std::string& rest) {
  return fmt::format(
      "<header>\n<p class=\"over\">autotinyml report, study {}</p>\n<h1>{}</h1>\n"
      "<p class=\"sub\"><span class=\"verdict {}\">{}</span>{}</p>\n{}</header>\n",
      escape(data.study), prose(title), tag, word, prose(sentence), rest);
}

std::string winner_header(const ReportData& data) {
  const Winner& w = *data.winner;
  const bool holds = std::ranges::all_of(limit_uses(w.figures, data.limits), &LimitUse::holds);
  const double headline = w.score.test.value_or(w.score.validation);
  const std::string title =
      fmt::format("{} {} on {}, {} {}", metric_text(w.score.name, headline), w.score.name,
                  data.data.name, holds ? "running on" : "too large for", part_name(data.target));
  return header(data, title, holds ? "good" : "bad", holds ? "fits" : "does not fit",
                winner_sentence(data), gauges(w.figures, w.statics_bytes, data));
}

std::string empty_header(const ReportData& data) {
  const std::string where = fmt::format("{} on {}", data.data.name, part_name(data.target));
  if (!data.finished && !data.nothing_fits) {
    return header(data, where, "open", "not finished",
                  "The search has not ended: what follows is what is known so far.", "");
  }
  const study::Trial* nearest =
      data.nothing_fits ? find_trial(data, data.nothing_fits->trial) : nullptr;
  const bool known = nearest != nullptr && nearest->figures;
  std::string sentence = "No candidate was measured.";
  if (known)
    sentence = fmt::format("Below: trial {}, the candidate that came nearest.", nearest->number);
  else if (data.nothing_fits)
    sentence = fmt::format("The candidate that came nearest: {}.", data.nothing_fits->text);
  return header(data, "Nothing that fits was found for " + where, "bad", "does not fit", sentence,
                known ? gauges(*nearest->figures, 0, data) : "");
}

}  // namespace

std::string headline_section(const ReportData& data) {
  std::string out = data.winner ? winner_header(data) : empty_header(data);
  if (data.notes.empty()) return out;
  std::string items;
  for (const std::string& note : data.notes) items += fmt::format("<li>{}</li>\n", escape(note));
  return out + section("Please note", "",
                       "<div class=\"warn\"><ul class=\"plain\">\n" + items + "</ul></div>\n");
}

std::string nothing_section(const ReportData& data) {
  if (!data.nothing_fits) return "";
  const NothingFits& n = *data.nothing_fits;
  std::string body = fmt::format("<p class=\"cause\"><b>{}</b></p>\n", escape(n.text));
  std::string items;
  for (const std::string& remedy : n.remedies)
    items += fmt::format("<li>{}</li>\n", escape(remedy));
  if (!items.empty()) body += "<h3>What would do</h3>\n<ul class=\"plain\">\n" + items + "</ul>\n";
  return section("Which limit binds",
                 fmt::format("The {} limit is the one that no candidate could keep.", n.limit),
                 body);
}

}  // namespace atml::report
