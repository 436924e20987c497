// Loss: softmax cross-entropy or mean squared error of a batch, its gradient, and the running
// score.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "train/engine.h"

namespace atml::train {

/// Sums over samples of which loss() and metric() are made; see Evaluation for what they mean.
class Score {
 public:
  explicit Score(data::Task task, int outputs);
  void add_classified(double loss, bool correct);
  /// One sample of regression; `record_targets` values enter the R2.
  void add_values(double squared_error, std::span<const float> targets);

  std::size_t samples() const { return samples_; }
  double loss() const { return samples_ == 0 ? 0 : loss_ / static_cast<double>(samples_); }
  double metric() const;

 private:
  data::Task task_;
  std::size_t samples_ = 0;
  std::size_t correct_ = 0;
  double loss_ = 0;
  std::vector<double> sum_, squares_;  // of targets, per output
};

/// What changes the targets of a batch in training. Empty or 0: nothing.
struct SoftTargets {
  std::span<const float> shares;    // mixup: sample i has this part of its own target, the rest of
                                    // that of sample i ^ 1
  const Engine* teacher = nullptr;  // distillation: its output() for the same batch
  double teacher_weight = 0;        // of the teacher's part of the loss, 0 .. 1
  double temperature = 1;           // > 0
};

class Loss {
 public:
  /// `class_weights` multiply the loss of samples of each class; empty: 1.
  Loss(data::Task task, int outputs, double label_smoothing,
       std::vector<double> class_weights = {});

  /// Adds the first `count` samples of the batch to the score. With `gradient`, also writes the
  /// gradient of the mean loss over the whole batch (count must then be the batch).
  /// `mean` and `gain` normalise the input where it is its own target (anomaly).
  double run(Engine& engine, const data::Split& split, std::span<const std::size_t> indices,
             std::size_t count, bool gradient, std::span<const float> mean,
             std::span<const float> gain, Score& score, const SoftTargets& soft = {});

  /// Copies the outputs of one sample, HWC order.
  void read_outputs(const Engine& engine, std::size_t sample, std::span<float> row) const;

 private:
  void read_targets(const data::Split& split, std::size_t index, std::span<const float> mean,
                    std::span<const float> gain, std::span<float> targets) const;
  double classify(int label, int other, double share, bool& correct);
  void add_target(int label, double share);
  double cross_entropy();
  double squared_error(std::span<const float> targets);
  double learn_from(const SoftTargets& soft, std::size_t sample, double loss);
  double follow_distribution(double temperature);

  data::Task task_;
  double smoothing_;
  std::vector<float> row_;  // outputs of one sample
  std::vector<float> row_gradient_;
  std::vector<double> class_weights_;
  std::vector<double> target_;  // of each class; not a distribution where classes have weights
  std::vector<float> targets_, other_targets_;
  std::vector<float> teacher_row_, own_gradient_;
};

}  // namespace atml::train
