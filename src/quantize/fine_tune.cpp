#include "quantize/fine_tune.h"

#include <algorithm>
#include <cmath>

namespace atml::quantize {
namespace {

/// Halfway between the old ranges and new ones, end by end; the input's stays.
train::QuantisationPlan averaged(const train::QuantisationPlan& old,
                                 const train::QuantisationPlan& measured) {
  train::QuantisationPlan plan = old;
  for (std::size_t i = 1; i < plan.outputs.size(); ++i) {
    if (!plan.outputs[i] || !measured.outputs[i]) continue;
    const train::ActivationRange& a = *old.outputs[i];
    const train::ActivationRange& b = *measured.outputs[i];
    const auto scale = (a.scale + b.scale) / 2;
    const double low = (static_cast<double>(a.scale) * (-128 - a.zero_point) +
                        static_cast<double>(b.scale) * (-128 - b.zero_point)) /
                       2;
    const double zero = std::round(-128 - low / static_cast<double>(scale));
    plan.outputs[i] = {scale, static_cast<int>(std::clamp(zero, -128.0, 127.0))};
  }
  return plan;
}

train::Settings tuning_settings(train::Settings settings, const FineTuneOptions& options) {
  settings.optimizer = train::Optimizer::kAdamW;
  settings.schedule = train::Schedule::kCosine;
  settings.epochs = options.epochs;
  settings.learning_rate = options.learning_rate;
  settings.warmup_epochs = 0.1;
  settings.ema_decay = 0;          // the rounded weights of the end are what is kept
  settings.round_weights = false;  // the plan rounds
  return settings;
}

Result<Int8Model> model_of(const network::Network& network, const train::Weights& rounded,
                           const data::Dataset& dataset, QuantizeOptions options,
                           const train::QuantisationPlan& plan) {
  options.plan = &plan;
  return quantize(network, rounded, dataset, options);
}

}  // namespace

Result<FineTuned> fine_tune(const network::Network& network, const train::Weights& start,
                            const data::Dataset& dataset, train::Settings settings,
                            const FineTuneOptions& options, const StopToken& stop,
                            const Teacher* teacher, int threads) {
  QuantizeOptions calibration = options.quantize;
  calibration.plan = nullptr;
  FineTuned result;
  ATML_TRY(result.plan, calibrated_plan(network, start, dataset, calibration));
  settings = tuning_settings(settings, options);
  settings.most_threads = std::max(settings.most_threads, threads);
  ATML_TRY(const auto trainer,
           train::Trainer::create_from(network, dataset, settings, start, &result.plan));
  trainer->set_threads(threads);
  if (teacher != nullptr) ATML_TRY_STATUS(trainer->set_teacher(teacher->network, teacher->weights));
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    if (epoch > 0) {
      ATML_TRY(const train::QuantisationPlan measured,
               calibrated_plan(network, trainer->rounded_weights(), dataset, calibration));
      result.plan = averaged(result.plan, measured);
      trainer->set_ranges(result.plan);
    }
    train::EpochReport report;
    result.end = trainer->run_epoch(stop, report);
    if (result.end != train::TrainEnd::kOk) break;
  }
  if (result.end != train::TrainEnd::kOk) {
    ATML_TRY(result.model, quantize(network, start, dataset, calibration));
    result.weights = start;
    return result;
  }
  result.weights = trainer->rounded_weights();
  ATML_TRY(result.model, model_of(network, result.weights, dataset, calibration, result.plan));
  return result;
}

}  // namespace atml::quantize
