#include "train/augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>

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

Augmenter::Augmenter(const Shape& shape, const data::Normalisation& normalisation,
                     const Augmentation& settings)
    : shape_(shape), settings_(settings) {
  if (settings == Augmentation{} || shape.height == 1) return;
  kind_ = shape.width > 1 ? Kind::kImage : Kind::kSignal;
  mirror_ = normalisation.exact_pixels;
  for (std::size_t c = 0; c < static_cast<std::size_t>(shape.channels); ++c) {
    mean_.push_back(c < normalisation.mean.size() ? normalisation.mean[c] : 0);
    deviation_.push_back(c < normalisation.gain.size() ? 1 / normalisation.gain[c] : 1);
  }
  copy_.resize(static_cast<std::size_t>(shape.elements()));
}

void Augmenter::apply(std::span<float> values, Rng& rng) {
  if (kind_ == Kind::kImage) change_map(values, rng);
  if (kind_ == Kind::kSignal) change_signal(values, rng);
}

void Augmenter::change_map(std::span<float> values, Rng& rng) {
  if (settings_.rotation > 0 || settings_.crop > 0) {
    const double turn = settings_.rotation * std::numbers::pi / 180;
    const double radians = rng.uniform(-turn, turn);
    const double zoom = 1 - rng.uniform(0, settings_.crop);
    const double free_h = (1 - zoom) * (shape_.height - 1) / 2;  // between centres of pixels
    const double free_w = (1 - zoom) * (shape_.width - 1) / 2;
    const double down = rng.uniform(-free_h, free_h);
    turn_and_zoom(values, radians, zoom, down, rng.uniform(-free_w, free_w));
  }
  const double strength = settings_.strength;
  if (strength <= 0) return;
  const int down = largest_shift(shape_.height, 0.125 * strength);
  const int right = largest_shift(shape_.width, 0.125 * strength);
  const int dy = rng.integer(-down, down);
  const int dx = rng.integer(-right, right);
  const bool mirror = mirror_ && rng.chance(0.5 * strength);
  if (dy != 0 || dx != 0 || mirror) shift(values, dy, dx, mirror);
  if (!mirror_) {
    mask(values, rng);
  } else if (rng.chance(0.5 * strength)) {
    erase(values, rng);
  }
}

void Augmenter::change_signal(std::span<float> values, Rng& rng) {
  if (settings_.time_warp > 0) {
    const int waves = rng.integer(1, 2);
    warp_time(values, rng.uniform(-settings_.time_warp, settings_.time_warp), waves);
  }
  if (settings_.strength > 0) {
    const int most = largest_shift(shape_.height, 0.1 * settings_.strength);
    if (const int by = rng.integer(-most, most); by != 0) shift_time(values, by);
    jitter(values, rng);
  }
  if (settings_.channel_drop > 0) drop_channels(values, rng);
}

// Output (y, x) shows the input at the centre + offset + zoom * R(radians) * (its own distance from
// the centre), between pixels by bilinear interpolation; outside is 0.
void Augmenter::turn_and_zoom(std::span<float> values, double radians, double zoom, double down,
                              double right) {
  std::ranges::copy(values, copy_.begin());
  const double centre_y = (shape_.height - 1) / 2.0, centre_x = (shape_.width - 1) / 2.0;
  const double cosine = zoom * std::cos(radians), sine = zoom * std::sin(radians);
  float* to = values.data();
  for (int y = 0; y < shape_.height; ++y) {
    for (int x = 0; x < shape_.width; ++x) {
      const double sy = centre_y + down + cosine * (y - centre_y) - sine * (x - centre_x);
      const double sx = centre_x + right + sine * (y - centre_y) + cosine * (x - centre_x);
      const int top = static_cast<int>(std::floor(sy)), left = static_cast<int>(std::floor(sx));
      const auto fy = static_cast<float>(sy - top), fx = static_cast<float>(sx - left);
      for (int c = 0; c < shape_.channels; ++c) {
        const auto pixel = [&](int v, int h) {
          if (v < 0 || v >= shape_.height || h < 0 || h >= shape_.width) return 0.0f;
          return copy_[static_cast<std::size_t>((v * shape_.width + h) * shape_.channels + c)];
        };
        const float upper = pixel(top, left) * (1 - fx) + pixel(top, left + 1) * fx;
        const float lower = pixel(top + 1, left) * (1 - fx) + pixel(top + 1, left + 1) * fx;
        *to++ = upper * (1 - fy) + lower * fy;
      }
    }
  }
}

// Time t shows the input at t + a sin(waves pi t / T): both ends stay; the speed is 1 + amplitude
// cos(...), so that it never runs backwards.
void Augmenter::warp_time(std::span<float> values, double amplitude, int waves) {
  std::ranges::copy(values, copy_.begin());
  const int channels = shape_.channels, last = shape_.height - 1;
  const double rate = waves * std::numbers::pi / std::max(1, last);
  for (int t = 0; t <= last; ++t) {
    const double from = std::clamp(t + amplitude / rate * std::sin(rate * t), 0.0, double(last));
    const int before = static_cast<int>(from), after = std::min(before + 1, last);
    const auto share = static_cast<float>(from - before);
    for (int c = 0; c < channels; ++c) {
      values[static_cast<std::size_t>(t * channels + c)] =
          copy_[static_cast<std::size_t>(before * channels + c)] * (1 - share) +
          copy_[static_cast<std::size_t>(after * channels + c)] * share;
    }
  }
}

void Augmenter::drop_channels(std::span<float> values, Rng& rng) const {
  const auto channels = static_cast<std::size_t>(shape_.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    if (!rng.chance(settings_.channel_drop)) continue;
    for (std::size_t i = c; i < values.size(); i += channels) values[i] = mean_[c];
  }
}

void Augmenter::mask(std::span<float> values, Rng& rng) const {
  const double chance = 0.5 * settings_.strength;
  if (rng.chance(chance)) {
    const int rows = std::max(1, static_cast<int>(shape_.height * rng.uniform(0, 0.25)));
    fill_box(values, rng.integer(0, shape_.height - rows), 0, rows, shape_.width);
  }
  if (rng.chance(chance)) {
    const int columns = std::max(1, static_cast<int>(shape_.width * rng.uniform(0, 0.25)));
    fill_box(values, 0, rng.integer(0, shape_.width - columns), shape_.height, columns);
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
  fill_box(values, top, rng.integer(0, shape_.width - width), height, width);
}

void Augmenter::fill_box(std::span<float> values, int top, int left, int height, int width) const {
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
    const float factor = 1 + static_cast<float>(0.1 * settings_.strength) * cheap_normal(rng);
    const float noise = static_cast<float>(0.1 * settings_.strength) * deviation_[c];
    for (std::size_t i = c; i < values.size(); i += channels)
      values[i] = values[i] * factor + noise * cheap_normal(rng);
  }
}

}  // namespace atml::train
