// Bars of parts, and means with whiskers.
#include <fmt/format.h>

#include <algorithm>

#include "report/axis.h"
#include "report/charts.h"
#include "report/derived.h"
#include "report/html.h"
#include "report/svg.h"

namespace atml::report {

std::string stacked_bar(const std::vector<Part>& parts, std::string (*unit)(double)) {
  constexpr int kStyles = 6;
  double total = 0;
  for (const Part& part : parts) total += part.value;
  if (!(total > 0)) return "";
  std::string bar, legend;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!(parts[i].value > 0)) continue;
    const double share = parts[i].value / total * 100;
    const std::string text =
        fmt::format("{}: {}, {:.1f} %", parts[i].label, unit(parts[i].value), share);
    bar += fmt::format("<span class=\"part part{}\" style=\"width:{:.2f}%\" title=\"{}\"></span>",
                       i % kStyles, share, escape(text));
    legend += fmt::format("<li><i class=\"part{}\"></i>{} <b>{}</b> <small>{:.1f} %</small></li>\n",
                          i % kStyles, escape(parts[i].label), escape(unit(parts[i].value)), share);
  }
  return fmt::format("<div class=\"stack\">{}</div>\n<ul class=\"legend\">\n{}</ul>\n", bar,
                     legend);
}

std::string whisker(const Finalist& finalist, double low, double high, std::string_view metric) {
  constexpr double kWidth = 260, kMiddle = 11;
  const Axis x(Scale::kLinear, low, high, 8, kWidth - 8);
  Svg svg(kWidth, 22,
          fmt::format("mean {} of trial {}", metric_text(metric, finalist.mean), finalist.trial));
  svg.line(8, kMiddle, kWidth - 8, kMiddle, "grid");
  svg.line(x.at(finalist.interval.low), kMiddle, x.at(finalist.interval.high), kMiddle, "whisker");
  for (const double end : {finalist.interval.low, finalist.interval.high})
    svg.line(x.at(end), kMiddle - 5, x.at(end), kMiddle + 5, "whisker");
  for (const double seed : finalist.validations)
    svg.circle(x.at(seed), kMiddle, 2.4, "open", metric_text(metric, seed));
  svg.diamond(x.at(finalist.mean), kMiddle, 5, "fits",
              "mean " + metric_text(metric, finalist.mean));
  return std::move(svg).finish();
}

}  // namespace atml::report
