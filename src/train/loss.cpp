#include "train/loss.h"

#include <algorithm>
#include <cmath>

namespace atml::train {
namespace {

// visit(i, float offset of output i in HWC order) for one sample.
template <class Visit>
void each_output(const Tensor& t, std::size_t sample, Visit visit) {
  const auto lanes = static_cast<std::size_t>(t.layout.lanes);
  const auto group = static_cast<int>(sample / lanes);
  const auto lane = static_cast<std::ptrdiff_t>(sample % lanes);
  const Shape& s = t.layout.shape;
  std::size_t i = 0;
  for (int y = 0; y < s.height; ++y) {
    for (int x = 0; x < s.width; ++x) {
      for (int c = 0; c < s.channels; ++c, ++i) visit(i, t.layout.at(c, group, y, x) + lane);
    }
  }
}

}  // namespace

Score::Score(data::Task task, int outputs)
    : task_(task),
      sum_(static_cast<std::size_t>(outputs)),
      squares_(static_cast<std::size_t>(outputs)) {}

void Score::add_classified(double loss, bool correct) {
  ++samples_;
  loss_ += loss;
  if (correct) ++correct_;
}

void Score::add_values(double squared_error, std::span<const float> targets) {
  ++samples_;
  loss_ += squared_error;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const double t = targets[i];
    sum_[i] += t;
    squares_[i] += t * t;
  }
}

double Score::metric() const {
  if (samples_ == 0) return 0;
  const auto n = static_cast<double>(samples_);
  if (task_ == data::Task::kClassification) return static_cast<double>(correct_) / n;
  if (task_ == data::Task::kAnomaly) return -loss();
  double variance = 0;  // mean over outputs, as the loss is
  for (std::size_t i = 0; i < sum_.size(); ++i)
    variance += std::max(0.0, squares_[i] / n - sum_[i] / n * (sum_[i] / n));
  variance /= static_cast<double>(sum_.size());
  return variance > 0 ? 1 - loss() / variance : 0;
}

Loss::Loss(data::Task task, int outputs, double label_smoothing)
    : task_(task),
      smoothing_(label_smoothing),
      row_(static_cast<std::size_t>(outputs)),
      row_gradient_(static_cast<std::size_t>(outputs)),
      targets_(static_cast<std::size_t>(outputs)) {}

void Loss::read_outputs(const Engine& engine, std::size_t sample, std::span<float> row) const {
  const Tensor& t = engine.output();
  each_output(t, sample, [&](std::size_t i, std::ptrdiff_t at) { row[i] = t.value[at]; });
}

double Loss::run(Engine& engine, const data::Split& split, std::span<const std::size_t> indices,
                 std::size_t count, bool gradient, std::span<const float> mean,
                 std::span<const float> gain, Score& score) {
  const float share = 1 / static_cast<float>(count);
  double total = 0;
  for (std::size_t s = 0; s < count; ++s) {
    read_outputs(engine, s, row_);
    double loss = 0;
    if (task_ == data::Task::kClassification) {
      bool correct = false;
      loss = cross_entropy(split.labels[indices[s]], correct);
      score.add_classified(loss, correct);
    } else {
      if (task_ == data::Task::kRegression) {
        std::copy_n(split.targets.data() + indices[s] * targets_.size(), targets_.size(),
                    targets_.data());
      } else {
        split.x.read(indices[s], targets_);
        for (std::size_t i = 0; i < targets_.size(); ++i) {
          targets_[i] = (targets_[i] - mean[i % mean.size()]) * gain[i % gain.size()];
        }
      }
      loss = squared_error(targets_);
      score.add_values(loss, targets_);
    }
    total += loss;
    if (!gradient) continue;
    const Tensor& t = engine.output();
    each_output(
        t, s, [&](std::size_t i, std::ptrdiff_t at) { t.gradient[at] = row_gradient_[i] * share; });
  }
  return total * static_cast<double>(share);
}

// The target is 1 - smoothing on the label plus smoothing spread evenly over all classes (Szegedy
// et al., CVPR 2016); the gradient is softmax - target.
double Loss::cross_entropy(int label, bool& correct) {
  const auto classes = row_.size();
  const auto l = static_cast<std::size_t>(label);
  ATML_ASSERT(label >= 0 && l < classes, "label out of range");
  const auto best = static_cast<std::size_t>(std::ranges::max_element(row_) - row_.begin());
  correct = best == l;
  const float top = row_[best];
  double sum = 0;
  double row_sum = 0;
  for (std::size_t i = 0; i < classes; ++i) {
    row_gradient_[i] = std::exp(row_[i] - top);
    sum += static_cast<double>(row_gradient_[i]);
    row_sum += static_cast<double>(row_[i]);
  }
  const double log_sum = static_cast<double>(top) + std::log(sum);
  const double even = smoothing_ / static_cast<double>(classes);
  for (std::size_t i = 0; i < classes; ++i) {
    row_gradient_[i] = static_cast<float>(static_cast<double>(row_gradient_[i]) / sum - even);
  }
  row_gradient_[l] -= static_cast<float>(1 - smoothing_);
  return log_sum - (1 - smoothing_) * static_cast<double>(row_[l]) - even * row_sum;
}

double Loss::squared_error(std::span<const float> targets) {
  double sum = 0;
  const double share = 1 / static_cast<double>(row_.size());
  for (std::size_t i = 0; i < row_.size(); ++i) {
    const double error = static_cast<double>(row_[i]) - static_cast<double>(targets[i]);
    sum += error * error * share;
    row_gradient_[i] = static_cast<float>(2 * error * share);
  }
  return sum;
}

}  // namespace atml::train
