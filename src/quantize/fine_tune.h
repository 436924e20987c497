// Quantisation-aware fine tuning of a trained float network: the last step before its int8 model.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "quantize/quantize.h"
#include "train/trainer.h"

namespace atml::quantize {

struct FineTuneOptions {
  int epochs = 2;               // >= 1
  double learning_rate = 5e-4;  // peak, AdamW; about a tenth of what the network was trained with
  QuantizeOptions quantize;     // `plan` is not used
};

struct FineTuned {
  Int8Model model;
  train::QuantisationPlan plan;
  train::Weights weights;  // rounded
  train::TrainEnd end =
      train::TrainEnd::kOk;  // kStopped, kDiverged: the model is that of the start
};

/// Trains on with the arithmetic of the int8 model: weights and activations rounded, batch
/// normalisation with its running statistics, which is what folding makes of it. The ranges of
/// activations are calibrated at the start and averaged with newly calibrated ones after every
/// epoch but the last. `settings` as the network was trained; their epochs, rate, schedule and
/// averaging of weights do not apply. `teacher`, where given, is a network and its weights that
/// distil (train::Trainer::set_teacher).
struct Teacher {
  const network::Network& network;
  const train::Weights& weights;
};
Result<FineTuned> fine_tune(const network::Network& network, const train::Weights& start,
                            const data::Dataset& dataset, train::Settings settings,
                            const FineTuneOptions& options, const StopToken& stop,
                            const Teacher* teacher = nullptr, int threads = 1);

}  // namespace atml::quantize
