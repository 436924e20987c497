// `autotinyml targets`: the catalogue, and one part with all its figures and their sources.
#include <fmt/format.h>

#include <utility>

#include "base/json.h"
#include "report/report.h"
#include "report/text_table.h"

namespace atml::report {
namespace {

std::string megahertz(const target::Target& t) { return fmt::format("{:g}", t.clock_hz * 1e-6); }

std::string microamps(double value) { return value > 0 ? fmt::format("{:g}", value) : "?"; }

std::string hexadecimal(std::uint32_t address) { return fmt::format("0x{:08x}", address); }

Json region_json(const target::Region& region) {
  return Json::object()
      .set("origin", static_cast<std::int64_t>(region.origin))
      .set("bytes", region.size.value);
}

Json figure_json(double value) { return value > 0 ? Json(value) : Json(); }

Json strings_json(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push(text);
  return list;
}

Json target_json(const target::Target& t) {
  return Json::object()
      .set("name", t.name)
      .set("title", t.title)
      .set("core", std::string(target::to_string(t.core)))
      .set("fpu", t.fpu)
      .set("dsp", t.dsp)
      .set("clock_hz", t.clock_hz)
      .set("flash", region_json(t.flash))
      .set("ram", region_json(t.ram))
      .set("volts", t.volts)
      .set("microamps_per_mhz", figure_json(t.microamps_per_mhz))
      .set("sleep_microamps", figure_json(t.sleep_microamps))
      .set("cost", Json::object()
                       .set("factor", t.cost.factor)
                       .set("low_factor", t.cost.low_factor)
                       .set("high_factor", t.cost.high_factor)
                       .set("calibrated", t.cost.calibrated)
                       .set("note", t.cost.note))
      .set("sources", strings_json(t.sources))
      .set("notes", strings_json(t.notes));
}

// A list item in lines of at most 86 columns, broken at blanks.
std::string wrapped(std::string_view text) {
  constexpr int kWidth = 82;
  std::string out = "  - ";
  int used = 0;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    const std::string word = printable(text.substr(start, end - start));
    if (used > 0 && used + 1 + display_width(word) > kWidth) {
      out += "\n    ";
      used = 0;
    }
    out += (used > 0 ? " " : "") + word;
    used += display_width(word) + 1;
    start = end + 1;
  }
  return out + "\n";
}

}  // namespace

std::string targets_table(std::span<const target::Target> targets) {
  TextTable table({{"name"},
                   {"core"},
                   {"MHz", Align::kRight},
                   {"flash", Align::kRight},
                   {"RAM", Align::kRight},
                   {"FPU"},
                   {"uA/MHz", Align::kRight},
                   {"cycles"},
                   {"part"}});
  for (const target::Target& t : targets) {
    table.add({t.name, std::string(target::to_string(t.core)), megahertz(t), to_text(t.flash.size),
               to_text(t.ram.size), t.fpu ? "yes" : "no", microamps(t.microamps_per_mhz),
               t.cost.calibrated ? "calibrated" : "table only", t.title});
  }
  return table.text();
}

std::string targets_json(std::span<const target::Target> targets) {
  Json list = Json::array();
  for (const target::Target& t : targets) list.push(target_json(t));
  return Json::object().set("schema", 1).set("targets", list).dump(1) + "\n";
}

std::string targets_csv(std::span<const target::Target> targets) {
  TextTable table({{"name"},
                   {"core"},
                   {"clock_hz"},
                   {"flash_origin"},
                   {"flash_bytes"},
                   {"ram_origin"},
                   {"ram_bytes"},
                   {"fpu"},
                   {"dsp"},
                   {"volts"},
                   {"microamps_per_mhz"},
                   {"sleep_microamps"},
                   {"cost_factor"},
                   {"calibrated"},
                   {"title"}});
  const auto known = [](double value) {
    return value > 0 ? fmt::format("{:g}", value) : std::string();
  };
  for (const target::Target& t : targets) {
    table.add({t.name, std::string(target::to_string(t.core)), fmt::format("{:.0f}", t.clock_hz),
               hexadecimal(t.flash.origin), std::to_string(t.flash.size.value),
               hexadecimal(t.ram.origin), std::to_string(t.ram.size.value),
               t.fpu ? "true" : "false", t.dsp ? "true" : "false", known(t.volts),
               known(t.microamps_per_mhz), known(t.sleep_microamps), known(t.cost.factor),
               t.cost.calibrated ? "true" : "false", t.title});
  }
  return table.csv();
}

std::string target_details(const target::Target& t) {
  const auto region = [](const target::Region& r) {
    return fmt::format("{} at {}", to_text(r.size), hexadecimal(r.origin));
  };
  std::string text = fmt::format("{}: {}\n\n", t.name, printable(t.title));
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<8}{}\n", name, value);
  };
  line("core", fmt::format("{}{}{}, {} MHz", target::to_string(t.core), t.fpu ? ", FPU" : "",
                           t.dsp ? ", DSP" : "", megahertz(t)));
  line("flash", region(t.flash));
  line("RAM", region(t.ram));
  line("running", t.microamps_per_mhz > 0
                      ? fmt::format("{:g} uA/MHz at {:g} V: {:.1f} mW", t.microamps_per_mhz,
                                    t.volts, t.run_watts() * 1e3)
                      : "current unknown: energy is not given");
  line("asleep", t.sleep_microamps > 0 ? fmt::format("{:g} uA with RAM kept", t.sleep_microamps)
                                       : "current unknown");
  line("cycles", fmt::format("table cycles x {:.3f} ({:.2f} to {:.2f})", t.cost.factor,
                             t.cost.low_factor, t.cost.high_factor));
  text += wrapped(t.cost.note);
  if (!t.notes.empty()) text += "\nnotes\n";
  for (const std::string& note : t.notes) text += wrapped(note);
  text += "\nsources\n";
  if (t.sources.empty()) text += wrapped("none given");
  for (const std::string& source : t.sources) text += wrapped(source);
  return text;
}

}  // namespace atml::report
