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

class Loss {
 public:
  Loss(data::Task task, int outputs, double label_smoothing);

  /// Adds the first `count` samples of the batch to the score. With `gradient`, also writes the
  /// gradient of the mean loss over the whole batch (count must then be the batch).
  /// `mean` and `gain` normalise the input where it is its own target (anomaly).
  double run(Engine& engine, const data::Split& split, std::span<const std::size_t> indices,
             std::size_t count, bool gradient, std::span<const float> mean,
             std::span<const float> gain, Score& score);

  /// Copies the outputs of one sample, HWC order.
  void read_outputs(const Engine& engine, std::size_t sample, std::span<float> row) const;

 private:
  double cross_entropy(int label, bool& correct);
  double squared_error(std::span<const float> targets);

  data::Task task_;
  double smoothing_;
  std::vector<float> row_;  // outputs of one sample
  std::vector<float> row_gradient_;
  std::vector<float> targets_;
};

}  // namespace atml::train
