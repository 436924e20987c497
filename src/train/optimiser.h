// Optimiser: one step of AdamW or SGD over the flat parameters, with the learning-rate schedule.
#pragma once

#include <cstdint>
#include <span>

#include "train/engine.h"
#include "train/state.h"
#include "train/trainer.h"

namespace atml::train {

/// Linear warm-up over warmup_epochs (at most half of the schedule), then half a cosine down to 1 %
/// of the peak; constant after it. `step` counts from 0.
double learning_rate(const Settings& settings, std::uint64_t steps_per_epoch, std::uint64_t step);

class Optimiser {
 public:
  explicit Optimiser(const Settings& settings) : settings_(settings) {}

  /// Sizes the moments of a state.
  void prepare(std::size_t parameters, State& state) const;
  /// Updates engine.values() from engine.gradients(); advances state.steps. Returns the gradient's
  /// norm before clipping, or 0 where clipping is off.
  double step(Engine& engine, State& state, double rate) const;

 private:
  void update(Engine& engine, State& state, std::size_t first, std::size_t size, bool decays,
              double rate) const;
  Settings settings_;
};

}  // namespace atml::train
