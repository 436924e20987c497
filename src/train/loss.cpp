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

Loss::Loss(data::Task task, int outputs, double label_smoothing, std::vector<double> class_weights)
    : task_(task),
      smoothing_(label_smoothing),
      row_(static_cast<std::size_t>(outputs)),
      row_gradient_(row_.size()),
      class_weights_(std::move(class_weights)),
      target_(row_.size()),
      targets_(row_.size()),
      other_targets_(row_.size()),
      teacher_row_(row_.size()),
      own_gradient_(row_.size()) {}

void Loss::read_outputs(const Engine& engine, std::size_t sample, std::span<float> row) const {
  const Tensor& t = engine.output();
  each_output(t, sample, [&](std::size_t i, std::ptrdiff_t at) { row[i] = t.value[at]; });
}

double Loss::run(Engine& engine, const data::Split& split, std::span<const std::size_t> indices,
                 std::size_t count, bool gradient, std::span<const float> mean,
                 std::span<const float> gain, Score& score, const SoftTargets& soft) {
  const float batch_share = 1 / static_cast<float>(count);
  double total = 0;
  for (std::size_t s = 0; s < count; ++s) {
    read_outputs(engine, s, row_);
    const bool mixed = !soft.shares.empty();
    const double share = mixed ? static_cast<double>(soft.shares[s]) : 1;
    const std::size_t other = mixed ? indices[s ^ 1] : indices[s];
    double loss = 0;
    if (task_ == data::Task::kClassification) {
      bool correct = false;
      loss = classify(split.labels[indices[s]], split.labels[other], share, correct);
      score.add_classified(loss, correct);
    } else {
      read_targets(split, indices[s], mean, gain, targets_);
      if (mixed) {
        read_targets(split, other, mean, gain, other_targets_);
        for (std::size_t i = 0; i < targets_.size(); ++i) {
          targets_[i] = static_cast<float>(share) * targets_[i] +
                        static_cast<float>(1 - share) * other_targets_[i];
        }
      }
      loss = squared_error(targets_);
      score.add_values(loss, targets_);
    }
    if (soft.teacher != nullptr) loss = learn_from(soft, s, loss);
    total += loss;
    if (!gradient) continue;
    const Tensor& t = engine.output();
    each_output(t, s, [&](std::size_t i, std::ptrdiff_t at) {
      t.gradient[at] = row_gradient_[i] * batch_share;
    });
  }
  return total * static_cast<double>(batch_share);
}

void Loss::read_targets(const data::Split& split, std::size_t index, std::span<const float> mean,
                        std::span<const float> gain, std::span<float> targets) const {
  if (task_ == data::Task::kRegression) {
    std::copy_n(split.targets.data() + index * targets.size(), targets.size(), targets.data());
    return;
  }
  split.x.read(index, targets);  // an autoencoder's target is its input
  for (std::size_t i = 0; i < targets.size(); ++i)
    targets[i] = (targets[i] - mean[i % mean.size()]) * gain[i % gain.size()];
}

// The target of a label is 1 - smoothing on it plus smoothing spread evenly over all classes
// (Szegedy et al., CVPR 2016), times the weight of its class.
void Loss::add_target(int label, double share) {
  const auto l = static_cast<std::size_t>(label);
  ATML_ASSERT(label >= 0 && l < target_.size(), "label out of range");
  const double mass = share * (class_weights_.empty() ? 1 : class_weights_[l]);
  for (double& t : target_) t += mass * smoothing_ / static_cast<double>(target_.size());
  target_[l] += mass * (1 - smoothing_);
}

double Loss::classify(int label, int other, double share, bool& correct) {
  correct = std::ranges::max_element(row_) - row_.begin() == label;
  std::ranges::fill(target_, 0.0);
  add_target(label, share);
  if (share < 1) add_target(other, 1 - share);
  return cross_entropy();
}

// -sum target log softmax; its gradient is (sum target) softmax - target.
double Loss::cross_entropy() {
  const float top = *std::ranges::max_element(row_);
  double sum = 0, mass = 0, product = 0;
  for (std::size_t i = 0; i < row_.size(); ++i) {
    row_gradient_[i] = std::exp(row_[i] - top);
    sum += static_cast<double>(row_gradient_[i]);
    mass += target_[i];
    product += target_[i] * static_cast<double>(row_[i]);
  }
  for (std::size_t i = 0; i < row_.size(); ++i) {
    row_gradient_[i] =
        static_cast<float>(mass * static_cast<double>(row_gradient_[i]) / sum - target_[i]);
  }
  return mass * (static_cast<double>(top) + std::log(sum)) - product;
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

// Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015: the loss becomes
// (1 - w) loss + w T^2 KL(teacher || student), both softened by the temperature T; where outputs
// are values, the teacher's are a second target.
double Loss::learn_from(const SoftTargets& soft, std::size_t sample, double loss) {
  read_outputs(*soft.teacher, sample, teacher_row_);
  std::ranges::copy(row_gradient_, own_gradient_.begin());
  const double teacher_loss = task_ == data::Task::kClassification
                                  ? follow_distribution(soft.temperature)
                                  : squared_error(teacher_row_);
  const auto w = static_cast<float>(soft.teacher_weight);
  for (std::size_t i = 0; i < row_.size(); ++i)
    row_gradient_[i] = (1 - w) * own_gradient_[i] + w * row_gradient_[i];
  return (1 - soft.teacher_weight) * loss + soft.teacher_weight * teacher_loss;
}

double Loss::follow_distribution(double temperature) {
  const auto soften = [&](std::vector<float>& row) {
    for (float& v : row) v = static_cast<float>(static_cast<double>(v) / temperature);
  };
  // Softmax of the teacher is the target.
  soften(teacher_row_);
  const double top = static_cast<double>(*std::ranges::max_element(teacher_row_));
  double sum = 0;
  for (std::size_t i = 0; i < target_.size(); ++i)
    sum += target_[i] = std::exp(static_cast<double>(teacher_row_[i]) - top);
  double entropy = 0;
  for (double& t : target_) {
    t /= sum;
    if (t > 0) entropy -= t * std::log(t);
  }
  soften(row_);
  const double divergence = cross_entropy() - entropy;
  for (float& g : row_gradient_) g = static_cast<float>(static_cast<double>(g) * temperature);
  return temperature * temperature * divergence;
}

}  // namespace atml::train
