#include "search/fill_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "codegen/firmware.h"
#include "deploy/doctor.h"
#include "propose/importance.h"
#include "quantize/quantize.h"
#include "search/border.h"
#include "search/firmware_options.h"
#include "search/model_blob.h"
#include "search/reproduce.h"
#include "search/times.h"
#include "search/trial_runner.h"
#include "space/decode.h"

namespace atml::search {
namespace {

report::DataSummary summarise(const data::Dataset& d, std::uint64_t seed) {
  report::DataSummary s;
  s.name = d.name;
  s.task = d.task == data::Task::kClassification ? "classification"
           : d.task == data::Task::kRegression   ? "regression"
                                                 : "anomaly";
  s.shape = d.shape;
  s.classes = d.classes;
  s.train = static_cast<std::int64_t>(d.train.size());
  s.validation = static_cast<std::int64_t>(d.validation.size());
  s.test = static_cast<std::int64_t>(d.test.size());
  s.split =
      fmt::format("validation carved from train {}, seed {}",
                  d.train.groups.empty() ? "by class" : "by group: no group on both sides", seed);
  s.fingerprint = d.fingerprint;
  return s;
}

double median_of(std::vector<double> values, double quantile) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(quantile * static_cast<double>(values.size() - 1) + 0.5)];
}

/// The parameters that matter most for the objective, most important first.
std::vector<std::pair<std::string, double>> importance_of(const Context& context,
                                                          const std::vector<study::Trial>& trials) {
  constexpr std::size_t kShown = 8;
  constexpr double kSmallest = 0.01;
  constexpr std::ptrdiff_t kFewestTrials = 10;
  if (std::ranges::count_if(trials, [](const auto& t) { return !t.rungs.empty(); }) < kFewestTrials)
    return {};
  std::vector<std::pair<std::string, double>> list;
  for (const propose::Importance& p :
       propose::importances({.space = context.space, .history = trials}))
    if (p.objective >= kSmallest) list.emplace_back(p.parameter, p.objective);
  std::ranges::stable_sort(list, std::ranges::greater{}, [](const auto& p) { return p.second; });
  if (list.size() > kShown) list.resize(kShown);
  return list;
}

/// The estimate of the exact check against the linked firmware, over all trials that were linked
/// and run.
std::optional<report::EstimateError> estimate_error(const Context& context,
                                                    const std::vector<study::Trial>& trials) {
  if (context.settings.oracle != "builtin") return std::nullopt;  // nothing was linked
  const auto options = firmware_options(context.settings, context.limits);
  if (!options.ok()) return std::nullopt;
  std::vector<double> flash;
  std::vector<double> ram;
  for (const study::Trial& trial : trials) {
    if (!trial.figures || trial.figures->instructions == 0) continue;
    const auto network =
        space::decode(trial.configuration, context.dataset.shape, context.dataset.outputs());
    if (!network.ok()) continue;
    const auto e = codegen::estimate(quantize::structure_model(*network), context.target, *options);
    const auto error = [](Bytes estimate, std::int64_t real) {
      return 100 * std::abs(static_cast<double>(estimate.value - real)) / static_cast<double>(real);
    };
    flash.push_back(error(e.flash, trial.figures->flash_bytes));
    ram.push_back(error(e.ram, trial.figures->ram_bytes));
  }
  if (flash.empty()) return std::nullopt;
  return report::EstimateError{static_cast<std::int64_t>(flash.size()), median_of(flash, 0.5),
                               median_of(flash, 1), median_of(ram, 0.5), median_of(ram, 1)};
}

report::Times times_of(const Context& context, const std::vector<study::Trial>& trials,
                       const StageTimes& stages) {
  report::Times t;
  std::vector<double> deploys;
  for (const study::Trial& trial : trials) {
    t.propose += trial.seconds.propose;
    t.deploy += trial.seconds.deploy;
    t.train += trial.seconds.train;
    t.quantize += trial.seconds.quantize;
    if (trial.seconds.deploy > 0) deploys.push_back(trial.seconds.deploy);
  }
  t.total = stages.total > 0 ? stages.total : context.elapsed();
  t.finalists = stages.finalists;
  t.verify = stages.verify;
  t.deploy_median = median_of(deploys, 0.5);
  t.deploy_p95 = median_of(deploys, 0.95);
  return t;
}

report::Provenance provenance_of(const Context& context) {
  const Settings& s = context.settings;
  report::Provenance p;
  p.version = version();
  p.command = command_of(s);
  p.seed = s.seed;
  p.jobs = context.jobs;
  p.strategy = context.strategy->name();
  p.space = context.space.name();
  p.settings = {
      {"rungs (epochs)", fmt::format("{}", fmt::join(context.plan.rungs, ", "))},
      {"seeds per finalist", s.final_seeds > 0 ? std::to_string(s.final_seeds) : "planned"},
      {"inherited weights", s.inherit ? "in the search, never in the finals" : "none"},
      {"distillation", s.distil ? "in the finals, from a larger network that did better" : "none"}};
  for (const deploy::Tool& tool : deploy::examine_tools()) {
    if (tool.found) p.tools.emplace_back(tool.name, tool.version);
  }
  return p;
}

report::MemoryPlan memory_of(const codegen::MemoryPlan& plan, const quantize::Int8Model& model) {
  report::MemoryPlan memory;
  memory.arena_bytes = plan.arena.value;
  for (const codegen::Placement& p : plan.placements) {
    memory.placements.push_back(
        {model.tensor(p.tensor).name, p.offset.value, p.size.value, p.first_op, p.last_op, p.rows});
  }
  for (const codegen::StreamedGroup& g : plan.groups)
    memory.groups.push_back({g.first_op, g.last_op, g.extra_instructions});
  for (const Bytes live : plan.live_at_op) memory.live_bytes.push_back(live.value);
  return memory;
}

