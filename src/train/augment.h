// Augmentation: random, label-preserving changes of one sample, drawn anew in every epoch.
#pragma once

#include <span>
#include <vector>

#include "base/random.h"
#include "base/shape.h"
#include "data/dataset.h"

namespace atml::train {

/// Images (height and width > 1): shift by up to 12.5 % of each side (outside is 0), mirror
/// left-right with probability strength / 2 (8-bit pictures only: not spectrograms), erase a
/// rectangle of 10-35 % of each side (to the mean) with probability strength / 2. Signals (height =
/// time > 1, width 1): shift in time by up to 10 %, scale each channel by about 10 %, add noise of
/// 10 % of the channel's deviation. All ranges times strength. Feature vectors: nothing.
class Augmenter {
 public:
  Augmenter(const Shape& shape, const data::Normalisation& normalisation, double strength);
  bool active() const { return kind_ != Kind::kNone; }
  /// Changes one sample in place (raw values, HWC); the same Rng state gives the same change.
  void apply(std::span<float> values, Rng& rng);

 private:
  enum class Kind { kNone, kImage, kSignal };
  void shift(std::span<float> values, int down, int right, bool mirror);
  void erase(std::span<float> values, Rng& rng) const;
  void shift_time(std::span<float> values, int by);
  void jitter(std::span<float> values, Rng& rng) const;

  Shape shape_;
  double strength_;
  Kind kind_ = Kind::kNone;
  bool mirror_ = false;
  std::vector<float> mean_, deviation_;  // per channel
  std::vector<float> copy_;
};

}  // namespace atml::train
