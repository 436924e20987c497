// The arena over time: which bytes hold which tensor while which operator runs.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "report/axis.h"
#include "report/charts.h"
#include "report/svg.h"

namespace atml::report {
namespace {

constexpr double kLeft = 62, kLiveTop = 26, kLiveBottom = 106, kMapTop = 132, kMapBottom = 372;
constexpr double kGroupTop = 113, kGroupHeight = 13;
constexpr int kTensorStyles = 6;  // classes tensor0 .. tensor5

struct Layout {
  int operators = 1;
  double column = 40;  // pixels an operator

  double x(int op) const { return kLeft + column * op; }
  double right() const { return x(operators); }
};

Layout layout_of(const Winner& winner) {
  Layout layout;
  layout.operators = static_cast<int>(winner.layers.size());
  if (layout.operators == 0) {
    for (const Placement& p : winner.memory.placements)
      layout.operators = std::max(layout.operators, p.last_op + 1);
  }
  layout.operators = std::max(layout.operators, 1);
  layout.column = std::clamp(1040.0 / layout.operators, 14.0, 140.0);
  return layout;
}

std::string operator_name(const Winner& winner, int op) {
  const auto index = static_cast<std::size_t>(op);
  return op >= 0 && index < winner.layers.size() ? winner.layers[index].name
                                                 : fmt::format("operator {}", op);
}

constexpr double kKib = 1024;  // axes are in KiB, so that their ticks are round

void byte_axis(Svg& svg, const Axis& y, double right) {
  for (const double tick : y.ticks(24)) {
    svg.line(kLeft, y.at(tick), right, y.at(tick), "grid");
    svg.text(kLeft - 6, y.at(tick) + 4, tick_text(tick), Anchor::kEnd);
  }
}

std::size_t peak_of(const std::vector<std::int64_t>& live) {
  return static_cast<std::size_t>(std::ranges::max_element(live) - live.begin());
}

void draw_live(Svg& svg, const Winner& winner, const Layout& layout) {
  const auto& live = winner.memory.live_bytes;
  const Axis y(Scale::kLinear, 0, static_cast<double>(winner.memory.arena_bytes) / kKib,
               kLiveBottom, kLiveTop);
  byte_axis(svg, y, layout.right());
  const std::size_t peak = peak_of(live);
  for (std::size_t op = 0; op < live.size(); ++op) {
    const double top = y.at(static_cast<double>(live[op]) / kKib);
    svg.rect(layout.x(static_cast<int>(op)) + 1, top, layout.column - 2, kLiveBottom - top,
             op == peak ? "peak" : "live",
             fmt::format("{}: {} alive", operator_name(winner, static_cast<int>(op)),
                         to_text(Bytes(live[op]))));
  }
  svg.line(kLeft, kLiveBottom, layout.right(), kLiveBottom, "axis");
  const double middle = layout.x(static_cast<int>(peak)) + layout.column / 2;
  const bool late = middle > layout.right() / 2;
  svg.text(late ? std::min(layout.right(), middle + layout.column / 2)
                : std::max(kLeft, middle - layout.column / 2),
           kLiveTop - 10,
           fmt::format("peak {} in {}", to_text(Bytes(live[peak])),
                       operator_name(winner, static_cast<int>(peak))),
           late ? Anchor::kEnd : Anchor::kStart, "peak-label");
}

// Yellow, pink and sky blue: dark letters are read better on them, in light and in dark mode.
bool is_light(std::size_t style) { return style == 1 || style == 3 || style == 4; }

void draw_tensor(Svg& svg, const Winner& winner, const Layout& layout, const Axis& y,
                 std::size_t index) {
  const Placement& p = winner.memory.placements[index];
  // The input lives from before the first operator, the result until after the last.
  const int first = std::clamp(p.first_op, 0, layout.operators - 1);
  const int last = std::clamp(p.last_op, first, layout.operators - 1);
  const double left = layout.x(first) + 1;
  const double width = layout.column * (last - first + 1) - 2;
  const double top = y.at(static_cast<double>(p.offset + p.size) / kKib);
  const double height = std::max(1.5, y.at(static_cast<double>(p.offset) / kKib) - top);
  svg.rect(left, top, width, height, fmt::format("tensor{}", index % kTensorStyles),
           fmt::format("{}: {} at offset {}, from {} to {}{}", p.tensor, to_text(Bytes(p.size)),
                       p.offset, operator_name(winner, first), operator_name(winner, last),
                       p.rows > 0 ? fmt::format(", {} rows at a time", p.rows) : ""),
           0.88);
  if (height >= 13 && width >= 7.0 * static_cast<double>(p.tensor.size()) + 6) {
    svg.text(left + 4, top + height / 2 + 4, p.tensor, Anchor::kStart,
             is_light(index % kTensorStyles) ? "in-light" : "in-box");
  }
}

// A bracket over the operators that run together row by row.
void draw_groups(Svg& svg, const Winner& winner, const Layout& layout) {
  for (const StreamedGroup& g : winner.memory.groups) {
    const int first = std::clamp(g.first_op, 0, layout.operators - 1);
    const int last = std::clamp(g.last_op, first, layout.operators - 1);
    const double left = layout.x(first) + 1, right = layout.x(last + 1) - 1;
    svg.rect(left, kGroupTop, right - left, kGroupHeight, "live",
             fmt::format("{} to {} run row by row over line buffers, about {} instructions more; "
                         "nothing is computed twice",
                         operator_name(winner, first), operator_name(winner, last),
                         g.extra_instructions));
    if (right - left >= 70)
      svg.text((left + right) / 2, kGroupTop + kGroupHeight - 3, "row by row", Anchor::kMiddle,
               "in-light");
  }
}

void draw_operators(Svg& svg, const Winner& winner, const Layout& layout) {
  const int step = std::max(1, static_cast<int>(14 / layout.column + 0.99));
  for (int op = 0; op < layout.operators; op += step) {
    svg.text(layout.x(op) + layout.column / 2 + 3, kMapBottom + 12,
             shortened(operator_name(winner, op), 18), Anchor::kEnd, "tick", -45);
  }
}

}  // namespace

std::string memory_chart(const Winner& winner) {
  const MemoryPlan& plan = winner.memory;
  if (plan.placements.empty() || plan.arena_bytes <= 0) return "";
  const Layout layout = layout_of(winner);
  Svg svg(std::max(layout.right() + 14, 420.0), 448, "arena bytes over the operators");
  if (!plan.live_bytes.empty()) draw_live(svg, winner, layout);
  const Axis y(Scale::kLinear, 0, static_cast<double>(plan.arena_bytes) / kKib, kMapBottom,
               kMapTop);
  byte_axis(svg, y, layout.right());
  // Large ones first: where an operator writes over what it has read, the smaller box stays
  // visible.
  std::vector<std::size_t> order(plan.placements.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return plan.placements[a].size > plan.placements[b].size;
  });
  for (const std::size_t i : order) draw_tensor(svg, winner, layout, y, i);
  draw_groups(svg, winner, layout);
  svg.line(kLeft, kMapBottom, layout.right(), kMapBottom, "axis");
  svg.line(kLeft, y.at(y.high()), layout.right(), y.at(y.high()), "limit");
  svg.text(14, (kLiveTop + kLiveBottom) / 2, "alive, KiB", Anchor::kMiddle, "label", -90);
  svg.text(14, (kMapTop + kMapBottom) / 2, "offset in the arena, KiB", Anchor::kMiddle, "label",
           -90);
  draw_operators(svg, winner, layout);
  return std::move(svg).finish();
}

}  // namespace atml::report
