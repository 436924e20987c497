#include "train/augment.h"

#include <algorithm>
#include <cmath>

namespace atml::train {
namespace {

int largest_shift(int size, double part) { return static_cast<int>(std::lround(size * part)); }

// Four 16-bit uniforms summed (Irwin-Hall): mean 0, variance 1, limits +-3.46. A tenth of the price
// of Box-Muller; the tails do not matter for noise on a signal.
float cheap_normal(Rng& rng) {
  const std::uint64_t bits = rng.next();
  const int sum = static_cast<int>(bits & 0xffff) + static_cast<int>(bits >> 16 & 0xffff) +
                  static_cast<int>(bits >> 32 & 0xffff) + static_cast<int>(bits >> 48);
  return (static_cast<float>(sum) - 131070.0f) * (1.7320508f / 65536.0f);
}

}  // namespace

Augmenter::Augmenter(const Shape& shape, const data::Normalisation& normalisation, double strength)
    : shape_(shape), strength_(strength) {
  if (strength <= 0 || shape.height == 1) return;
  kind_ = shape.width > 1 ? Kind::kImage : Kind::kSignal;
  mirror_ = normalisation.exact_pixels;
  for (std::size_t c = 0; c < static_cast<std::size_t>(shape.channels); ++c) {
    mean_.push_back(c < normalisation.mean.size() ? normalisation.mean[c] : 0);
    deviation_.push_back(c < normalisation.gain.size() ? 1 / normalisation.gain[c] : 1);
  }
  copy_.resize(static_cast<std::size_t>(shape.elements()));
}

void Augmenter::apply(std::span<float> values, Rng& rng) {
  if (kind_ == Kind::kImage) {
    const int down = largest_shift(shape_.height, 0.125 * strength_);
    const int right = largest_shift(shape_.width, 0.125 * strength_);
    const int dy = rng.integer(-down, down);
    const int dx = rng.integer(-right, right);
    const bool mirror = mirror_ && rng.chance(0.5 * strength_);
    if (dy != 0 || dx != 0 || mirror) shift(values, dy, dx, mirror);
    if (rng.chance(0.5 * strength_)) erase(values, rng);
  } else if (kind_ == Kind::kSignal) {
    const int most = largest_shift(shape_.height, 0.1 * strength_);
    if (const int by = rng.integer(-most, most); by != 0) shift_time(values, by);
    jitter(values, rng);
  }
}

void Augmenter::shift(std::span<float> values, int down, int right, bool mirror) {
  std::ranges::copy(values, copy_.begin());
  const auto channels = static_cast<std::size_t>(shape_.channels);
  float* to = values.data();
  for (int y = 0; y < shape_.height; ++y) {
    for (int x = 0; x < shape_.width; ++x, to += channels) {
      const int sy = y - down;
      const int sx = (mirror ? shape_.width - 1 - x : x) - right;
      if (sy < 0 || sy >= shape_.height || sx < 0 || sx >= shape_.width) {
        std::fill_n(to, channels, 0.0f);
      } else {
        std::copy_n(copy_.data() + static_cast<std::size_t>(sy * shape_.width + sx) * channels,
                    channels, to);
      }
    }
  }
}

void Augmenter::erase(std::span<float> values, Rng& rng) const {
  const int height = std::max(1, static_cast<int>(shape_.height * rng.uniform(0.10, 0.35)));
  const int width = std::max(1, static_cast<int>(shape_.width * rng.uniform(0.10, 0.35)));
  const int top = rng.integer(0, shape_.height - height);
  const int left = rng.integer(0, shape_.width - width);
  for (int y = top; y < top + height; ++y) {
    for (int x = left; x < left + width; ++x) {
      std::ranges::copy(mean_, values.begin() + (y * shape_.width + x) * shape_.channels);
    }
  }
}

void Augmenter::shift_time(std::span<float> values, int by) {
  std::ranges::copy(values, copy_.begin());
  const auto channels = static_cast<std::size_t>(shape_.channels);
  for (int t = 0; t < shape_.height; ++t) {
    const int from = std::clamp(t - by, 0, shape_.height - 1);  // the ends are repeated
    std::copy_n(copy_.data() + static_cast<std::size_t>(from) * channels, channels,
                values.data() + static_cast<std::size_t>(t) * channels);
  }
}

void Augmenter::jitter(std::span<float> values, Rng& rng) const {
  const auto channels = static_cast<std::size_t>(shape_.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const float factor = 1 + static_cast<float>(0.1 * strength_) * cheap_normal(rng);
    const float noise = static_cast<float>(0.1 * strength_) * deviation_[c];
    for (std::size_t i = c; i < values.size(); i += channels)
      values[i] = values[i] * factor + noise * cheap_normal(rng);
  }
}

}  // namespace atml::train
