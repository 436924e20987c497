#include "train/optimiser.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace atml::train {
namespace {

constexpr double kFinalRate = 0.01;  // of the peak
constexpr double kBeta2 = 0.999;

double clip_factor(std::span<const float> gradients, double most, double& norm) {
  double squares = 0;
  for (const float g : gradients) squares += static_cast<double>(g) * static_cast<double>(g);
  norm = std::sqrt(squares);
  return norm > most ? most / norm : 1;
}

// One cycle (L. N. Smith, "A disciplined approach to neural network hyper-parameters", 2018): 0 at
// both ends, 1 at the peak.
constexpr double kRise = 0.3;  // share of the schedule before the peak
double height(double t, double total) {
  const double peak = kRise * total;
  const double distance = t < peak ? (peak - t) / peak : std::min(1.0, (t - peak) / (total - peak));
  return 0.5 * (1 + std::cos(std::numbers::pi * distance));
}

}  // namespace

double learning_rate(const Settings& s, std::uint64_t steps_per_epoch, std::uint64_t step) {
  const double per_epoch = static_cast<double>(steps_per_epoch);
  const double total = s.epochs * per_epoch;
  const double warmup = std::min(s.warmup_epochs, s.epochs / 2.0) * per_epoch;
  const double t = static_cast<double>(step);
  if (s.schedule == Schedule::kOneCycle) {
    constexpr double kStart = 1.0 / 25, kEnd = kStart / 1e4;
    const double low = s.learning_rate * (t < kRise * total ? kStart : kEnd);
    return low + (s.learning_rate - low) * height(t, total);
  }
  if (t < warmup) return s.learning_rate * (t + 1) / (warmup + 1);
  const double done = std::min(1.0, (t - warmup) / std::max(1.0, total - warmup));
  return s.learning_rate *
         (kFinalRate + (1 - kFinalRate) * 0.5 * (1 + std::cos(std::numbers::pi * done)));
}

double momentum(const Settings& s, std::uint64_t steps_per_epoch, std::uint64_t step) {
  if (s.schedule != Schedule::kOneCycle) return s.momentum;
  const double total = s.epochs * static_cast<double>(steps_per_epoch);
  return std::max(0.0, s.momentum - 0.1 * height(static_cast<double>(step), total));
}

void Optimiser::prepare(std::size_t parameters, State& state) const {
  state.moment1.assign(parameters, 0.0f);
  state.moment2.assign(settings_.optimizer == Optimizer::kAdamW ? parameters : 0, 0.0f);
}

double Optimiser::step(Engine& engine, State& state, double rate, double momentum) const {
  double norm = 0;
  if (settings_.gradient_clip > 0) {
    const auto factor =
        static_cast<float>(clip_factor(engine.gradients(), settings_.gradient_clip, norm));
    if (factor < 1) {
      for (float& g : engine.gradients()) g *= factor;
    }
  }
  ++state.steps;
  std::size_t at = 0;
  for (const Slice& kernel : engine.decayed()) {
    update(engine, state, at, kernel.first - at, false, rate, momentum);
    update(engine, state, kernel.first, kernel.size, true, rate, momentum);
    at = kernel.first + kernel.size;
  }
  update(engine, state, at, engine.values().size() - at, false, rate, momentum);
  engine.values_changed();
  return norm;
}

void Optimiser::update(Engine& engine, State& state, std::size_t first, std::size_t size,
                       bool decays, double rate, double momentum) const {
  if (size == 0) return;
  float* w = engine.values().data() + first;
  const float* g = engine.gradients().data() + first;
  const double decay = decays ? settings_.weight_decay : 0;
  if (settings_.optimizer == Optimizer::kSgd) {
    engine.kernels().sgd(
        size, w, g, state.moment1.data() + first,
        {static_cast<float>(rate), static_cast<float>(decay), static_cast<float>(momentum)});
    return;
  }
  const double t = static_cast<double>(state.steps);
  AdamStep s;
  s.rate = static_cast<float>(rate);
  s.decay = static_cast<float>(rate * decay);
  s.beta1 = static_cast<float>(momentum);
  s.beta2 = static_cast<float>(kBeta2);
  s.correction1 = static_cast<float>(1 / (1 - std::pow(momentum, t)));
  s.correction2 = static_cast<float>(1 / (1 - std::pow(kBeta2, t)));
  engine.kernels().adam(size, w, g, state.moment1.data() + first, state.moment2.data() + first, s);
}

}  // namespace atml::train
