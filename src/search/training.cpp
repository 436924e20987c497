#include "search/training.h"

#include <algorithm>

#include "quantize/evaluate.h"
#include "quantize/quantize.h"
#include "space/decode.h"

namespace atml::search {
namespace {

/// Averaged weights are worth 1.5 points of accuracy at early rungs, where trials are compared, and
/// nothing is lost at the end of the schedule. The average spans 8 % of the schedule, at most 500
/// steps.
double averaging(std::size_t samples, const train::Settings& settings) {
  const double steps = static_cast<double>(samples) * settings.epochs / settings.batch_size;
  return 1 - 1 / std::clamp(0.08 * steps, 1.0, 500.0);
}

}  // namespace

train::Settings training_settings(const Context& context, const space::Configuration& configuration,
                                  int epochs, std::uint64_t seed) {
  const space::TrainingChoice choice = space::training_choice(configuration);
  train::Settings settings;
  settings.optimizer = train::Optimizer::kAdamW;
  settings.learning_rate = choice.learning_rate;
  settings.weight_decay = choice.weight_decay;
  settings.batch_size = choice.batch_size;
  settings.epochs = epochs;
  settings.warmup_epochs = std::min(1.0, epochs / 6.0);
  settings.label_smoothing = choice.label_smoothing;
  settings.augmentation.strength = choice.augmentation;
  settings.mixup = choice.mixup;
  settings.ema_decay = averaging(context.dataset.train.size(), settings);
  settings.seed = seed;
  return settings;
}

TrainedTo train_to(train::Trainer& trainer, int epochs, const StopToken& stop) {
  TrainedTo result;
  while (trainer.epochs_done() < epochs) {
    train::EpochReport report;
    result.end = trainer.run_epoch(stop, report);
    if (result.end != train::TrainEnd::kOk) return result;
    result.loss = report.train_loss;
  }
  return result;
}

Result<Scored> quantize_and_score(const Context& context, train::Trainer& trainer,
                                  const network::Network& network, std::uint64_t seed) {
  quantize::QuantizeOptions options;
  options.rounding = context.rounding();
  options.seed = seed;
  ATML_TRY(quantize::Int8Model model,
           quantize::quantize(network, trainer.weights(), context.dataset, options));
  ATML_TRY(const quantize::Score score,
           quantize::evaluate(model, context.dataset, context.dataset.validation, StopToken()));
  return Scored{std::move(model), score.metric};
}

}  // namespace atml::search
