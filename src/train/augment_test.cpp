// What augmentation may do to a sample, and what it must leave alone.
#include "train/augment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace atml::train {
namespace {

std::vector<float> ramp(const Shape& shape) {
  std::vector<float> v(static_cast<std::size_t>(shape.elements()));
  std::iota(v.begin(), v.end(), 1.0f);
  return v;
}

std::vector<float> changed(const Shape& shape, const Augmentation& a, std::uint64_t seed,
                           bool picture = true) {
  data::Normalisation n;
  n.mean.assign(static_cast<std::size_t>(shape.channels), -7.0f);
  n.gain.assign(static_cast<std::size_t>(shape.channels), 1.0f);
  n.exact_pixels = picture;
  Augmenter augmenter(shape, n, a);
  std::vector<float> v = ramp(shape);
  Rng rng(seed);
  augmenter.apply(v, rng);
  return v;
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

}  // namespace
}  // namespace atml::train
