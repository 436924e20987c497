// The winner: layer by layer, its memory over time, where its flash goes.
#include <fmt/format.h>

#include <algorithm>

#include "report/charts.h"
#include "report/derived.h"
#include "report/html.h"
#include "report/page.h"
#include "report/sections.h"

namespace atml::report {
namespace {

// A number with a small bar that shows its share of the column's largest.
Cell metered(std::int64_t value, std::int64_t largest, const std::string& text) {
  const double share =
      largest > 0 ? 100.0 * static_cast<double>(value) / static_cast<double>(largest) : 0;
  Cell cell = number_cell(text, static_cast<double>(value));
  cell.html += fmt::format("<span class=\"meter\"><i style=\"width:{:.1f}%\"></i></span>", share);
  return cell;
}

std::string or_dash(std::int64_t value) { return value > 0 ? with_thousands(value) : "-"; }

// Numbers of the foot stand under those of their column, which have a meter beside them.
Cell summed(const std::string& text) {
  return {fmt::format("{}<span class=\"meter none\"></span>", escape(text)), "", true};
}

Row total_row(const Winner& w) {
  LayerRow sum;
  for (const LayerRow& l : w.layers) {
    sum.macs += l.macs;
    sum.weight_bytes += l.weight_bytes;
    sum.instructions += l.instructions;
    sum.cycles += l.cycles;
  }
  return {{"<b>all</b>", "", false},
          text_cell(""),
          text_cell(""),
          summed(or_dash(sum.macs)),
          summed(to_text(Bytes(sum.weight_bytes))),
          number_cell(or_dash(sum.instructions), 0),
          summed(or_dash(sum.cycles)),
          text_cell("")};
}

template <class Member>
std::int64_t largest(const std::vector<LayerRow>& layers, Member member) {
  std::int64_t most = 0;
  for (const LayerRow& l : layers) most = std::max(most, l.*member);
  return most;
}

std::string bytes_text(double value) { return to_text(Bytes(static_cast<std::int64_t>(value))); }

}  // namespace

std::string layers_section(const ReportData& data) {
  if (!data.winner || data.winner->layers.empty()) return "";
  const Winner& w = *data.winner;
  const std::int64_t macs = largest(w.layers, &LayerRow::macs),
                     weights = largest(w.layers, &LayerRow::weight_bytes),
                     cycles = largest(w.layers, &LayerRow::cycles);
  std::vector<Row> rows;
  for (const LayerRow& l : w.layers) {
    const std::string per_mac =
        l.macs > 0 && l.cycles > 0
            ? fmt::format("{:.2f}", static_cast<double>(l.cycles) / static_cast<double>(l.macs))
            : "";
    rows.push_back({text_cell(l.name),
                    text_cell(l.kind),
                    text_cell(l.output.text()),
                    metered(l.macs, macs, or_dash(l.macs)),
                    metered(l.weight_bytes, weights, to_text(Bytes(l.weight_bytes))),
                    number_cell(or_dash(l.instructions), static_cast<double>(l.instructions)),
                    metered(l.cycles, cycles, or_dash(l.cycles)),
                    {per_mac, "", true}});
  }
  const std::string lead = fmt::format(
      "Trial {}: {} operators, {} MACs, {} parameters. Cycles are the middle of the cycle model.",
      w.trial, w.layers.size(), with_thousands(w.figures.macs),
      with_thousands(w.figures.parameters));
  return section("The network, layer by layer", lead,
                 html_table({"operator", "kind", "output", "#MACs", "#flash", "#instructions",
                             "#cycles", "#cycles/MAC"},
                            rows, {.foot = total_row(w)}));
}

std::string memory_section(const ReportData& data) {
  if (!data.winner) return "";
  const std::string chart = memory_chart(*data.winner);
  if (chart.empty()) return "";
  const MemoryPlan& plan = data.winner->memory;
  std::string lead = fmt::format(
      "The arena has {}. Each box is a tensor: its bytes from top to bottom, its life from left to "
      "right. "
      "Boxes overlap where an operator writes over what it has read; bytes that are alive under no "
      "box are its working memory.",
      to_text(Bytes(plan.arena_bytes)));
  if (!plan.live_bytes.empty()) {
    const std::int64_t peak = *std::ranges::max_element(plan.live_bytes);
    lead += fmt::format(" At the peak {} are alive, {:.1f} % of the arena.", to_text(Bytes(peak)),
                        100.0 * static_cast<double>(peak) / static_cast<double>(plan.arena_bytes));
  }
  return section("Memory over time", lead, "<div class=\"scroll\">\n" + chart + "</div>\n");
}

std::string flash_section(const ReportData& data) {
  if (!data.winner) return "";
  std::vector<Part> parts;
  std::int64_t total = 0;
  for (const FlashPart& part : data.winner->flash_split) {
    parts.push_back({part.name, static_cast<double>(part.bytes)});
    total += part.bytes;
  }
  return section(
      "Where the flash goes",
      fmt::format("{} in the linked firmware: every byte that is loaded.", to_text(Bytes(total))),
      stacked_bar(parts, bytes_text));
}

std::string confusion_section(const ReportData& data) {
  if (!data.winner || !data.winner->confusion) return "";
  const std::string chart = confusion_chart(*data.winner->confusion, data.data.classes);
  if (chart.empty()) return "";
  return section("What is taken for what",
                 "The int8 network on the test split. Blue: right, orange: wrong; the depth is the "
                 "share of the row.",
                 "<div class=\"scroll\">\n" + chart + "</div>\n");
}

std::string trust_section(const ReportData& data) {
  if (!data.winner) return "";
  const Winner& w = *data.winner;
  const BitExactness& b = w.bit_exactness;
  std::vector<std::pair<std::string, std::string>> rows;
  if (!b.checked) {
    rows.emplace_back("Bit-exactness", "not checked");
  } else {
    std::string list;
    for (const std::string& e : b.executions) list += (list.empty() ? "" : ", ") + e;
    rows.emplace_back(
        "Bit-exactness",
        fmt::format("{} on {} test samples: {}{}", b.equal ? "identical bytes" : "THE BYTES DIFFER",
                    with_thousands(b.samples), list, b.detail.empty() ? "" : "; " + b.detail));
  }
  rows.emplace_back("Rounding",
                    w.rounding == "double" ? "double, as TFLite's reference kernels" : w.rounding);
  rows.emplace_back("Flash and RAM", w.figures.origin);
  rows.emplace_back(
      "Cycles",
      fmt::format(
          "{} instructions counted; {} to {} cycles, middle {}: a model, not a measured latency",
          with_thousands(w.figures.instructions), with_thousands(w.figures.cycles_low),
          with_thousands(w.figures.cycles_high), with_thousands(w.figures.cycles_mid)));
  rows.emplace_back(data.target.cost.calibrated ? "Calibration" : "No calibration",
                    data.target.cost.note);
  if (data.target.microamps_per_mhz > 0) {
    rows.emplace_back("Energy", fmt::format("latency x {:.1f} mW ({:g} uA/MHz at {:g} V)",
                                            data.target.run_watts() * 1e3,
                                            data.target.microamps_per_mhz, data.target.volts));
  }
  if (data.estimate_error && data.estimate_error->candidates > 0) {
    const EstimateError& e = *data.estimate_error;
    rows.emplace_back(
        "Estimate against ELF",
        fmt::format("{} candidates: flash {:.2f} % in the median, {:.2f} % at worst; RAM {:.2f} % "
                    "and {:.2f} %",
                    e.candidates, e.flash_median, e.flash_worst, e.ram_median, e.ram_worst));
  }
  return section("How far to trust these figures", "", definitions(rows));
}

}  // namespace atml::report
