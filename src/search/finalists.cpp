#include "search/finalists.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <mutex>
#include <numeric>
#include <thread>

#include "base/random.h"
#include "search/distillation.h"
#include "search/model_blob.h"
#include "search/training.h"
#include "space/decode.h"
#include "train/trainer.h"

namespace atml::search {
namespace {

constexpr int kMaxFinalEpochs = 90;
constexpr int kSeeds = 3;  // trainings of a finalist where time allows
constexpr int kLeastSeeds = 2;
// Judgement: from 3 to 10 epochs a network of the space image gains about 2 points
// (bench/results/search.md), far more than a lucky seed or the second best trial is likely to.
constexpr int kEpochsForSeeds = 10;
constexpr int kEpochsForFinalists = 30;
// Scoring what was trained, and a machine that became slower: finals must not overrun.
constexpr double kSafety = 1.1;
// What each thread beyond the first adds to one training: two gave 1.7 to 1.9 times one.
constexpr double kThreadGain = 0.8;

double seconds_per_epoch(const study::Trial& trial) {
  return trial.seconds.train / std::max(1, trial.rungs.empty() ? 1 : trial.rungs.back().epochs);
}

/// Wall time of so many equal trainings, in trainings of one thread: rounds of one a worker; what
/// is left over after the full rounds shares all threads (Finals::threads).
double rounds_of(int trainings, int jobs) {
  const int rest = trainings % jobs;
  const int lent = rest > 0 ? jobs / rest - 1 : 0;
  return trainings / jobs + (rest > 0 ? 1 / (1 + kThreadGain * lent) : 0);
}

/// Epochs that so many of the best and seeds can have in the time left.
int affordable_epochs(const std::vector<study::Trial>& best, int count, int seeds,
                      const FinalMeans& means) {
  double seconds = 1e-9;
  for (int i = 0; i < count; ++i) seconds += seconds_per_epoch(best[static_cast<std::size_t>(i)]);
  const double rounds = rounds_of(count * seeds, means.jobs);
  const double epochs = means.seconds_left * count / (rounds * seconds * kSafety);
  return static_cast<int>(std::clamp<double>(epochs, 1, kMaxFinalEpochs));
}

std::string note_key(int trial, int seed_index) {
  return fmt::format("final/{}/{}", trial, seed_index);
}

Json to_json(const FinalRun& run) {
  Json json = Json::object();
  json.set("seed", std::to_string(run.seed)).set("validation", run.validation);
  json.set("float_validation", run.float_validation).set("seconds", run.seconds);
  json.set("teacher", run.teacher ? Json(*run.teacher) : Json());
  return json;
}

FinalRun run_from_json(int trial, int seed_index, const Json& json) {
  FinalRun run{trial,
               seed_index,
               std::strtoull(json["seed"].string().c_str(), nullptr, 10),
               json["validation"].number(),
               json["float_validation"].number(),
               json["seconds"].number(),
               std::nullopt};
  if (!json["teacher"].is_null()) run.teacher = static_cast<int>(json["teacher"].integer());
  return run;
}

/// The finals of one process: a list of trainings that workers take one by one.
class Finals {
 public:
  Finals(Context& context, const FinalPlan& plan, const StopToken& stop)
      : context_(context), plan_(plan), stop_(stop) {}

  Result<std::vector<FinalRun>> run(const std::vector<study::Trial>& trials) {
    trials_ = &trials;
    // Seed by seed: when time runs short every finalist has had its first training.
    for (int seed = 0; seed < plan_.seeds; ++seed) {
      for (const int number : plan_.trials) {
        ATML_TRY(const auto note, context_.store->get_note(note_key(number, seed)));
        if (note) {
          ATML_TRY(const Json json, Json::parse(*note));
          finished_.push_back(run_from_json(number, seed, json));
        } else {
          open_.emplace_back(trials[static_cast<std::size_t>(number)], seed);
        }
      }
    }
    total_ = open_.size() + finished_.size();
    report();
    std::vector<std::thread> workers;
    for (int w = 0; w < context_.jobs; ++w) workers.emplace_back([this] { work(); });
    for (std::thread& worker : workers) worker.join();
    if (error_) return *error_;
    return finished_;
  }

 private:
  void work() {
    while (true) {
      std::pair<study::Trial, int> next;
      {
        const std::lock_guard lock(mutex_);
        if (error_ || stop_.stop_requested() || taken_ == open_.size()) return;
        next = open_[taken_++];
        ++busy_;
      }
      auto run = train(next.first, next.second);
      --busy_;
      const std::lock_guard lock(mutex_);
      if (run.ok() && *run) finished_.push_back(**run);
      if (!run.ok() && !error_)
        error_ = run.error().with_context(fmt::format("finalist {}", next.first.number));
      report();
    }
  }

