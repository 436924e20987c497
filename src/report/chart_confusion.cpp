// Confusion matrix as a heat map: truth in rows, prediction in columns.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/charts.h"
#include "report/svg.h"

namespace atml::report {
namespace {

// The hovering text has the names whole.
std::string short_name(const std::string& name) { return shortened(name, 18); }

std::string share_text(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? fmt::format("{:.1f} %",
                                 100.0 * static_cast<double>(part) / static_cast<double>(whole))
                   : "-";
}

}  // namespace

std::string confusion_chart(const ConfusionMatrix& matrix,
                            const std::vector<std::string>& classes) {
  const std::size_t n = classes.size();
  if (n == 0 || matrix.counts.size() != n * n) return "";
  const double cell = std::clamp(520.0 / static_cast<double>(n), 12.0, 48.0);
  const double left = 128, top = 22, side = cell * static_cast<double>(n);
  Svg svg(left + side + 74, top + side + 112, "confusion matrix");
  svg.text(left, top - 8, "rows: truth, columns: prediction", Anchor::kStart, "label");
  svg.text(left + side + 8, top - 8, "recall", Anchor::kStart, "label");
  for (std::size_t truth = 0; truth < n; ++truth) {
    const auto row = matrix.counts.begin() + static_cast<std::ptrdiff_t>(truth * n);
    std::int64_t total = 0;
    for (std::size_t i = 0; i < n; ++i) total += row[static_cast<std::ptrdiff_t>(i)];
    const double y = top + cell * static_cast<double>(truth);
    svg.text(left - 8, y + cell / 2 + 4, short_name(classes[truth]), Anchor::kEnd);
    svg.text(left + side + 8, y + cell / 2 + 4,
             share_text(row[static_cast<std::ptrdiff_t>(truth)], total));
    for (std::size_t guess = 0; guess < n; ++guess) {
      const std::int64_t count = row[static_cast<std::ptrdiff_t>(guess)];
      const double share = total > 0 ? static_cast<double>(count) / static_cast<double>(total) : 0;
      const double x = left + cell * static_cast<double>(guess);
      const std::string title = fmt::format("{} taken for {}: {} of {} ({})", classes[truth],
                                            classes[guess], count, total, share_text(count, total));
      svg.rect(x, y, cell, cell, "cell");
      // Square root: the few mistakes, which one looks for, stay visible beside the diagonal.
      const double shade = std::min(0.999, truth == guess ? share : std::sqrt(share));
      svg.rect(x + 0.5, y + 0.5, cell - 1, cell - 1, truth == guess ? "hit" : "miss", title, shade);
      if (count > 0 && cell >= 24) {
        svg.text(x + cell / 2, y + cell / 2 + 4, std::to_string(count), Anchor::kMiddle,
                 share > 0.5 ? "on-dark" : "in-cell");
      }
    }
  }
  for (std::size_t guess = 0; guess < n; ++guess) {
    svg.text(left + cell * (static_cast<double>(guess) + 0.5) + 4, top + side + 14,
             short_name(classes[guess]), Anchor::kEnd, "tick", -45);
  }
  return std::move(svg).finish();
}

}  // namespace atml::report
