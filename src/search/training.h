// Training and scoring steps that trials and finalists share.
#pragma once

#include <cstdint>
#include <functional>

#include "quantize/model.h"
#include "search/context.h"
#include "space/configuration.h"
#include "study/trial.h"
#include "train/trainer.h"

namespace atml::search {

/// The trainer's settings that a configuration means, for a schedule of `epochs`.
train::Settings training_settings(const Context& context, const space::Configuration& configuration,
                                  int epochs, std::uint64_t seed);

/// Those of a trial's training in the search.
train::Settings trial_settings(const Context& context, const study::Trial& trial);

struct TrainedTo {
  train::TrainEnd end = train::TrainEnd::kOk;
  double loss = 0;  // of the last epoch
};

/// Epochs until `epochs` are done, or the training ends for another reason. `threads`, where given,
/// says before each epoch how many threads it may use (the result does not depend on it).
TrainedTo train_to(train::Trainer& trainer, int epochs, const StopToken& stop,
                   const std::function<int()>& threads = {});

/// Of a final training of `epochs` epochs, those at its end that fine tune the int8 model: an
/// eighth, 1 to 6; none in trainings shorter than 4 epochs, where the study does not fine tune, or
/// where all weights have 8 bits: there it was measured to gain nothing over training longer
/// (bench/results/training.md).
int tuning_epochs(const Settings& settings, const network::Network& network, int epochs);

struct Scored {
  quantize::Int8Model model;
  double objective = 0;  // metric of the int8 model on the validation split
};

/// Quantises what was trained and scores it as it will run.
Result<Scored> quantize_and_score(const Context& context, train::Trainer& trainer,
                                  const network::Network& network, std::uint64_t seed);

/// Fine tunes what was trained and scores it; the better of that and quantize_and_score() on the
/// validation split.
Result<Scored> fine_tune_and_score(const Context& context, train::Trainer& trainer,
                                   const network::Network& network, const train::Settings& settings,
                                   int epochs, const StopToken& stop, int threads);

}  // namespace atml::search
