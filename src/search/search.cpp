#include "search/search.h"

#include <fmt/format.h>

#include <thread>

#include "base/files.h"
#include "data/load.h"
#include "deploy/oracle_choice.h"
#include "exchange/tflite.h"
#include "search/context.h"
#include "search/fill_report.h"
#include "search/finalists.h"
#include "search/impossible.h"
#include "search/loop.h"
#include "search/model_blob.h"
#include "search/package.h"
#include "search/times.h"
#include "search/winner.h"
#include "space/decode.h"

namespace atml::search {
namespace {

constexpr double kVerifyShare = 0.04;  // of the budget: bit-exactness, report
constexpr double kHardStop = 1.3;  // finals that run over the budget by more than this are cut off

/// The text of a space, to be kept in the study: an edited file must not change a study that runs.
Result<std::string> space_text(const std::string& name) {
  const bool is_file = name.ends_with(".toml");
  const std::filesystem::path path =
      is_file ? std::filesystem::path(name) : resource_folder("spaces") / (name + ".toml");
  ATML_TRY(std::string text, read_file(path));
  return text;
}

Result<std::unique_ptr<deploy::Oracle>> make_oracle(const Settings& settings, bool full_figures) {
  ATML_TRY(deploy::OracleChoice choice, deploy::parse_oracle(settings.oracle));
  choice.timeout = settings.oracle_timeout;
  if (choice.kind == deploy::OracleKind::kSerial &&
      choice.command.find(",flash=") == choice.command.npos) {
    return Error{Code::kInvalidArgument,
                 fmt::format("a search has another firmware for each network, so '{}' needs the "
                             "command that flashes the board: append ,flash=COMMAND (see "
                             "docs/board-protocol.md); without one, check asks the board about the "
                             "firmware that it holds",
                             choice.command)};
  }
  deploy::BuiltinOptions builtin;
  builtin.full_figures = full_figures;
  ATML_TRY(builtin.optimize, codegen::parse_optimize(settings.optimize));
  return deploy::make_oracle(choice, builtin, exchange::write_tflite);
}

struct SpaceChoice {
  space::Space space;
  std::string text;
};

Result<SpaceChoice> choose_space(const std::string& name, const Shape& shape) {
  const std::string chosen = name.empty() ? space::default_space_name(shape) : name;
  ATML_TRY(space::Space space, space::load_space(chosen));
  ATML_TRY_STATUS(space::check_words(space));
  ATML_TRY(std::string text, space_text(chosen));
  return SpaceChoice{std::move(space), std::move(text)};
}

Result<std::unique_ptr<Context>> make_context(const Settings& settings, data::Dataset dataset,
                                              space::Space space, const std::filesystem::path& out,
                                              EventSink& events) {
  ATML_TRY(target::Target part, target::find_target(settings.target));
  ATML_TRY(const target::Limits limits, limits_of(settings, part));
  ATML_TRY(const network::Network typical,
           space::decode(space.default_configuration(), dataset.shape, dataset.outputs()));
  ATML_TRY(auto strategy, propose::make_strategy(settings.strategy));
  ATML_TRY(auto oracle, make_oracle(settings, false));
  ATML_TRY(auto full_oracle, make_oracle(settings, true));
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int jobs = settings.jobs > 0 ? settings.jobs : cores;
  const Plan plan = make_plan(settings, typical, dataset.train.size(), jobs);
  return std::unique_ptr<Context>(new Context{settings, jobs, std::move(dataset), std::move(space),
                                              std::move(part), limits, plan, std::move(oracle),
                                              std::move(full_oracle), std::move(strategy), nullptr,
                                              &events, out, now_seconds(), 0});
}

Result<Finished> finish(Context& context, Ending ending, Ended ended, StageTimes times) {
  ended.finished = ending != Ending::kInterrupted;
  if (ended.finished && times.total == 0) times.total = context.elapsed();
  times.elapsed = context.elapsed();
  ATML_TRY_STATUS(save_times(*context.store, times));
  ATML_TRY(report::ReportData data, fill_report(context, ended, StopToken()));
  if (data.winner) {
    ATML_TRY(
        const quantize::Int8Model model,
        get_model(*context.store, ended.winner->trial, final_model_kind(ended.winner->seed_index)));
    ATML_TRY_STATUS(write_model_files(context, model, data));
  }
  ATML_TRY_STATUS(write_report_files(context, data));
  return Finished{ending, std::move(data)};
}

std::string to_note(const report::NothingFits& n) {
  Json remedies = Json::array();
  for (const std::string& r : n.remedies) remedies.push(r);
  Json json = Json::object();
  json.set("limit", n.limit).set("used", n.used).set("allowed", n.allowed).set("trial", n.trial);
  return json.set("text", n.text).set("remedies", remedies).dump();
}

Result<std::optional<report::NothingFits>> stored_nothing_fits(Context& context) {
  ATML_TRY(const auto note, context.store->get_note("nothing_fits"));
  if (!note) return std::optional<report::NothingFits>();
  ATML_TRY(const Json json, Json::parse(*note));
  report::NothingFits n;
  n.limit = json["limit"].string();
  n.used = json["used"].number();
  n.allowed = json["allowed"].number();
  n.trial = static_cast<int>(json["trial"].integer(-1));
  n.text = json["text"].string();
  for (const Json& r : json["remedies"].items()) n.remedies.push_back(r.string());
  return std::optional(n);
}

Result<Finished> nothing_fits(Context& context, report::NothingFits answer) {
  ATML_TRY_STATUS(context.store->put_note("nothing_fits", to_note(answer)));
  ATML_TRY(const StageTimes times, load_times(*context.store));
  Ended ended;
  ended.nothing_fits = std::move(answer);
  return finish(context, Ending::kNothingFits, std::move(ended), times);
}

/// A black box refused every trained finalist although it had let them pass before.
report::NothingFits unconfirmed(int trial, const std::string& refusal) {
  report::NothingFits answer;
  answer.limit = "not computable";
  answer.trial = trial;
  answer.text =
      "the oracle let the finalists pass but refused them when they were trained: " + refusal;
  answer.remedies.push_back(
      "make the external command answer the same question the same way every time");
  return answer;
}

/// The plan of the finals: the stored one, or the one that follows from the search, which runs
/// first. None: interrupted. NothingFits: no deployable trial.
struct SearchEnd {
  std::optional<FinalPlan> plan;
  std::optional<report::NothingFits> nothing_fits;
};

Result<SearchEnd> search_phase(Context& context, const StopToken& stop) {
  ATML_TRY(const auto note, context.store->get_note("final_plan"));
  if (note) {
    ATML_TRY(const Json json, Json::parse(*note));
    ATML_TRY(FinalPlan plan, final_plan_from_json(json));
    return SearchEnd{std::move(plan), {}};
  }
  ATML_TRY(std::vector<study::Trial> trials, context.store->trials());
  // Of a black box nothing is known before it was asked: only the search can tell.
  if (trials.empty() && context.sizes_are_known()) {
    ATML_TRY(auto hopeless, explain_if_nothing_fits(context, stop));
    if (hopeless) return SearchEnd{{}, std::move(hopeless)};
  }
  const double share = context.budget() * context.plan.search_share;
  const double deadline = context.started + share - context.earlier_seconds;
  ATML_TRY_STATUS(run_loop(context, stop.with_deadline(deadline)));
  if (stop.interrupted()) return SearchEnd{};
  ATML_TRY(trials, context.store->trials());
  const auto best = contenders(trials);
  if (best.empty()) {
    ATML_TRY(auto answer, explain_nearest(context, trials, stop));
    return SearchEnd{{}, std::move(answer)};
  }
  const FinalPlan plan = plan_finals(context.settings, best,
                                     {context.budget() * (1 - kVerifyShare) - context.elapsed(),
                                      context.jobs, context.plan.epochs()});
  ATML_TRY_STATUS(context.store->put_note("final_plan", to_json(plan).dump()));
  return SearchEnd{plan, {}};
}

Result<Finished> interrupted(Context& context, Ended ended) {
  ATML_TRY(const StageTimes times, load_times(*context.store));
  return finish(context, Ending::kInterrupted, std::move(ended), times);
}

Result<Finished> go_on(Context& context, const std::atomic<bool>* interrupt) {
  const StopToken stop(interrupt);
  ATML_TRY(auto known, stored_nothing_fits(context));
  if (known) return nothing_fits(context, std::move(*known));
  ATML_TRY(SearchEnd search, search_phase(context, stop));
  if (search.nothing_fits) return nothing_fits(context, std::move(*search.nothing_fits));
  if (!search.plan) return interrupted(context, {});

  ATML_TRY(StageTimes times, load_times(*context.store));
  const double finals_start = now_seconds();
  const double hard_stop = context.started + kHardStop * context.budget() - context.earlier_seconds;
  context.events->info(fmt::format("finals: {} network(s) x {} seed(s), {} epochs each",
                                   search.plan->trials.size(), search.plan->seeds,
                                   search.plan->epochs));
  Ended ended;
  ATML_TRY(ended.ranking, run_finals(context, *search.plan, stop.with_deadline(hard_stop)));
  times.finalists += now_seconds() - finals_start;
  times.elapsed = context.elapsed();
  ATML_TRY_STATUS(save_times(*context.store, times));
  if (stop.interrupted()) return interrupted(context, std::move(ended));
  if (ended.ranking.empty()) {
    return Error{Code::kTimeout,
                 "no finalist was trained to the end in time; give the study more with --budget"};
  }
  context.events->info("verifying the winner: reference, C on the host, C on the emulated part");
  const double verify_start = now_seconds();
  std::string refusal;
  ATML_TRY(ended.winner, crown(context, ended.ranking, stop, &refusal));
  times.verify += now_seconds() - verify_start;
  if (!ended.winner && !context.sizes_are_known())
    return nothing_fits(context, unconfirmed(ended.ranking.front().trial.number, refusal));
  if (!ended.winner) {
    return Error{Code::kConflict,
                 "no finalist fits with its trained weights although it did before training; "
                 "was the compiler changed during the study?"};
  }
  return finish(context, Ending::kDone, std::move(ended), times);
}

Result<std::unique_ptr<Context>> reopen(const std::string& study, const std::filesystem::path& out,
                                        EventSink& events) {
  ATML_TRY(auto store, study::open_store(study));
  ATML_TRY(const study::StudyInfo info, store->info());
  ATML_TRY(const Json json, Json::parse(info.settings_json));
  ATML_TRY(const Settings settings, settings_from_json(json));
  data::LoadOptions load;
  load.seed = settings.seed;
  ATML_TRY(data::Dataset dataset, data::load_dataset(settings.data, load));
  if (dataset.fingerprint != info.data_fingerprint) {
    return Error{Code::kConflict,
                 fmt::format("the data set '{}' is not the one this study began with (fingerprint "
                             "{:016x}, study has "
                             "{:016x}); restore the old files or start a new study",
                             settings.data, dataset.fingerprint, info.data_fingerprint)};
  }
  ATML_TRY(space::Space space, space::parse_space(info.space_text, "the study's space"));
  ATML_TRY(auto context, make_context(settings, std::move(dataset), std::move(space), out, events));
  ATML_TRY(const StageTimes times, load_times(*store));
  context->earlier_seconds = times.elapsed;
  context->store = std::move(store);
  return context;
}

}  // namespace

Result<Finished> start(const Settings& settings, const Places& places, EventSink& events,
                       const std::atomic<bool>* interrupt) {
  // What can be refused without the data is refused before it is loaded.
  if (settings.target == "any") {
    return Error{Code::kInvalidArgument,
                 "a search designs for one part: name it with --target ('autotinyml targets' lists "
                 "them); which parts can run the result says 'autotinyml check OUT/model.tflite "
                 "--target any'"};
  }
  ATML_TRY(const target::Target part, target::find_target(settings.target));
  ATML_TRY_STATUS(limits_of(settings, part));
  ATML_TRY_STATUS(propose::make_strategy(settings.strategy));
  ATML_TRY(const deploy::OracleChoice oracle, deploy::parse_oracle(settings.oracle));
  if (std::filesystem::exists(places.study)) {
    return Error{Code::kAlreadyExists, fmt::format("the study '{}' exists; 'autotinyml resume {}' "
                                                   "goes on with it, or choose another --out",
                                                   places.study, places.study)};
  }
  data::LoadOptions load;
  load.seed = settings.seed;
  ATML_TRY(data::Dataset dataset, data::load_dataset(settings.data, load));
  ATML_TRY(SpaceChoice choice, choose_space(settings.space, dataset.shape));
  ATML_TRY(auto context,
           make_context(settings, std::move(dataset), choice.space, places.out, events));
  ATML_TRY_STATUS(make_directories(places.out));
  study::StudyInfo info{context->dataset.name + " on " + part.name,
                        settings.data,
                        context->dataset.fingerprint,
                        settings.target,
                        choice.text,
                        "",
                        settings.seed};
  Settings kept = context->settings;
  kept.jobs = context->jobs;
  kept.oracle = deploy::to_text(oracle);  // a study can be resumed from any folder
  if (!kept.budget && !kept.trials) kept.budget = kDefaultBudget;
  context->settings = kept;
  info.settings_json = to_json(kept).dump();
  ATML_TRY(context->store, study::create_store(places.study, info));
  events.info(fmt::format("{}: {} train, {} validation, {} test; {} for {}; rungs at {} epochs",
                          context->dataset.name, context->dataset.train.size(),
                          context->dataset.validation.size(), context->dataset.test.size(),
                          context->space.name(), part.name, fmt::join(context->plan.rungs, ", ")));
  return go_on(*context, interrupt);
}

Result<Finished> resume(const Places& places, EventSink& events,
                        const std::atomic<bool>* interrupt) {
  ATML_TRY(auto context, reopen(places.study, places.out, events));
  return go_on(*context, interrupt);
}

StudyView::StudyView(std::unique_ptr<Context> context) : context_(std::move(context)) {}
StudyView::StudyView(StudyView&&) noexcept = default;
StudyView::~StudyView() = default;

Result<StudyView> StudyView::open(const std::string& study) {
  static SilentSink silent;  // looking is no progress
  ATML_TRY(auto context, reopen(study, {}, silent));
  return StudyView(std::move(context));
}

Result<StudyView::Look> StudyView::look() {
  if (last_) return *last_;
  ATML_TRY(Look now, read());
  if (now.report.finished) last_ = now;
  return now;
}

Result<StudyView::Look> StudyView::read() {
  study::Store& store = *context_->store;
  Ended ended;
  ATML_TRY(ended.nothing_fits, stored_nothing_fits(*context_));
  ATML_TRY(const auto plan_note, store.get_note("final_plan"));
  ATML_TRY(const auto winner_note, store.get_note("winner"));
  ATML_TRY(const StageTimes times, load_times(store));
  ended.finished = winner_note.has_value() || ended.nothing_fits.has_value();
  if (plan_note) {
    ATML_TRY(const Json json, Json::parse(*plan_note));
    ATML_TRY(const FinalPlan plan, final_plan_from_json(json));
    std::atomic<bool> stopped{true};  // read what is stored, train nothing
    ATML_TRY(ended.ranking, run_finals(*context_, plan, StopToken(&stopped)));
  }
  if (winner_note) {
    ATML_TRY(ended.winner, crown(*context_, ended.ranking, StopToken()));
  }
  Look look;
  ATML_TRY(look.report, fill_report(*context_, ended, StopToken()));
  look.progress.elapsed_seconds = times.total > 0 ? times.total : times.elapsed;
  look.progress.budget_seconds = context_->settings.budget.value_or(Seconds{}).value;
  look.progress.budget_trials = context_->settings.trials.value_or(0);
  return look;
}

Result<report::ReportData> report_of(const std::string& study) {
  ATML_TRY(StudyView view, StudyView::open(study));
  ATML_TRY(StudyView::Look look, view.look());
  return std::move(look.report);
}

}  // namespace atml::search
