// Training and scoring steps that trials and finalists share.
#pragma once

#include <cstdint>

#include "quantize/model.h"
#include "search/context.h"
#include "space/configuration.h"
#include "train/trainer.h"

namespace atml::search {

/// The trainer's settings that a configuration means, for a schedule of `epochs`.
train::Settings training_settings(const Context& context, const space::Configuration& configuration,
                                  int epochs, std::uint64_t seed);

struct TrainedTo {
  train::TrainEnd end = train::TrainEnd::kOk;
  double loss = 0;  // of the last epoch
};

/// Epochs until `epochs` are done, or the training ends for another reason.
TrainedTo train_to(train::Trainer& trainer, int epochs, const StopToken& stop);

struct Scored {
  quantize::Int8Model model;
  double objective = 0;  // metric of the int8 model on the validation split
};

/// Quantises what was trained and scores it as it will run.
Result<Scored> quantize_and_score(const Context& context, train::Trainer& trainer,
                                  const network::Network& network, std::uint64_t seed);

}  // namespace atml::search
