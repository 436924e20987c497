// summary.json and `check --format json`: one set of names, schema 1.
#include <fmt/format.h>

#include "base/json.h"
#include "report/border.h"
#include "report/derived.h"
#include "report/report.h"

namespace atml::report {
namespace {

Json reasons_json(const std::vector<std::string>& reasons) {
  Json list = Json::array();
  for (const std::string& reason : reasons) list.push(reason);
  return list;
}

// The names that a verdict on one model and the summary of a search share.
Json verdict_json(const std::string& target, bool deployable,
                  const std::vector<std::string>& reasons, const study::Figures& f) {
  return Json::object()
      .set("schema", 1)
      .set("target", target)
      .set("deployable", deployable)
      .set("reasons", reasons_json(reasons))
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
      .set("energy_uj", f.energy_j > 0 ? Json(f.energy_j * 1e6) : Json());
}

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json metric_json(const Score& score) {
  Json interval;
  if (score.test_interval) {
    interval = Json::array().push(score.test_interval->low).push(score.test_interval->high);
  }
  return Json::object()
      .set("name", score.name)
      .set("validation", score.validation)
      .set("test", optional_json(score.test))
      .set("float_test", optional_json(score.float_test))
      .set("test_interval", interval);
}

Json trials_count_json(const ReportData& data) {
  const Counts counts = count_trials(data.trials);
  return Json::object()
      .set("proposed", counts.proposed)
      .set("undeployable", counts.undeployable)
      .set("trained", counts.trained)
      .set("pruned", counts.pruned)
      .set("failed", counts.failed);
}

Json seconds_json(const Times& t) {
  return Json::object()
      .set("total", t.total)
      .set("propose", t.propose)
      .set("deploy", t.deploy)
      .set("train", t.train)
      .set("quantize", t.quantize)
      .set("finalists", t.finalists)
      .set("verify", t.verify)
      .set("deploy_median", t.deploy_median)
      .set("deploy_p95", t.deploy_p95);
}

// Where nothing fits: the candidate that came nearest.
study::Figures nearest_figures(const ReportData& data) {
  const study::Trial* trial =
      data.nothing_fits ? find_trial(data, data.nothing_fits->trial) : nullptr;
  return trial != nullptr ? trial->figures.value_or(study::Figures{}) : study::Figures{};
}

std::vector<std::string> summary_reasons(const ReportData& data) {
  if (data.nothing_fits) return {data.nothing_fits->text};
  if (!data.winner) return {data.finished ? "no trial was measured" : "the search has not ended"};
  return {};
}

}  // namespace

std::string summary_json(const ReportData& data) {
  const bool won = data.winner.has_value();
  const study::Figures figures = won ? data.winner->figures : nearest_figures(data);
  Json summary = verdict_json(data.target.name, won, summary_reasons(data), figures);
  const BitExactness check = won ? data.winner->bit_exactness : BitExactness{};
  summary.set("bit_exact", check.checked && check.equal);
  summary.set("bit_exact_samples", check.checked ? check.samples : std::int64_t{0});
  summary.set("rounding", won ? Json(data.winner->rounding) : Json());
  summary.set("metric", won ? metric_json(data.winner->score) : Json());
  summary.set("trials", trials_count_json(data));
  if (data.border) summary.set("border", border_json(*data.border));
  summary.set("seconds", seconds_json(data.times));
  summary.set("winner_trial", won ? Json(data.winner->trial) : Json());
  summary.set("seed", fmt::format("{}", data.provenance.seed));
  summary.set("version", data.provenance.version);
  return summary.dump(1) + "\n";
}

std::string check_json(const Check& check) {
  return verdict_json(check.target.name, check.deployable, check.reasons, check.figures).dump(1) +
         "\n";
}

}  // namespace atml::report
