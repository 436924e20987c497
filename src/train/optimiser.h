// Optimiser: one step of AdamW or SGD over the flat parameters, with the learning-rate schedule.
#pragma once

#include <cstdint>
#include <span>

#include "train/engine.h"
#include "train/state.h"
#include "train/trainer.h"

namespace atml::train {

/// The learning rate of a step, which counts from 0. Cosine: linear warm-up over warmup_epochs (at
/// most half of the schedule), then half a cosine down to 1 % of the peak; constant after it. One
/// cycle: half a cosine from 1/25 of the peak up over the first 30 %, then down to 1/10000 of the
/// start.
double learning_rate(const Settings& settings, std::uint64_t steps_per_epoch, std::uint64_t step);

/// Settings::momentum, or under one cycle the same lowered by 0.1 (not below 0) while the rate is
/// at its peak.
double momentum(const Settings& settings, std::uint64_t steps_per_epoch, std::uint64_t step);

class Optimiser {
 public:
  explicit Optimiser(const Settings& settings) : settings_(settings) {}

  /// Sizes the moments of a state.
  void prepare(std::size_t parameters, State& state) const;
  /// Updates engine.values() from engine.gradients(); advances state.steps. Returns the gradient's
  /// norm before clipping, or 0 where clipping is off.
  double step(Engine& engine, State& state, double rate) const {
    return step(engine, state, rate, settings_.momentum);
  }
  double step(Engine& engine, State& state, double rate, double momentum) const;

 private:
  void update(Engine& engine, State& state, std::size_t first, std::size_t size, bool decays,
              double rate, double momentum) const;
  Settings settings_;
};

}  // namespace atml::train
