// `autotinyml trials`: one row a trial.
#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "report/derived.h"
#include "report/report.h"
#include "report/text_table.h"
#include "study/rung_correlation.h"

namespace atml::report {
namespace {

int epochs(const study::Trial& trial) {
  return trial.rungs.empty() ? 0 : trial.rungs.back().epochs;
}

double seconds(const study::Trial& trial) {
  const study::StageSeconds& s = trial.seconds;
  return s.propose + s.deploy + s.train + s.quantize;
}

std::string or_dash(bool known, const std::string& text) { return known ? text : "-"; }

Json value_json(const space::Value& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Json configuration_json(const space::Configuration& configuration) {
  Json object = Json::object();
  for (const auto& [name, value] : configuration.values()) object.set(name, value_json(value));
  return object;
}

Json constraints_json(const study::Trial& trial) {
  Json list = Json::array();
  for (const study::Constraint& c : trial.constraints) {
    list.push(Json::object().set("name", c.name).set("used", c.used).set("allowed", c.allowed));
  }
  return list;
}

Json rungs_json(const study::Trial& trial) {
  Json list = Json::array();
  for (const study::Rung& r : trial.rungs) {
    list.push(Json::object()
                  .set("epochs", r.epochs)
                  .set("objective", r.objective)
                  .set("float_metric", r.float_metric)
                  .set("train_loss", r.train_loss)
                  .set("seconds", r.seconds));
  }
  return list;
}

Json figures_json(const study::Trial& trial) {
  if (!trial.figures) return {};
  const study::Figures& f = *trial.figures;
  return Json::object()
      .set("flash_bytes", f.flash_bytes)
      .set("ram_bytes", f.ram_bytes)
      .set("arena_bytes", f.arena_bytes)
      .set("stack_bytes", f.stack_bytes)
      .set("instructions", f.instructions)
      .set("cycles", Json::object()
                         .set("low", f.cycles_low)
                         .set("mid", f.cycles_mid)
                         .set("high", f.cycles_high))
      .set("latency_ms", f.latency_s > 0 ? Json(f.latency_s * 1e3) : Json())
      .set("energy_uj", f.energy_j > 0 ? Json(f.energy_j * 1e6) : Json())
      .set("macs", f.macs)
      .set("parameters", f.parameters)
      .set("origin", f.origin);
}

Json trial_json(const study::Trial& trial) {
  const study::StageSeconds& s = trial.seconds;
  Json json = Json::object();
  json.set("trial", trial.number)
      .set("outcome", std::string(study::to_string(trial.outcome)))
      .set("deployable", trial.deployable())
      .set("objective", trial.objective ? Json(*trial.objective) : Json())
      .set("inherits", trial.inherits ? Json(*trial.inherits) : Json())
      .set("reason", trial.reason)
      .set("why", trial.why)
      .set("configuration", configuration_json(trial.configuration))
      .set("figures", figures_json(trial))
      .set("constraints", constraints_json(trial))
      .set("rungs", rungs_json(trial))
      .set("seconds", Json::object()
                          .set("propose", s.propose)
                          .set("deploy", s.deploy)
                          .set("train", s.train)
                          .set("quantize", s.quantize));
  if (!trial.explanation.kind.empty()) json.set("explanation", study::to_json(trial.explanation));
  return json;
}

Json correlations_json(std::span<const study::Trial> trials) {
  Json list = Json::array();
  for (const study::RungCorrelation& r : study::rung_correlations(trials)) {
    list.push(Json::object()
                  .set("from_epochs", r.from_epochs)
                  .set("to_epochs", r.to_epochs)
                  .set("trials", r.trials)
                  .set("spearman", r.spearman)
                  .set("kendall", r.kendall));
  }
  return list;
}

}  // namespace

std::string trials_table(std::span<const study::Trial> trials) {
  const bool explained = std::any_of(trials.begin(), trials.end(), [](const study::Trial& t) {
    return !t.explanation.kind.empty();
  });
  std::vector<TextTable::Column> columns = {{"trial", Align::kRight},     {"outcome"},
                                            {"objective", Align::kRight}, {"epochs", Align::kRight},
                                            {"flash", Align::kRight},     {"ram", Align::kRight},
                                            {"latency", Align::kRight},   {"time", Align::kRight}};
  if (explained) columns.push_back({"proposed as"});
  columns.push_back({"reason"});
  TextTable table(std::move(columns));
  for (const study::Trial& t : trials) {
    const bool known = t.figures.has_value();
    const study::Figures f = t.figures.value_or(study::Figures{});
    std::vector<std::string> cells = {
        std::to_string(t.number),
        std::string(outcome_word(t.outcome)),
        t.objective ? fmt::format("{:.4f}", *t.objective) : "-",
        or_dash(!t.rungs.empty(), std::to_string(epochs(t))),
        or_dash(known, to_text(Bytes(f.flash_bytes))),
        or_dash(known, to_text(Bytes(f.ram_bytes))),
        or_dash(known && f.latency_s > 0, to_text(Seconds(f.latency_s))),
        to_text(Seconds(seconds(t)))};
    if (explained)
      cells.push_back(or_dash(!t.explanation.kind.empty(), proposal_text(t.explanation)));
    cells.push_back(explanation(t));
    table.add(std::move(cells));
  }
  const std::string correlations = study::rung_correlation_text(trials);
  return table.text() + (correlations.empty() ? "" : "\n" + correlations);
}

std::string trials_json(std::span<const study::Trial> trials) {
  Json list = Json::array();
  for (const study::Trial& trial : trials) list.push(trial_json(trial));
  return Json::object()
             .set("schema", 1)
             .set("trials", list)
             .set("rung_correlations", correlations_json(trials))
             .dump(1) +
         "\n";
}

std::string trials_csv(std::span<const study::Trial> trials) {
  TextTable table({{"trial"},
                   {"outcome"},
                   {"deployable"},
                   {"objective"},
                   {"epochs"},
                   {"flash_bytes"},
                   {"ram_bytes"},
                   {"arena_bytes"},
                   {"stack_bytes"},
                   {"instructions"},
                   {"cycles_mid"},
                   {"latency_ms"},
                   {"energy_uj"},
                   {"macs"},
                   {"parameters"},
                   {"seconds"},
                   {"reason"},
                   {"configuration"}});
  for (const study::Trial& t : trials) {
    const study::Figures f = t.figures.value_or(study::Figures{});
    const auto known = [&](bool given, const std::string& text) {
      return t.figures && given ? text : std::string();
    };
    table.add(
        {std::to_string(t.number), std::string(study::to_string(t.outcome)),
         t.deployable() ? "true" : "false", t.objective ? fmt::format("{}", *t.objective) : "",
         std::to_string(epochs(t)), known(true, std::to_string(f.flash_bytes)),
         known(true, std::to_string(f.ram_bytes)), known(true, std::to_string(f.arena_bytes)),
         known(true, std::to_string(f.stack_bytes)), known(true, std::to_string(f.instructions)),
         known(true, std::to_string(f.cycles_mid)),
         known(f.latency_s > 0, fmt::format("{}", f.latency_s * 1e3)),
         known(f.energy_j > 0, fmt::format("{}", f.energy_j * 1e6)),
         known(true, std::to_string(f.macs)), known(true, std::to_string(f.parameters)),
         fmt::format("{}", seconds(t)), explanation(t), t.configuration.text()});
  }
  return table.csv();
}

}  // namespace atml::report
