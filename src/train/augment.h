// Augmentation: random, label-preserving changes of one sample, drawn anew in every epoch.
#pragma once

#include <span>
#include <vector>

#include "base/random.h"
#include "base/shape.h"
#include "data/dataset.h"

namespace atml::train {

/// What may change, each from 0 (never).
struct Augmentation {
  /// The general recipe, 0 .. 1; all its ranges are times this strength. Pictures (height and width
  /// > 1, 8 bits): shift by up to 12.5 % of each side (outside is 0), mirror left-right with
  /// probability strength / 2, erase a rectangle of 10-35 % of each side (to the mean) with
  /// probability strength / 2. Other maps (spectrograms: time x frequency): shift, and instead of
  /// the rest one mask over time and one over frequency, each up to 25 % wide, with probability
  /// strength / 2 each (SpecAugment; Park et al., Interspeech 2019). Signals (height = time > 1,
  /// width 1): shift in time by up to 10 %, scale each channel by about 10 %, add noise of 10 % of
  /// the channel's deviation. Feature vectors: nothing.
  double strength = 0;
  double rotation = 0;      // maps: by up to so many degrees either way, 0 .. 180
  double crop = 0;          // maps: zoom in on a window smaller by up to this share, 0 .. 0.9
  double time_warp = 0;     // signals: speed locally up to so much faster or slower, 0 .. 0.9
  double channel_drop = 0;  // signals: probability that a channel becomes its mean, 0 .. 1
  bool operator==(const Augmentation&) const = default;
};

class Augmenter {
 public:
  Augmenter(const Shape& shape, const data::Normalisation& normalisation,
            const Augmentation& settings);
  bool active() const { return kind_ != Kind::kNone; }
  /// Changes one sample in place (raw values, HWC); the same Rng state gives the same change.
  void apply(std::span<float> values, Rng& rng);

 private:
  enum class Kind { kNone, kImage, kSignal };
  void shift(std::span<float> values, int down, int right, bool mirror);
  void turn_and_zoom(std::span<float> values, double radians, double zoom, double down,
                     double right);
  void erase(std::span<float> values, Rng& rng) const;
  void fill_box(std::span<float> values, int top, int left, int height, int width) const;
  void mask(std::span<float> values, Rng& rng) const;
  void change_map(std::span<float> values, Rng& rng);
  void change_signal(std::span<float> values, Rng& rng);
  void warp_time(std::span<float> values, double amplitude, int waves);
  void drop_channels(std::span<float> values, Rng& rng) const;
  void shift_time(std::span<float> values, int by);
  void jitter(std::span<float> values, Rng& rng) const;

  Shape shape_;
  Augmentation settings_;
  Kind kind_ = Kind::kNone;
  bool mirror_ = false;
  std::vector<float> mean_, deviation_;  // per channel
  std::vector<float> copy_;
};

}  // namespace atml::train