  Result<std::optional<FinalRun>> train(const study::Trial& trial, int seed_index) {
    const double start = now_seconds();
    ATML_TRY(
        const network::Network network,
        space::decode(trial.configuration, context_.dataset.shape, context_.dataset.outputs()));
    FinalRun run{trial.number, seed_index, final_seed(trial.number, seed_index), 0, 0, 0, {}};
    const int tuning = tuning_epochs(context_.settings, network, plan_.epochs);
    const int epochs = plan_.epochs - tuning;
    const train::Settings settings =
        training_settings(context_, trial.configuration, epochs, run.seed);
    ATML_TRY(const auto trainer, train::Trainer::create(network, context_.dataset, settings));
    const auto teacher = distils() ? teacher_of(*trials_, trial) : std::nullopt;
    if (teacher) {
      ATML_TRY_STATUS(teach(context_, *trainer, *trials_, *teacher));
      run.teacher = teacher->trial;
    }
    const TrainedTo trained = train_to(*trainer, epochs, stop_, [this] { return threads(); });
    if (trained.end != train::TrainEnd::kOk) return std::optional<FinalRun>();
    ATML_TRY(const Scored scored,
             fine_tune_and_score(context_, *trainer, network, settings, tuning, stop_, threads()));
    run.validation = scored.objective;
    run.float_validation = trainer->evaluate(context_.dataset.validation).metric;
    run.seconds = now_seconds() - start;
    ATML_TRY_STATUS(
        put_model(*context_.store, trial.number, final_model_kind(seed_index), scored.model));
    ATML_TRY_STATUS(context_.store->put_blob(trial.number, final_checkpoint_kind(seed_index),
                                             trainer->checkpoint()));
    // The note last: a run that is noted is complete.
    ATML_TRY_STATUS(
        context_.store->put_note(note_key(trial.number, seed_index), to_json(run).dump()));
    context_.events->info(
        fmt::format("finalist: trial {} seed {} of {}{}: int8 {:.4f}, float {:.4f} ({})",
                    trial.number, seed_index + 1, plan_.seeds,
                    run.teacher ? fmt::format(", taught by trial {}", *run.teacher) : "",
                    run.validation, run.float_validation, to_text(Seconds(run.seconds))));
    return std::optional(run);
  }

  bool distils() const {
    return context_.settings.distil && context_.dataset.task == data::Task::kClassification;
  }

  /// Threads for one training: the workers that have nothing left to train lend theirs.
  int threads() const { return std::max(1, context_.jobs / std::max(1, busy_.load())); }

  std::uint64_t final_seed(int trial, int seed_index) const {
    const auto index =
        static_cast<std::uint64_t>(trial) * 1000 + static_cast<std::uint64_t>(seed_index);
    return Rng::derive(context_.settings.seed, "final", index).next();
  }

  void report() {
    Progress p;
    p.phase = "finalists";
    p.elapsed = context_.elapsed();
    p.budget = context_.settings.budget ? context_.budget() : 0;
    p.trained = static_cast<int>(finished_.size());
    p.trial_limit = static_cast<int>(total_);
    p.metric = metric_name(context_.dataset.task);
    for (const FinalRun& run : finished_)
      p.best = std::max(p.best.value_or(run.validation), run.validation);
    context_.events->progress(p);
  }

