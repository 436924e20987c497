// Finalists: the best few trials, trained from scratch to the end over several seeds, so that luck
// in one training does not choose the winner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search/context.h"
#include "study/trial.h"

namespace atml::search {

/// One training of one finalist.
struct FinalRun {
  int trial = 0;
  int seed_index = 0;
  std::uint64_t seed = 0;
  double validation = 0;        // metric of the int8 model
  double float_validation = 0;  // of the float network
  double seconds = 0;
  std::optional<int> teacher;  // trial that it was distilled from
};

struct RankedFinalist {
  study::Trial trial;
  std::vector<FinalRun> runs;  // by seed index
  double mean = 0;             // of the runs' validation
  double low = 0, high = 0;    // 95 % t-interval of the mean; mean itself where there is one run
  /// The run whose model ships: best validation, ties to the lower seed index.
  const FinalRun& best_run() const;
};

/// What the finals will do: decided once, kept in the study, so that `resume` goes on with the same
/// plan.
struct FinalPlan {
  std::vector<int> trials;  // best first
  int epochs = 0;
  int seeds = 0;
};

/// Trials worth a final, best first: those that got furthest, then by objective. Deployable ones
/// only.
std::vector<study::Trial> contenders(const std::vector<study::Trial>& trials);

/// What the finals may count on.
struct FinalMeans {
  double seconds_left = 0;  // wall time; does not matter without a budget
  int jobs = 1;             // workers
  int search_epochs = 1;    // of a full training in the search
};

/// As many finalists (at most settings.finalists), seeds and epochs as the time allows, at the
/// speed that the trials' own trainings had: first enough epochs, then a third seed, then more
/// finalists. `best`: contenders(), not empty. What settings fix stays as it is.
FinalPlan plan_finals(const Settings& settings, const std::vector<study::Trial>& best,
                      const FinalMeans& means);

/// Trains what the plan says and is not in the store yet. Returns the ranking, best mean first;
/// finalists without a finished run are left out. `stop` cuts off; what is finished counts.
Result<std::vector<RankedFinalist>> run_finals(Context& context, const FinalPlan& plan,
                                               const StopToken& stop);

/// Blob kinds of a final run: the int8 model (.tflite, or the study's own form) and the float
/// trainer's state.
std::string final_model_kind(int seed_index);
std::string final_checkpoint_kind(int seed_index);

Json to_json(const FinalPlan& plan);
Result<FinalPlan> final_plan_from_json(const Json& json);

/// Half width of the 95 % confidence interval of a mean of n values (Student's t); 0 for n < 2.
double t_half_width(const std::vector<double>& values);

}  // namespace atml::search
