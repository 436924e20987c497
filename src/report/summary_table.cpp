// The end-of-run table and the verdict of `autotinyml check`, for a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/border.h"
#include "report/derived.h"
#include "report/report.h"
#include "report/text_table.h"

namespace atml::report {
namespace {

constexpr int kLabel = 11;  // columns of the left-hand labels

class Paint {
 public:
  explicit Paint(bool colour) : colour_(colour) {}
  std::string bold(const std::string& text) const { return with("1", text); }
  std::string good(const std::string& text) const { return with("1;32", text); }
  std::string bad(const std::string& text) const { return with("1;31", text); }
  std::string dim(const std::string& text) const { return with("2", text); }

 private:
  std::string with(const char* code, const std::string& text) const {
    return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }
  bool colour_;
};

// Columns of a text that may hold colour sequences (ESC [ ... m), which take none.
int shown_width(std::string_view text) {
  int width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b')
      i = std::min(text.find('m', i), text.size());
    else
      width += display_width(text.substr(i, 1));
  }
  return width;
}

// "  label      text", broken at blanks and continued under the text where it is wider than a
// terminal.
std::string line(std::string_view label, const std::string& text) {
  constexpr int kWidth = 100;
  std::string out = fmt::format("  {:<{}}", label, kLabel);
  if (shown_width(text) <= kWidth - kLabel - 2) return out + text + "\n";
  int used = kLabel + 2;
  for (const std::string& word : split(text, ' ')) {
    const int width = shown_width(word);
    if (used + width > kWidth && used > kLabel + 2) {
      out.erase(out.find_last_not_of(' ') + 1);
      out += fmt::format("\n{:{}}", "", kLabel + 2);
      used = kLabel + 2;
    }
    out += word + " ";
    used += width + 1;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + "\n";
}

// "[############--------]": the share of a limit in 20 columns; at least one mark where anything is
// used.
std::string gauge(double share) {
  constexpr int kColumns = 20;
  const int full =
      std::clamp(static_cast<int>(std::lround(share * kColumns)), share > 0 ? 1 : 0, kColumns);
  return fmt::format("[{}{}]", std::string(static_cast<std::size_t>(full), '#'),
                     std::string(static_cast<std::size_t>(kColumns - full), '.'));
}

std::string limit_line(const LimitUse& use, const Paint& paint) {
  if (!use.limited()) return line(use.label, use.used_text());
  const std::string margin = fmt::format("{:<20}", use.margin_text());
  return line(use.label, fmt::format("{:>9} of {:>9}   {}{} {:3.0f} %", use.used_text(),
                                     use.allowed_text(), use.holds() ? margin : paint.bad(margin),
                                     gauge(use.share()), use.share() * 100));
}

std::string cycles_text(const study::Figures& f, const target::Target& target) {
  if (f.instructions == 0 && f.origin == "analytic bound")
    return "lower bounds by arithmetic, nothing was built; --oracle builtin measures";
  if (f.instructions == 0 && f.cycles_mid > 0)  // a board or a command counts no instructions
    return fmt::format("{} (from {} to {})", with_thousands(f.cycles_mid),
                       with_thousands(f.cycles_low), with_thousands(f.cycles_high));
  if (f.instructions == 0 && f.latency_s > 0) return "not told by " + f.origin;
  if (f.instructions == 0) return "not emulated: the sizes alone do not fit";
  const auto time = [&](std::int64_t cycles) {
    return to_text(Seconds(static_cast<double>(cycles) / target.clock_hz));
  };
  return fmt::format("{} instructions, {} cycles, {} to {} at {:g} MHz{}",
                     with_thousands(f.instructions), with_thousands(f.cycles_mid),
                     time(f.cycles_low), time(f.cycles_high), target.clock_hz * 1e-6,
                     target.cost.calibrated ? "" : " (uncalibrated)");
}

std::string limit_lines(const study::Figures& figures, const target::Limits& limits,
                        const Paint& paint) {
  std::string text;
  for (const LimitUse& use : limit_uses(figures, limits)) text += limit_line(use, paint);
  return text;
}

std::string score_text(const Score& score, const Paint& paint) {
  std::string text;
  if (score.test) {
    text = paint.bold(
        fmt::format("{} {} on the test split", metric_text(score.name, *score.test), score.name));
    if (score.test_interval) {
      text += fmt::format(" ({} to {})", metric_text(score.name, score.test_interval->low),
                          metric_text(score.name, score.test_interval->high));
    }
    text += ", int8";
  }
  text += fmt::format("{}validation {}", text.empty() ? "" : "; ",
                      metric_text(score.name, score.validation));
  if (score.float_test)
    text += fmt::format(", float test {}", metric_text(score.name, *score.float_test));
  return text;
}

std::string network_text(const Winner& w) {
  const std::string operators =
      w.layers.empty() ? "" : fmt::format("{} operators, ", w.layers.size());
  return fmt::format("{}{} MACs, {} parameters; trial {}, {} rounding", operators,
                     with_thousands(w.figures.macs), with_thousands(w.figures.parameters), w.trial,
                     w.rounding);
}

std::string checked_text(const BitExactness& check, const Paint& paint) {
  if (!check.checked) return paint.bad("not checked for bit-exactness");
  const std::string what = fmt::format("{} test samples: {}", with_thousands(check.samples),
                                       join(check.executions, ", "));
  if (check.equal) return what + ": identical bytes";
  return paint.bad(fmt::format("{}: THE BYTES DIFFER{}{}", what, check.detail.empty() ? "" : ": ",
                               check.detail));
}

std::string winner_lines(const ReportData& data, const Paint& paint) {
  const Winner& w = *data.winner;
  const bool holds = std::ranges::all_of(limit_uses(w.figures, data.limits), &LimitUse::holds);
  std::string text = line("verdict", holds ? paint.good("fits") : paint.bad("does not fit"));
  text += line("score", score_text(w.score, paint)) + limit_lines(w.figures, data.limits, paint);
  text += line("cycles", cycles_text(w.figures, data.target)) + line("network", network_text(w));
  return text + line("bit-exact", checked_text(w.bit_exactness, paint));
}

std::string nothing_lines(const ReportData& data, const Paint& paint) {
  if (!data.nothing_fits) {
    return line("verdict",
                data.finished ? paint.bad("no trial was measured") : "the search has not ended");
  }
  const NothingFits& n = *data.nothing_fits;
  std::string text = line("verdict", paint.bad("nothing that fits was found"));
  text += line("binding", n.text);
  if (const study::Trial* t = find_trial(data, n.trial); t != nullptr && t->figures) {
    text += line("nearest", fmt::format("trial {}", n.trial)) +
            limit_lines(*t->figures, data.limits, paint);
  }
  for (std::size_t i = 0; i < n.remedies.size(); ++i)
    text += line(i == 0 ? "would do" : "", n.remedies[i]);
  return text;
}

std::string finalists_lines(const ReportData& data) {
  std::string text;
  const std::string metric = metric_name(data);
  for (std::size_t i = 0; i < data.finalists.size(); ++i) {
    const Finalist& f = data.finalists[i];
    text += line(i == 0 ? "finalists" : "",
                 fmt::format("trial {:<4} {} ({} to {}, {} seeds)", f.trial,
                             metric_text(metric, f.mean), metric_text(metric, f.interval.low),
                             metric_text(metric, f.interval.high), f.validations.size()));
  }
  return text;
}

std::string trials_line(const ReportData& data) {
  const Counts c = count_trials(data.trials);
  std::string text = fmt::format(
      "{} proposed, {} did not fit (never trained), {} trained, {} of them stopped early",
      c.proposed, c.undeployable, c.trained, c.pruned);
  if (c.failed > 0) text += fmt::format(", {} failed", c.failed);
  return line("trials", text);
}

std::string time_lines(const Times& t) {
  const auto part = [&](const char* name, double seconds) {
    return fmt::format("{} {}", name, to_text(Seconds(seconds)));
  };
  const double share = t.total > 0 ? t.propose / t.total * 100 : 0;
  std::string text =
      line("time", fmt::format("{}: {}, {}, {}, {} ({:.1f} %)", to_text(Seconds(t.total)),
                               part("train", t.train), part("finalists", t.finalists),
                               part("deploy", t.deploy), part("propose", t.propose), share));
  if (t.deploy_median > 0) {
    text += line("deploy",
                 fmt::format("{} a candidate in the median, {} at the 95th percentile",
                             to_text(Seconds(t.deploy_median)), to_text(Seconds(t.deploy_p95))));
  }
  return text;
}

std::string estimate_line(const ReportData& data) {
  if (!data.estimate_error || data.estimate_error->candidates == 0) return "";
  const EstimateError& e = *data.estimate_error;
  return line("estimate",
              fmt::format("against the linked ELF of {} candidates: flash {:.1f} % in the median "
                          "({:.1f} % worst), RAM {:.1f} % ({:.1f} %)",
                          e.candidates, e.flash_median, e.flash_worst, e.ram_median, e.ram_worst));
}

std::string border_text(const ReportData& data) {
  std::string text;
  if (!data.border) return text;
  for (const std::string& words : border_lines(*data.border))
    text += line(text.empty() ? "border" : "", printable(words));
  return text;
}

std::string files_lines(const ReportData& data, const Paint& paint) {
  std::string text;
  for (std::size_t i = 0; i < data.files.size(); ++i) {
    text += line(i == 0 ? "files" : "",
                 fmt::format("{:<24} {}", data.files[i].first, paint.dim(data.files[i].second)));
  }
  return text;
}

}  // namespace

std::string summary_table(const ReportData& data, bool colour) {
  const Paint paint(colour);
  std::string text = fmt::format(
      "\n  {}", paint.bold(fmt::format("{} on {}", printable(data.data.name), data.target.name)));
  text += fmt::format(" - {}, {} at {:g} MHz\n\n", printable(data.target.title),
                      target::to_string(data.target.core), data.target.clock_hz * 1e-6);
  text += data.winner ? winner_lines(data, paint) : nothing_lines(data, paint);
  text += '\n';
  text += finalists_lines(data) + trials_line(data) + border_text(data) + time_lines(data.times) +
          estimate_line(data);
  for (std::size_t i = 0; i < data.notes.size(); ++i)
    text += line(i == 0 ? "notes" : "", printable(data.notes[i]));
  return text + files_lines(data, paint) + "\n";
}

std::string check_table(const Check& check, bool colour) {
  const Paint paint(colour);
  std::string text = fmt::format(
      "\n  {}\n\n", paint.bold(fmt::format("{} on {}", printable(check.model), check.target.name)));
  const bool unknown = !check.reasons.empty() && check.reasons[0].starts_with("not computable");
  text += line("verdict", check.deployable ? paint.good("fits")
                          : unknown        ? paint.bad("cannot be told")
                                           : paint.bad("does not fit"));
  for (std::size_t i = 0; i < check.reasons.size(); ++i)
    text += line(i == 0 ? "because" : "", printable(check.reasons[i]));
  if (check.figures.flash_bytes > 0) {
    text += limit_lines(check.figures, check.limits, paint) +
            line("cycles", cycles_text(check.figures, check.target));
    text += line("RAM is", fmt::format("arena {} + statics {} + stack {}",
                                       to_text(Bytes(check.figures.arena_bytes)),
                                       to_text(Bytes(check.statics_bytes)),
                                       to_text(Bytes(check.figures.stack_bytes))));
  }
  if (check.layers.empty()) return text + "\n";
  TextTable table({{"operator"},
                   {"kind"},
                   {"output"},
                   {"MACs", Align::kRight},
                   {"flash", Align::kRight},
                   {"instructions", Align::kRight},
                   {"cycles", Align::kRight}});
  for (const LayerRow& l : check.layers) {
    table.add({l.name, l.kind, l.output.text(), with_thousands(l.macs),
               to_text(Bytes(l.weight_bytes)),
               l.instructions > 0 ? with_thousands(l.instructions) : "-",
               l.cycles > 0 ? with_thousands(l.cycles) : "-"});
  }
  text += "\n";
  for (const std::string& row : split(trim(table.text()), '\n')) text += "  " + row + "\n";
  return text + "\n";
}

}  // namespace atml::report