  Context& context_;
  const FinalPlan& plan_;
  StopToken stop_;
  const std::vector<study::Trial>* trials_ = nullptr;  // of the study, while run() runs
  std::mutex mutex_;
  std::vector<std::pair<study::Trial, int>> open_;
  std::size_t taken_ = 0;
  std::atomic<int> busy_{0};  // trainings that run now
  std::size_t total_ = 0;
  std::vector<FinalRun> finished_;
  std::optional<Error> error_;
};

RankedFinalist rank(const study::Trial& trial, std::vector<FinalRun> runs, bool is_share) {
  RankedFinalist finalist;
  finalist.trial = trial;
  std::ranges::sort(runs, {}, &FinalRun::seed_index);
  std::vector<double> values;
  for (const FinalRun& run : runs) values.push_back(run.validation);
  finalist.runs = std::move(runs);
  finalist.mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  finalist.low = finalist.mean - t_half_width(values);
  finalist.high = finalist.mean + t_half_width(values);
  if (is_share) {  // an accuracy cannot leave [0, 1] even where its interval would
    finalist.low = std::max(0.0, finalist.low);
    finalist.high = std::min(1.0, finalist.high);
  }
  return finalist;
}

}  // namespace

std::string final_model_kind(int seed_index) { return fmt::format("final-{}-model", seed_index); }
std::string final_checkpoint_kind(int seed_index) {
  return fmt::format("final-{}-checkpoint", seed_index);
}

const FinalRun& RankedFinalist::best_run() const {
  return *std::ranges::max_element(runs, {}, &FinalRun::validation);
}

double t_half_width(const std::vector<double>& values) {
  // Two-sided 95 % quantiles of Student's t for 1..10 degrees of freedom.
  constexpr std::array<double, 10> kQuantiles{12.706, 4.303, 3.182, 2.776, 2.571,
                                              2.447,  2.365, 2.306, 2.262, 2.228};
  const auto n = values.size();
  if (n < 2) return 0;
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  const double quantile = n - 2 < kQuantiles.size() ? kQuantiles[n - 2] : 1.96;
  return quantile * std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n));
}

std::vector<study::Trial> contenders(const std::vector<study::Trial>& trials) {
  std::vector<study::Trial> best;
  for (const study::Trial& trial : trials) {
    if (trial.objective && trial.deployable()) best.push_back(trial);
  }
  std::ranges::stable_sort(best, [](const study::Trial& a, const study::Trial& b) {
    if (a.rungs.size() != b.rungs.size()) return a.rungs.size() > b.rungs.size();
    return *a.objective > *b.objective;
  });
  return best;
}

FinalPlan plan_finals(const Settings& settings, const std::vector<study::Trial>& best,
                      const FinalMeans& given) {
  FinalMeans means = given;
  if (settings.distil) means.seconds_left /= kTeachingCost;
  int count = std::min<int>(settings.finalists, static_cast<int>(best.size()));
  FinalPlan plan;
  plan.seeds = settings.final_seeds > 0 ? settings.final_seeds : kSeeds;
  plan.epochs = settings.final_epochs;
  if (plan.epochs == 0 && !settings.budget) plan.epochs = 2 * means.search_epochs;
  if (plan.epochs == 0) {
    const int plenty = std::max(kEpochsForFinalists, 2 * means.search_epochs);
    const auto epochs = [&] { return affordable_epochs(best, count, plan.seeds, means); };
    while (count > 1 && epochs() < std::min(plenty, kMaxFinalEpochs)) --count;
    while (settings.final_seeds == 0 && plan.seeds > kLeastSeeds && epochs() < kEpochsForSeeds)
      --plan.seeds;
    plan.epochs = epochs();
  }
  for (int i = 0; i < count; ++i) plan.trials.push_back(best[static_cast<std::size_t>(i)].number);
  return plan;
}

Result<std::vector<RankedFinalist>> run_finals(Context& context, const FinalPlan& plan,
                                               const StopToken& stop) {
  ATML_TRY(const std::vector<study::Trial> trials, context.store->trials());
  Finals finals(context, plan, stop);
  ATML_TRY(const std::vector<FinalRun> runs, finals.run(trials));
  const bool is_share = context.dataset.task == data::Task::kClassification;
  std::vector<RankedFinalist> ranking;
  for (const int number : plan.trials) {
    std::vector<FinalRun> own;
    std::ranges::copy_if(runs, std::back_inserter(own),
                         [&](const FinalRun& run) { return run.trial == number; });
    if (!own.empty())
      ranking.push_back(rank(trials[static_cast<std::size_t>(number)], std::move(own), is_share));
  }
  std::ranges::stable_sort(ranking, std::ranges::greater{}, &RankedFinalist::mean);
  return ranking;
}

Json to_json(const FinalPlan& plan) {
  Json trials = Json::array();
  for (const int number : plan.trials) trials.push(number);
  return Json::object().set("trials", trials).set("epochs", plan.epochs).set("seeds", plan.seeds);
}

Result<FinalPlan> final_plan_from_json(const Json& json) {
  FinalPlan plan;
  for (const Json& number : json["trials"].items())
    plan.trials.push_back(static_cast<int>(number.integer()));
  plan.epochs = static_cast<int>(json["epochs"].integer());
  plan.seeds = static_cast<int>(json["seeds"].integer());
  if (plan.trials.empty() || plan.epochs < 1 || plan.seeds < 1) {
    return Error{Code::kParse, "the study's note 'final_plan' is damaged"};
  }
  return plan;
}

}  // namespace atml::search
