// What augmentation may do to a sample, and what it must leave alone.
#include "train/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace atml::train {
namespace {

std::vector<float> ramp(const Shape& shape) {
  std::vector<float> v(static_cast<std::size_t>(shape.elements()));
  std::iota(v.begin(), v.end(), 1.0f);
  return v;
}

std::vector<float> changed(std::vector<float> v, const Shape& shape, const Augmentation& a,
                           std::uint64_t seed, bool picture = true) {
  data::Normalisation n;
  n.mean.assign(static_cast<std::size_t>(shape.channels), -7.0f);
  n.gain.assign(static_cast<std::size_t>(shape.channels), 1.0f);
  n.exact_pixels = picture;
  Augmenter augmenter(shape, n, a);
  Rng rng(seed);
  augmenter.apply(v, rng);
  return v;
}

std::vector<float> changed(const Shape& shape, const Augmentation& a, std::uint64_t seed,
                           bool picture = true) {
  return changed(ramp(shape), shape, a, seed, picture);
}

TEST(Augmenter, TheSameSeedGivesTheSameChange) {
  for (const Shape& shape : {Shape{9, 7, 2}, Shape{30, 1, 3}}) {
    const Augmentation all{1, 30, 0.3, 0.4, 0.3};
    EXPECT_EQ(changed(shape, all, 5), changed(shape, all, 5));
    EXPECT_NE(changed(shape, all, 5), changed(shape, all, 6));
    EXPECT_NE(changed(shape, all, 5), ramp(shape));
  }
}

TEST(Augmenter, FeatureVectorsStay) {
  const Shape shape{1, 1, 12};
  EXPECT_EQ(changed(shape, {1, 30, 0.3, 0.4, 0.3}, 5), ramp(shape));
}

TEST(Augmenter, RotationTurnsAboutTheCentreByAtMostTheAngle) {
  // A bright line through the centre, upright: after the turn its angle shows in its top row.
  const Shape shape{41, 41, 1};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Augmenter augmenter(shape, {{0.0f}, {1.0f}, true}, {.rotation = 20});
    std::vector<float> v(static_cast<std::size_t>(shape.elements()), 0.0f);
    for (int y = 0; y < 41; ++y) v[static_cast<std::size_t>(y * 41 + 20)] = 1;
    Rng rng(seed);
    augmenter.apply(v, rng);
    EXPECT_NEAR(v[20 * 41 + 20], 1, 0.05) << "the centre stays";
    double sum = 0, where = 0;
    for (int x = 0; x < 41; ++x) {
      sum += v[static_cast<std::size_t>(5 * 41 + x)];
      where += x * v[static_cast<std::size_t>(5 * 41 + x)];
    }
    ASSERT_GT(sum, 0.5);
    EXPECT_LE(std::abs(where / sum - 20), 15 * std::tan(20 * 3.1416 / 180) + 0.6);
  }
}

TEST(Augmenter, TimeWarpKeepsTheEndsAndTheOrder) {
  const Shape shape{50, 1, 1};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto v = changed(shape, {.time_warp = 0.5}, seed);
    EXPECT_NEAR(v.front(), 1, 1e-3);
    EXPECT_NEAR(v.back(), 50, 0.2);
    for (std::size_t i = 1; i < v.size(); ++i) ASSERT_GE(v[i], v[i - 1]);
  }
}

TEST(Augmenter, DroppedChannelsBecomeTheirMean) {
  const Shape shape{10, 1, 4};
  int dropped = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto v = changed(shape, {.channel_drop = 0.25}, seed), plain = ramp(shape);
    for (std::size_t c = 0; c < 4; ++c) {
      dropped += v[c] == -7;
      for (std::size_t t = 0; t < 10; ++t)
        ASSERT_EQ(v[t * 4 + c], v[c] == -7 ? -7 : plain[t * 4 + c]);
    }
  }
  EXPECT_NEAR(dropped, 100, 35);
}

TEST(Augmenter, SpectrogramsGetBandsOfTimeAndFrequencyAndNoMirror) {
  const Shape shape{40, 20, 1};
  int rows = 0, columns = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto v = changed(shape, {.strength = 0.1}, seed, false);
    const auto masked = [&](int y, int x) { return v[static_cast<std::size_t>(y * 20 + x)] == -7; };
    for (int y = 0; y < 40; ++y) {
      bool all = true;
      for (int x = 0; x < 20; ++x) all &= masked(y, x);
      if (all) {
        ++rows;
        break;
      }
    }
    for (int x = 0; x < 20; ++x) {
      bool all = true;
      for (int y = 0; y < 40; ++y) all &= masked(y, x);
      if (all) {
        ++columns;
        break;
      }
    }
  }
  EXPECT_GT(rows, 0);
  EXPECT_LT(rows, 20);
  EXPECT_GT(columns, 0);
  EXPECT_LT(columns, 20);
}

