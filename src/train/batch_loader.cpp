#include "train/batch_loader.h"

namespace atml::train {

BatchLoader::BatchLoader(const Shape& shape, const data::Normalisation& normalisation,
                         double augmentation)
    : shape_(shape),
      augmenter_(shape, normalisation, augmentation),
      mean_(normalisation.mean),
      gain_(normalisation.gain) {
  mean_.resize(static_cast<std::size_t>(shape.channels), 0.0f);
  gain_.resize(static_cast<std::size_t>(shape.channels), 1.0f);
}

void BatchLoader::load(Engine& engine, const data::Samples& samples,
                       std::span<const std::size_t> indices) {
  const auto size = static_cast<std::size_t>(shape_.elements());
  const auto lanes = static_cast<std::size_t>(engine.kernels().lanes);
  raw_.resize(size * lanes);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t lane = i % lanes;
    samples.read(indices[i], {raw_.data() + lane * size, size});
    if (lane + 1 == lanes) load_group(engine, static_cast<int>(i / lanes));
  }
}

void BatchLoader::load_augmented(Engine& engine, const data::Samples& samples,
                                 std::span<const std::size_t> indices, std::uint64_t seed,
                                 std::uint64_t first) {
  if (!augmenter_.active()) return load(engine, samples, indices);
  const auto size = static_cast<std::size_t>(shape_.elements());
  const auto lanes = static_cast<std::size_t>(engine.kernels().lanes);
  raw_.resize(size * lanes);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t lane = i % lanes;
    const std::span<float> values{raw_.data() + lane * size, size};
    samples.read(indices[i], values);
    Rng rng = Rng::derive(seed, "augmentation", first + i);
    augmenter_.apply(values, rng);
    if (lane + 1 == lanes) load_group(engine, static_cast<int>(i / lanes));
  }
}

void BatchLoader::load_group(Engine& engine, int group) {
  const Tensor& input = engine.input();
  engine.kernels().load_lanes(raw_.data(), static_cast<std::size_t>(shape_.elements()),
                              shape_.height, shape_.width, shape_.channels, mean_.data(),
                              gain_.data(), input.value + group * input.layout.group,
                              input.layout.row, input.layout.channel);
}

}  // namespace atml::train
