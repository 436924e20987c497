// EarlyStop: ends a training whose validation metric has stopped growing, and keeps its best state.
#pragma once

#include <string>

#include "train/trainer.h"

namespace atml::train {

struct FitOptions {
  int epochs = 10;        // at most
  int patience = 5;       // epochs without a gain before the end; >= 1
  double least_gain = 0;  // of the metric, that counts as one
};

struct Fitted {
  TrainEnd end = TrainEnd::kOk;
  int epochs = 0;      // trained
  int best_epoch = 0;  // 1, 2, ...; 0: none
  double best = 0;     // validation metric there
};

/// Trains until one of the ends; the trainer is then in the state of its best epoch (L. Prechelt,
/// "Early stopping - but when?", 1998). Not for schedules that must be run to their end to be good.
/// After kDiverged the trainer must not be used further; after kStopped it is in the best state so
/// far.
Result<Fitted> fit(Trainer& trainer, const data::Split& validation, const FitOptions& options,
                   const StopToken& stop);

}  // namespace atml::train
