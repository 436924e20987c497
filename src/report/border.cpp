#include "report/border.h"

#include <fmt/format.h>

#include "report/derived.h"

namespace atml::report {
namespace {

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json limit_json(const BorderLimit& l) {
  Json parameters = Json::array();
  for (const auto& [name, share] : l.parameters)
    parameters.push(Json::object().set("name", name).set("share", share));
  return Json::object()
      .set("name", l.name)
      .set("allowed", l.allowed)
      .set("refused", l.refused)
      .set("largest_held", optional_json(l.largest_held))
      .set("smallest_refused", optional_json(l.smallest_refused))
      .set("parameters", parameters);
}

std::string limit_text(const BorderLimit& l) {
  std::string text = fmt::format("{}: {} refused", l.name, l.refused);
  if (l.smallest_refused)
    text += fmt::format(", the least of them {}", quantity_text(l.name, *l.smallest_refused));
  if (l.largest_held)
    text += fmt::format(", the most that held {}", quantity_text(l.name, *l.largest_held));
  for (std::size_t i = 0; i < l.parameters.size(); ++i) {
    text += fmt::format("{}{} ({:.0f} %)", i == 0 ? "; decided by " : ", ", l.parameters[i].first,
                        100 * l.parameters[i].second);
  }
  return text;
}

}  // namespace

Json border_json(const Border& b) {
  Json limits = Json::array();
  for (const BorderLimit& l : b.limits) limits.push(limit_json(l));
  Json reasons = Json::array();
  for (const auto& [reason, count] : b.reasons)
    reasons.push(Json::object().set("reason", reason).set("trials", count));
  const int asked = b.answered + b.not_computable;
  return Json::object()
      .set("oracle", b.oracle)
      .set("asked", asked)
      .set("fits", b.fits)
      .set("feasible_share", asked > 0 ? static_cast<double>(b.fits) / asked : 0.0)
      .set("not_computable", b.not_computable)
      .set("reasons", reasons)
      .set("limits", limits);
}

std::vector<std::string> border_lines(const Border& b) {
  const int asked = b.answered + b.not_computable;
  if (b.fits == asked) return {};
  std::vector<std::string> lines{fmt::format("{} of {} networks fit ({:.0f} %) as {} answers",
                                             b.fits, asked, 100.0 * b.fits / asked, b.oracle)};
  for (const BorderLimit& l : b.limits)
    if (l.refused > 0) lines.push_back(limit_text(l));
  for (const auto& [reason, count] : b.reasons)
    lines.push_back(fmt::format("not computable, {}: {}", counted(count, "trial"), reason));
  return lines;
}

}  // namespace atml::report
