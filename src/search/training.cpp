#include "search/training.h"

#include <algorithm>

#include "base/random.h"
#include "quantize/evaluate.h"
#include "quantize/fine_tune.h"
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

/// Layers of 4 bits are trained as what they will be from the start.
bool has_narrow_weights(const network::Network& network) {
  return std::ranges::any_of(network.layers(), [](const network::Layer& layer) {
    return std::visit(
        [](const auto& op) {
          if constexpr (requires { op.weight_bits; }) return op.weight_bits < 8;
          return false;
        },
        layer.op);
  });
}

/// Of the rate that the network was trained with.
constexpr double kTuningRate = 0.1;

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
  if (choice.one_cycle) settings.schedule = train::Schedule::kOneCycle;
  settings.ema_decay = averaging(context.dataset.train.size(), settings);
  settings.seed = seed;
  settings.most_threads = context.jobs;
  const auto network =
      space::decode(configuration, context.dataset.shape, context.dataset.outputs());
  settings.round_weights = network.ok() && has_narrow_weights(*network);
  return settings;
}

train::Settings trial_settings(const Context& context, const study::Trial& trial) {
  const auto number = static_cast<std::uint64_t>(trial.number);
  return training_settings(context, trial.configuration, context.plan.epochs(),
                           Rng::derive(context.settings.seed, "train", number).next());
}

TrainedTo train_to(train::Trainer& trainer, int epochs, const StopToken& stop,
                   const std::function<int()>& threads) {
  TrainedTo result;
  while (trainer.epochs_done() < epochs) {
    if (threads) trainer.set_threads(threads());
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
           quantize::quantize(network, trainer.rounded_weights(), context.dataset, options));
  ATML_TRY(const quantize::Score score,
           quantize::evaluate(model, context.dataset, context.dataset.validation, StopToken()));
  return Scored{std::move(model), score.metric};
}

int tuning_epochs(const Settings& settings, const network::Network& network, int epochs) {
  return settings.fine_tune && epochs >= 4 && has_narrow_weights(network)
             ? std::clamp(epochs / 8, 1, 6)
             : 0;
}

Result<Scored> fine_tune_and_score(const Context& context, train::Trainer& trainer,
                                   const network::Network& network, const train::Settings& settings,
                                   int epochs, const StopToken& stop, int threads) {
  ATML_TRY(Scored plain, quantize_and_score(context, trainer, network, settings.seed));
  if (epochs == 0) return plain;
  quantize::FineTuneOptions options;
  options.epochs = epochs;
  options.learning_rate = kTuningRate * settings.learning_rate;
  options.quantize.rounding = context.rounding();
  options.quantize.seed = settings.seed;
  ATML_TRY(quantize::FineTuned tuned,
           quantize::fine_tune(network, trainer.weights(), context.dataset, settings, options, stop,
                               nullptr, threads));
  if (tuned.end != train::TrainEnd::kOk) return plain;
  ATML_TRY(
      const quantize::Score score,
      quantize::evaluate(tuned.model, context.dataset, context.dataset.validation, StopToken()));
  if (!(score.metric > plain.objective)) return plain;
  return Scored{std::move(tuned.model), score.metric};
}

}  // namespace atml::search
