// BatchLoader: samples of a Split, augmented and normalised, straight into the lanes of an Engine's
// input.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "train/augment.h"
#include "train/engine.h"

namespace atml::train {

class BatchLoader {
 public:
  /// Sizes of `normalisation` are the shape's channels, or 0: none.
  BatchLoader(const Shape& shape, const data::Normalisation& normalisation, double augmentation);

  /// Fills engine.input() with the samples at `indices`, engine.batch() of them. With an `augment`
  /// seed, sample i is augmented by a generator derived from (seed, first + i).
  void load(Engine& engine, const data::Samples& samples, std::span<const std::size_t> indices);
  void load_augmented(Engine& engine, const data::Samples& samples,
                      std::span<const std::size_t> indices, std::uint64_t seed,
                      std::uint64_t first);

  const std::vector<float>& mean() const { return mean_; }
  const std::vector<float>& gain() const { return gain_; }

 private:
  void load_group(Engine& engine, int group);

  Shape shape_;
  Augmenter augmenter_;
  std::vector<float> mean_, gain_;
  std::vector<float> raw_;  // one group of samples, HWC
};

}  // namespace atml::train