Result<report::Winner> winner_of(Context& context, const Winner& winner,
                                 const RankedFinalist& finalist, const StopToken& stop) {
  ATML_TRY(const quantize::Int8Model model,
           get_model(*context.store, winner.trial, final_model_kind(winner.seed_index)));
  deploy::Deployability verdict;
  if (winner.verdict) {
    verdict = *winner.verdict;  // as it was measured; a report measures nothing again
  } else {
    ATML_TRY(verdict, context.full_oracle->check(model, context.target, context.limits, stop));
  }
  ATML_TRY(const network::Network network,
           space::decode(finalist.trial.configuration, context.dataset.shape,
                         context.dataset.outputs()));
  report::Winner w;
  w.trial = winner.trial;
  w.configuration = finalist.trial.configuration.text();
  w.network = network.text();
  w.figures = figures_of(verdict, network.macs(), network.parameters());
  w.statics_bytes = verdict.statics.value;
  w.layers = layer_rows(verdict);
  codegen::Options plan_options;
  plan_options.arena_limit = codegen::arena_limit(context.limits);
  w.memory = memory_of(codegen::plan_memory(model, context.target, plan_options), model);
  w.flash_split = {{"weights", verdict.flash_split.weights.value},
                   {"tables", verdict.flash_split.tables.value},
                   {"code", verdict.flash_split.code.value},
                   {"start-up", verdict.flash_split.startup.value}};
  w.score = {metric_name(context.dataset.task), finalist.mean, winner.test, winner.float_test,
             winner.test_interval};
  if (!winner.confusion.empty()) w.confusion = report::ConfusionMatrix{winner.confusion};
  for (const FinalRun& run : finalist.runs) w.seeds.push_back({run.seed, run.validation});
  w.rounding = model.rounding == quantize::Rounding::kDouble ? "double" : "single";
  w.bit_exactness = winner.bit_exact;
  return w;
}

/// Sentences that keep a reader from trusting more than the data says.
std::vector<std::string> notes_of(const Ended& ended) {
  std::vector<std::string> notes;
  const auto& r = ended.ranking;
  if (r.size() >= 2 && r[0].runs.size() >= 2 && r[1].runs.size() >= 2 && r[1].mean > r[0].low) {
    notes.push_back(fmt::format(
        "the difference between trial {} ({:.4f}) and trial {} ({:.4f}) is within the noise of "
        "{} trainings: take the smaller one if size matters",
        r[0].trial.number, r[0].mean, r[1].trial.number, r[1].mean, r[0].runs.size()));
  }
  if (!r.empty() && r[0].runs.size() == 1) {
    notes.push_back(
        "the finalists were trained only once: their order may be luck; a larger --budget trains "
        "more seeds");
  }
  if (ended.winner && !ended.winner->bit_exact.equal) {
    notes.push_back("the executions differ: " + ended.winner->bit_exact.detail +
                    "; do not ship this firmware, report it as a bug");
  }
  return notes;
}

}  // namespace

std::string version() { return ATML_VERSION; }

std::vector<report::LayerRow> layer_rows(const deploy::Deployability& verdict) {
  std::vector<report::LayerRow> rows;
  for (const deploy::LayerCost& l : verdict.layers) {
    rows.push_back({l.name, l.kind, l.output, l.macs.value, l.weights.value, l.instructions.value,
                    l.cycles.value});
  }
  return rows;
}

Result<report::ReportData> fill_report(Context& context, const Ended& ended,
                                       const StopToken& stop) {
  report::ReportData data;
  ATML_TRY(data.trials, context.store->trials());
  ATML_TRY(const StageTimes stages, load_times(*context.store));
  data.study = context.dataset.name + " on " + context.target.name;
  data.data = summarise(context.dataset, context.settings.seed);
  data.metric = metric_name(context.dataset.task);
  data.target = context.target;
  data.limits = context.limits;
  data.finished = ended.finished;
  data.nothing_fits = ended.nothing_fits;
  for (const RankedFinalist& f : ended.ranking) {
    report::Finalist row{
        f.trial.number, {}, f.mean, {f.low, f.high}, f.trial.figures.value_or(study::Figures{})};
    for (const FinalRun& run : f.runs) row.validations.push_back(run.validation);
    data.finalists.push_back(std::move(row));
    if (ended.winner && ended.winner->trial == f.trial.number) {
      ATML_TRY(data.winner, winner_of(context, *ended.winner, f, stop));
    }
  }
  for (const CourseMark& mark : stages.course)
    data.course.push_back({mark.seconds, mark.trial, mark.best});
  data.times = times_of(context, data.trials, stages);
  data.estimate_error = estimate_error(context, data.trials);
  data.border = border_of(context, data.trials);
  data.importance = importance_of(context, data.trials);
  data.provenance = provenance_of(context);
  data.notes = notes_of(ended);
  data.files = {{"report.html", "this report"}, {"summary.json", "the figures for scripts"}};
  if (data.winner) {
    data.files.insert(data.files.begin(), {{"firmware/", "C sources that build with one make"},
                                           {"model.tflite", "the int8 model"}});
  }
  data.files.emplace_back("study.db", "every trial (SQLite)");
  return data;
}

}  // namespace atml::search
