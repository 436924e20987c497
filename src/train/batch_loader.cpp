#include "train/batch_loader.h"

#include <cmath>

namespace atml::train {
namespace {

// Beta(a, a) for 0 < a <= 1 (M. D. Johnk, Metrika 8, 1964).
double beta(double a, Rng& rng) {
  while (true) {
    const double x = std::pow(rng.uniform(), 1 / a);
    const double y = std::pow(rng.uniform(), 1 / a);
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
}

}  // namespace

BatchLoader::BatchLoader(const Shape& shape, const data::Normalisation& normalisation,
                         const Augmentation& augmentation, double mixup)
    : shape_(shape),
      augmenter_(shape, normalisation, augmentation),
      mixup_(mixup),
      mean_(normalisation.mean),
      gain_(normalisation.gain) {
  mean_.resize(static_cast<std::size_t>(shape.channels), 0.0f);
  gain_.resize(static_cast<std::size_t>(shape.channels), 1.0f);
}

void BatchLoader::each_group(Engine& engine,
                             const std::function<void(Desk&, std::size_t group)>& fill) {
  const auto threads = static_cast<std::size_t>(engine.threads());
  const auto lanes = static_cast<std::size_t>(engine.kernels().lanes);
  while (desks_.size() < threads)
    desks_.push_back(
        {augmenter_, std::vector<float>(lanes * static_cast<std::size_t>(shape_.elements()))});
  engine.on_all_threads([&](int thread) {
    const auto groups = static_cast<std::size_t>(engine.groups());
    for (std::size_t g = static_cast<std::size_t>(thread); g < groups; g += threads) {
      Desk& desk = desks_[static_cast<std::size_t>(thread)];
      fill(desk, g);
      load_group(engine, desk, g);
    }
  });
}

void BatchLoader::load(Engine& engine, const data::Samples& samples,
                       std::span<const std::size_t> indices) {
  const auto size = static_cast<std::size_t>(shape_.elements());
  const auto lanes = static_cast<std::size_t>(engine.kernels().lanes);
  each_group(engine, [&](Desk& desk, std::size_t group) {
    for (std::size_t lane = 0; lane < lanes; ++lane)
      samples.read(indices[group * lanes + lane], {desk.raw.data() + lane * size, size});
  });
}

void BatchLoader::load_augmented(Engine& engine, const data::Samples& samples,
                                 std::span<const std::size_t> indices, std::uint64_t seed,
                                 std::uint64_t first) {
  shares_.resize(mixup_ > 0 ? indices.size() : 0);
  if (!augmenter_.active() && mixup_ <= 0) return load(engine, samples, indices);
  const auto size = static_cast<std::size_t>(shape_.elements());
  const auto lanes = static_cast<std::size_t>(engine.kernels().lanes);
  each_group(engine, [&](Desk& desk, std::size_t group) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::size_t i = group * lanes + lane;
      const std::span<float> values{desk.raw.data() + lane * size, size};
      samples.read(indices[i], values);
      if (!augmenter_.active()) continue;
      Rng rng = Rng::derive(seed, "augmentation", first + i);
      desk.augmenter.apply(values, rng);
    }
    if (mixup_ > 0) mix(desk, lanes, group * lanes, seed, first);
  });
}

// Neighbours share a group whatever the number of lanes, so that every machine mixes the same.
void BatchLoader::mix(Desk& desk, std::size_t lanes, std::size_t first_sample, std::uint64_t seed,
                      std::uint64_t first) {
  const auto size = static_cast<std::size_t>(shape_.elements());
  for (std::size_t lane = 0; lane < lanes; lane += 2) {
    const std::size_t sample = first_sample + lane;
    Rng rng = Rng::derive(seed, "mixup", first + sample);
    const auto share = static_cast<float>(beta(mixup_, rng));
    shares_[sample] = shares_[sample + 1] = share;
    float* a = desk.raw.data() + lane * size;
    float* b = a + size;
    for (std::size_t i = 0; i < size; ++i) {
      const float x = a[i], y = b[i];
      a[i] = share * x + (1 - share) * y;
      b[i] = share * y + (1 - share) * x;
    }
  }
}

void BatchLoader::load_group(Engine& engine, const Desk& desk, std::size_t group) const {
  const Tensor& input = engine.input();
  engine.kernels().load_lanes(desk.raw.data(), static_cast<std::size_t>(shape_.elements()),
                              shape_.height, shape_.width, shape_.channels, mean_.data(),
                              gain_.data(),
                              input.value + static_cast<std::ptrdiff_t>(group) * input.layout.group,
                              input.layout.row, input.layout.channel);
}

}  // namespace atml::train