TEST(Augmenter, EveryChangeAloneIsSeeded) {
  const Shape map{12, 10, 2}, signal{60, 1, 3};
  const struct {
    Shape shape;
    Augmentation a;
    bool picture;
  } changes[] = {{map, {.strength = 1}, true},          {map, {.strength = 1}, false},
                 {map, {.rotation = 15}, true},         {map, {.crop = 0.3}, true},
                 {signal, {.strength = 1}, false},      {signal, {.time_warp = 0.4}, false},
                 {signal, {.channel_drop = 0.5}, false}};
  for (const auto& c : changes) {
    int moved = 0, different = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto v = changed(c.shape, c.a, seed, c.picture);
      ASSERT_EQ(v, changed(c.shape, c.a, seed, c.picture));
      moved += v != ramp(c.shape);
      different += v != changed(c.shape, c.a, seed + 1, c.picture);
    }
    EXPECT_GT(moved, 10);
    EXPECT_GT(different, 10);
  }
}

// What remains outside an erased box is the picture, shifted by at most the range and perhaps
// mirrored.
TEST(Augmenter, PicturesAreShiftedMirroredAndErasedWithinTheirRanges) {
  const Shape shape{16, 16, 1};
  int mirrored = 0, erased = 0;
  bool far_left = false, far_down = false;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto v = changed(shape, {.strength = 0.5}, seed);  // shifts of one pixel at most
    int top = 99, bottom = -1, left = 99, right = -1;
    for (int i = 0; i < 256; ++i) {
      if (v[static_cast<std::size_t>(i)] != -7) continue;
      top = std::min(top, i / 16);
      bottom = std::max(bottom, i / 16);
      left = std::min(left, i % 16);
      right = std::max(right, i % 16);
    }
    if (bottom >= 0) {
      ++erased;
      ASSERT_LE(bottom - top + 1, 5);  // 35 % of the side
      ASSERT_LE(right - left + 1, 5);
    }
    int fits = 0;
    for (int n = 0; n < 18; ++n) {
      const int down = n % 3 - 1, aside = n / 3 % 3 - 1;
      const bool mirror = n >= 9;
      bool same = true;
      for (int y = 0; y < 16; ++y)
        for (int x = 0; x < 16; ++x) {
          const int sy = y - down, sx = (mirror ? 15 - x : x) - aside;
          const bool inside = sy >= 0 && sy < 16 && sx >= 0 && sx < 16;
          const bool hidden = y >= top && y <= bottom && x >= left && x <= right;
          same &= v[static_cast<std::size_t>(y * 16 + x)] ==
                  (hidden   ? -7
                   : inside ? static_cast<float>(sy * 16 + sx + 1)
                            : 0);
        }
      if (!same) continue;
      ++fits;
      mirrored += mirror;
      far_left |= aside == -1;
      far_down |= down == 1;
    }
    ASSERT_EQ(fits, 1) << "seed " << seed;
  }
  EXPECT_NEAR(mirrored, 100, 35);
  EXPECT_NEAR(erased, 100, 35);
  EXPECT_TRUE(far_left && far_down);
}

TEST(Augmenter, CropsShowAWindowInsideThePicture) {
  const Shape shape{20, 20, 1};
  std::vector<float> columns(400);
  for (std::size_t i = 0; i < 400; ++i) columns[i] = static_cast<float>(i % 20 + 1);
  double least = 1;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto v = changed(columns, shape, {.crop = 0.4}, seed);
    const double zoom = static_cast<double>(v[209] - v[200]) / 9;
    least = std::min(least, zoom);
    ASSERT_GE(zoom, 0.6 - 1e-3);
    ASSERT_LE(zoom, 1 + 1e-3);
    for (const float x : v) {  // nothing of the outside, which is 0
      ASSERT_GE(x, 1 - 1e-3f);
      ASSERT_LE(x, 20 + 1e-3f);
    }
  }
  EXPECT_LT(least, 0.7);
}

TEST(Augmenter, SignalsAreScaledAndJitteredByATenth) {
  const Shape shape{1000, 1, 1};
  const std::vector<float> level(1000, 5.0f);
  double factors = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto v = changed(level, shape, {.strength = 1}, seed, false);
    double mean = 0, variance = 0;
    for (const float x : v) mean += static_cast<double>(x) / 1000;
    for (const float x : v)
      variance += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean) / 1000;
    ASSERT_NEAR(std::sqrt(variance), 0.1, 0.015);  // of the channel's deviation, 1
    factors += (mean / 5 - 1) * (mean / 5 - 1) / 100;
  }
  EXPECT_NEAR(std::sqrt(factors), 0.1, 0.03);
}

TEST(Augmenter, SignalsAreShiftedByAtMostATenth) {
  const Shape shape{200, 1, 1};
  std::vector<float> pulse(200, 0.0f);
  pulse[100] = 1000;
  int least = 0, most = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto v = changed(pulse, shape, {.strength = 1}, seed, false);
    const int by = static_cast<int>(std::max_element(v.begin(), v.end()) - v.begin()) - 100;
    least = std::min(least, by);
    most = std::max(most, by);
  }
  EXPECT_GE(least, -20);
  EXPECT_LT(least, -12);
  EXPECT_LE(most, 20);
  EXPECT_GT(most, 12);
}

}  // namespace
}  // namespace atml::train
