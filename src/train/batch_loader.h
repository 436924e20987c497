// BatchLoader: samples of a Split, augmented and normalised, straight into the lanes of an Engine's
// input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "train/augment.h"
#include "train/engine.h"

namespace atml::train {

class BatchLoader {
 public:
  /// Sizes of `normalisation` are the shape's channels, or 0: none. `mixup`: the parameter of the
  /// Beta distribution of mixing shares (Zhang et al., ICLR 2018), 0: off, at most 1.
  BatchLoader(const Shape& shape, const data::Normalisation& normalisation,
              const Augmentation& augmentation, double mixup);

  /// Fills engine.input() with the samples at `indices`, engine.batch() of them (even), on all
  /// threads of the engine. load_augmented(): sample i is augmented by a generator derived from
  /// (seed, first + i); with mixup, neighbours 2j and 2j + 1 are mixed, see shares().
  void load(Engine& engine, const data::Samples& samples, std::span<const std::size_t> indices);
  void load_augmented(Engine& engine, const data::Samples& samples,
                      std::span<const std::size_t> indices, std::uint64_t seed,
                      std::uint64_t first);

  /// Sample i of the last augmented batch is shares()[i] parts itself, the rest its neighbour i
  /// ^ 1. Empty without mixup.
  std::span<const float> shares() const { return shares_; }

  const std::vector<float>& mean() const { return mean_; }
  const std::vector<float>& gain() const { return gain_; }

 private:
  /// What one thread works with.
  struct Desk {
    Augmenter augmenter;
    std::vector<float> raw;  // one group of samples, HWC
  };
  void each_group(Engine& engine, const std::function<void(Desk&, std::size_t group)>& fill);
  void load_group(Engine& engine, const Desk& desk, std::size_t group) const;
  void mix(Desk& desk, std::size_t lanes, std::size_t first_sample, std::uint64_t seed,
           std::uint64_t first);

  Shape shape_;
  Augmenter augmenter_;
  double mixup_;
  std::vector<Desk> desks_;
  std::vector<float> shares_;
  std::vector<float> mean_, gain_;
};

}  // namespace atml::train
