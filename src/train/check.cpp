#include "train/check.h"

#include <fmt/format.h>

#include <cmath>

namespace atml::train {
namespace {

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

Status check_range(const char* name, double value, double low, double high,
                   bool high_included = true) {
  const bool inside = value >= low && (high_included ? value <= high : value < high);
  if (inside) return {};
  return invalid(fmt::format("training setting {} must be in [{}, {}{}, not {}", name, low, high,
                             high_included ? "]" : ")", value));
}

Status check_settings(const Settings& s) {
  ATML_TRY_STATUS(check_range("batch_size", s.batch_size, 1, 4096));
  ATML_TRY_STATUS(check_range("epochs", s.epochs, 1, 1e6));
  ATML_TRY_STATUS(check_range("learning_rate", s.learning_rate, 0, 1e12));
  ATML_TRY_STATUS(check_range("weight_decay", s.weight_decay, 0, 1e6));
  ATML_TRY_STATUS(check_range("momentum", s.momentum, 0, 1, false));
  ATML_TRY_STATUS(check_range("warmup_epochs", s.warmup_epochs, 0, 1e6));
  ATML_TRY_STATUS(check_range("label_smoothing", s.label_smoothing, 0, 1, false));
  ATML_TRY_STATUS(check_range("gradient_clip", s.gradient_clip, 0, 1e12));
  ATML_TRY_STATUS(check_range("augmentation", s.augmentation.strength, 0, 1));
  ATML_TRY_STATUS(check_range("rotation", s.augmentation.rotation, 0, 180));
  ATML_TRY_STATUS(check_range("crop", s.augmentation.crop, 0, 0.9));
  ATML_TRY_STATUS(check_range("time_warp", s.augmentation.time_warp, 0, 0.9));
  ATML_TRY_STATUS(check_range("channel_drop", s.augmentation.channel_drop, 0, 1));
  ATML_TRY_STATUS(check_range("mixup", s.mixup, 0, 1));
  ATML_TRY_STATUS(check_range("teacher_weight", s.teacher_weight, 0, 1));
  ATML_TRY_STATUS(check_range("temperature", s.temperature, 1e-3, 1e3));
  ATML_TRY_STATUS(check_range("most_threads", s.most_threads, 1, 1024));
  return check_range("ema_decay", s.ema_decay, 0, 1, false);
}

bool has_weights(const network::Network& network) {
  for (const network::Layer& layer : network.layers()) {
    if (std::holds_alternative<network::Conv>(layer.op) ||
        std::holds_alternative<network::Depthwise>(layer.op) ||
        std::holds_alternative<network::Dense>(layer.op) ||
        std::holds_alternative<network::BatchNorm>(layer.op))
      return true;
  }
  return false;
}

}  // namespace

Status check_split(const data::Split& split, const data::Dataset& dataset, const char* name) {
  if (split.size() > 0 && !(split.x.shape() == dataset.shape)) {
    return invalid(fmt::format("{} samples are {}, the data set says {}", name,
                               split.x.shape().text(), dataset.shape.text()));
  }
  if (dataset.task == data::Task::kClassification) {
    if (split.labels.size() != split.size()) {
      return invalid(fmt::format("{} split has {} labels for {} samples", name, split.labels.size(),
                                 split.size()));
    }
    for (std::size_t i = 0; i < split.size(); ++i) {
      if (split.labels[i] >= 0 &&
          static_cast<std::size_t>(split.labels[i]) < dataset.classes.size())
        continue;
      return invalid(fmt::format("{} split: label {} of sample {} is outside 0..{}", name,
                                 split.labels[i], i, static_cast<int>(dataset.classes.size()) - 1));
    }
  }
  if (dataset.task == data::Task::kRegression &&
      split.targets.size() != split.size() * static_cast<std::size_t>(dataset.target_size)) {
    return invalid(fmt::format("{} split has {} target values, {} samples need {}", name,
                               split.targets.size(), split.size(),
                               split.size() * static_cast<std::size_t>(dataset.target_size)));
  }
  return {};
}

Status check_suits(const network::Network& network, const data::Dataset& dataset,
                   const Settings& settings) {
  ATML_TRY_STATUS(network.verify());
  ATML_TRY_STATUS(check_settings(settings));
  if (!(network.input_shape() == dataset.shape)) {
    return invalid(fmt::format("the network reads {}, a sample is {}", network.input_shape().text(),
                               dataset.shape.text()));
  }
  if (network.output_shape().elements() != dataset.outputs()) {
    return invalid(fmt::format("the network gives {} numbers, the task needs {}",
                               network.output_shape().elements(), dataset.outputs()));
  }
  if (!has_weights(network)) return invalid("the network has no weights to train");
  if (!settings.class_weights.empty()) {
    const bool classifies = dataset.task == data::Task::kClassification;
    if (!classifies || settings.class_weights.size() != dataset.classes.size()) {
      return invalid(fmt::format("{} class weights for {} classes", settings.class_weights.size(),
                                 classifies ? dataset.classes.size() : 0));
    }
    for (const double w : settings.class_weights)
      ATML_TRY_STATUS(check_range("class_weights", w, 0, 1e6));
  }
  if (dataset.train.size() == 0) return invalid("the train split is empty");
  return check_split(dataset.train, dataset, "train");
}

}  // namespace atml::train
