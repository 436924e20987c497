// Samples, layouts, splits, normalisation and fingerprint on values that are known by hand.
#include "data/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <set>

#include "base/random.h"
#include "data/fingerprint.h"
#include "data/layout.h"
#include "data/normalise.h"
#include "data/split.h"

namespace atml::data {
namespace {

template <class T>
Array array_of(NumberType type, std::vector<std::size_t> dims, const std::vector<T>& values) {
  Array array{"x.npy", type, std::move(dims), std::vector<std::byte>(values.size() * sizeof(T))};
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

std::vector<float> read(const Samples& samples, std::size_t index) {
  std::vector<float> values(static_cast<std::size_t>(samples.shape().elements()));
  samples.read(index, values);
  return values;
}

std::vector<int> count_up(int n) {
  std::vector<int> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

TEST(SamplesTest, ReadScaledValuesAndSelect) {
  const Array array =
      array_of<std::int16_t>(NumberType::kInt16, {3, 2}, {1, -2, 3, 4, 32767, -32768});
  const auto samples = to_samples(array, *parse_layout({"sample", "time"}), 0.5);
  ASSERT_TRUE(samples.ok());
  EXPECT_EQ(samples->shape(), (Shape{2, 1, 1}));
  EXPECT_EQ(samples->type(), ElementType::kInt16);
  EXPECT_EQ(read(*samples, 0), (std::vector<float>{0.5f, -1.f}));
  const std::size_t indices[] = {2, 0};
  const Samples picked = samples->select(indices);
  ASSERT_EQ(picked.size(), 2u);
  EXPECT_EQ(read(picked, 0), (std::vector<float>{16383.5f, -16384.f}));
  EXPECT_EQ(read(picked, 1), read(*samples, 0));
  EXPECT_EQ(samples->select({}).size(), 0u);
}

TEST(Layout, BringsAnyOrderToHwc) {
  // Element value = 1000 sample + 100 height + 10 width + channel, in every order of the axes.
  const std::vector<std::string> names = {"sample", "height", "width", "channel"};
  const std::size_t sizes[] = {2, 3, 4, 5};
  const int weights[] = {1000, 100, 10, 1};
  std::vector<std::size_t> order = {0, 1, 2, 3};
  do {
    std::vector<std::string> layout;
    Array array{"x", NumberType::kInt16, {}, {}};
    for (const std::size_t axis : order) {
      layout.push_back(names[axis]);
      array.dims.push_back(sizes[axis]);
    }
    for (std::size_t i = 0; i < 2 * 3 * 4 * 5; ++i) {
      std::size_t rest = i;
      int value = 0;
      for (std::size_t a = 4; a-- > 0;) {
        value += weights[order[a]] * static_cast<int>(rest % array.dims[a]);
        rest /= array.dims[a];
      }
      const auto v = static_cast<std::int16_t>(value);
      const auto* bytes = reinterpret_cast<const std::byte*>(&v);
      array.bytes.insert(array.bytes.end(), bytes, bytes + 2);
    }
    const auto samples = to_samples(array, *parse_layout(layout), 1);
    ASSERT_TRUE(samples.ok());
    ASSERT_EQ(samples->shape(), (Shape{3, 4, 5}));
    const std::vector<float> values = read(*samples, 1);
    for (int h = 0; h < 3; ++h) {
      for (int w = 0; w < 4; ++w) {
        for (int c = 0; c < 5; ++c) {
          ASSERT_EQ(values[static_cast<std::size_t>((h * 4 + w) * 5 + c)],
                    1000 + 100 * h + 10 * w + c);
        }
      }
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Layout, MapsSignalsAndFeatures) {
  const auto shape = [](std::vector<std::string> names, std::vector<std::size_t> dims) {
    std::size_t n = 1;
    for (const std::size_t d : dims) n *= d;
    return to_samples(array_of(NumberType::kFloat32, dims, std::vector<float>(n)),
                      *parse_layout(names), 1)
        ->shape();
  };
  EXPECT_EQ(shape({"sample", "time"}, {2, 7}), (Shape{7, 1, 1}));
  EXPECT_EQ(shape({"sample", "time", "channel"}, {2, 7, 3}), (Shape{7, 1, 3}));
  EXPECT_EQ(shape({"channel", "sample", "time"}, {3, 2, 7}), (Shape{7, 1, 3}));
  EXPECT_EQ(shape({"sample", "feature"}, {2, 7}), (Shape{1, 1, 7}));
  EXPECT_EQ(shape({"sample", "time", "feature"}, {2, 7, 4}), (Shape{7, 1, 4}));
  EXPECT_EQ(shape({"sample", "height", "width"}, {2, 7, 4}), (Shape{7, 4, 1}));
}

TEST(Layout, RefusesWhatHasNoMeaning) {
  const auto message = [](std::vector<std::string> names) {
    return parse_layout(names).error().message;
  };
  EXPECT_EQ(message({"sample", "chanel"}),
            "layout: unknown axis 'chanel'; did you mean 'channel'?");
  EXPECT_EQ(message({"sample", "time", "time"}), "layout: 'time' appears twice");
  EXPECT_EQ(message({"time"}),
            "layout: needs 'sample' and at least one other axis, as in [\"sample\", \"time\", "
            "\"channel\"]");
  EXPECT_EQ(message({"sample"}), message({}));
  EXPECT_EQ(message({"sample", "time", "height"}),
            "layout: 'time' and 'height' cannot be combined: both are the same axis of the "
            "network's input");
}

TEST(Layout, FindsNumbersThatAreNone) {
  const auto message = [](auto type, NumberType number, int bad, double value, double scale) {
    using T = decltype(type);
    std::vector<T> values(12, T(1));
    values[static_cast<std::size_t>(bad)] = static_cast<T>(value);
    const auto samples =
        to_samples(array_of(number, {3, 4}, values), *parse_layout({"sample", "time"}), scale);
    return samples.ok() ? "fine" : samples.error().message;
  };
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(message(float{}, NumberType::kFloat32, 9, std::nan(""), 1),
            "x.npy: sample 2, element 1 is NaN; remove or repair that sample");
  EXPECT_EQ(message(double{}, NumberType::kFloat64, 0, -infinity, 1),
            "x.npy: sample 0, element 0 is infinite; remove or repair that sample");
  EXPECT_EQ(
      message(float{}, NumberType::kFloat32, 3, 3e38, 2),
      "x.npy: sample 0, element 3 is beyond float32 after scaling; remove or repair that sample");
  EXPECT_EQ(message(float{}, NumberType::kFloat32, 3, 3e38, 1), "fine");
}

TEST(Layout, WideIntegersBecomeFloats) {
  const auto samples = to_samples(array_of<std::int32_t>(NumberType::kInt32, {1, 2}, {70000, -5}),
                                  *parse_layout({"sample", "time"}), 2);
  EXPECT_EQ(samples->type(), ElementType::kFloat32);
  EXPECT_EQ(read(*samples, 0), (std::vector<float>{140000, -10}));
}

/// One byte a sample that is its own index, so that selections can be recognised.
Split indexed_split(std::vector<std::int32_t> labels, std::vector<std::int32_t> groups) {
  const auto numbers = count_up(static_cast<int>(labels.size()));
  std::vector<float> values(numbers.begin(), numbers.end());
  Split split;
  split.x = *to_samples(array_of(NumberType::kFloat32, {labels.size(), 1}, values),
                        *parse_layout({"sample", "time"}), 1);
  split.labels = std::move(labels);
  split.groups = std::move(groups);
  return split;
}

const std::vector<std::string> kClasses = {"a", "b", "c"};

TEST(Divide, TakesEveryClassItsShare) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 300; ++i)
    labels.push_back(i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2);  // 180, 90, 30
  const auto division = divide(indexed_split(labels, {}), kClasses, 0.1, 3, "validation");
  ASSERT_TRUE(division.ok());
  std::map<int, int> held;
  for (const std::size_t i : division->held_out) ++held[labels[i]];
  EXPECT_EQ(held, (std::map<int, int>{{0, 18}, {1, 9}, {2, 3}}));
  std::set<std::size_t> all(division->kept.begin(), division->kept.end());
  all.insert(division->held_out.begin(), division->held_out.end());
  EXPECT_EQ(all.size(), 300u);
  EXPECT_EQ(division->kept.size() + division->held_out.size(), 300u);
}

TEST(Divide, IsSeededAndKnowsItsPurpose) {
  std::vector<std::int32_t> labels(200);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 2);
  const Split split = indexed_split(labels, {});
  const auto held = [&](std::uint64_t seed, const char* purpose) {
    return divide(split, kClasses, 0.2, seed, purpose)->held_out;
  };
  EXPECT_EQ(held(1, "test"), held(1, "test"));
  EXPECT_NE(held(1, "test"), held(2, "test"));
  EXPECT_NE(held(1, "test"), held(1, "validation"));
}

TEST(Divide, KeepsGroupsWholeAndSharesNear) {
  Rng rng(5);
  for (int round = 0; round < 30; ++round) {
    const int groups = rng.integer(4, 40);
    std::vector<std::int32_t> labels, owners;
    for (int i = 0; i < 1500; ++i) {
      owners.push_back(100 - rng.integer(0, groups - 1) * 3);
      labels.push_back(rng.integer(0, 2));
    }
    const Split split = indexed_split(labels, owners);
    const auto division =
        divide(split, kClasses, 0.25, static_cast<std::uint64_t>(round), "validation");
    ASSERT_TRUE(division.ok());
    const Split kept = split.select(division->kept), held = split.select(division->held_out);
    std::set<int> left(kept.groups.begin(), kept.groups.end()),
        right(held.groups.begin(), held.groups.end());
    for (const int group : right) EXPECT_FALSE(left.contains(group));
    EXPECT_EQ(left.size() + right.size(), std::set<int>(owners.begin(), owners.end()).size());
    const double share = static_cast<double>(held.size()) / 1500;
    EXPECT_NEAR(share, 0.25, 0.5 / groups + 0.03) << groups << " groups";
  }
}

TEST(Divide, AClassThatOnlyOneGroupHasStaysInTrain) {
  std::vector<std::int32_t> labels, owners;
  for (int i = 0; i < 100; ++i) {
    owners.push_back(i / 10);
    labels.push_back(i / 10 == 7 ? 2 : i % 2);
  }
  const Split split = indexed_split(labels, owners);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto division = divide(split, kClasses, 0.3, seed, "validation");
    const Split held = split.select(division->held_out);
    EXPECT_FALSE(std::ranges::count(held.groups, 7)) << seed;
    EXPECT_GE(held.size(), 20u);
  }
}

TEST(Divide, SaysWhyItCannot) {
  EXPECT_EQ(divide(indexed_split({0, 0, 1, 0}, {}), kClasses, 0.2, 1, "validation").error().message,
            "class 1 ('b') has one sample (number 2) to draw a validation split from, at least 2 "
            "are needed; add "
            "samples or remove the class");
  EXPECT_EQ(
      divide(indexed_split({0, 1, 0, 1}, {5, 5, 5, 5}), kClasses, 0.2, 1, "test").error().message,
      "no test split by group can be drawn: 1 group in 4 samples, and without any of them a class "
      "would have "
      "no sample to train on; give a [test] table or leave 'groups' out");
  EXPECT_FALSE(divide(indexed_split({0, 0, 1, 1}, {}), kClasses, 0, 1, "test").ok());
  EXPECT_FALSE(divide(indexed_split({0, 0, 1, 1}, {}), kClasses, std::nan(""), 1, "test").ok());
}

TEST(Divide, TheSmallestClassesAreSplit) {
  const auto division = divide(indexed_split({0, 0, 1, 1}, {}), kClasses, 0.9, 1, "test");
  ASSERT_TRUE(division.ok());
  EXPECT_EQ(division->held_out.size(), 2u);
}

Samples samples_of(NumberType type, std::vector<std::size_t> dims, std::vector<std::string> layout,
                   auto values, double scale = 1) {
  return *to_samples(array_of(type, std::move(dims), values), *parse_layout(layout), scale);
}

TEST(NormalisationTest, PixelsStayExact) {
  const Samples images =
      samples_of(NumberType::kUint8, {1, 2, 2, 2}, {"sample", "height", "width", "channel"},
                 std::vector<std::uint8_t>{0, 10, 20, 30, 40, 50, 60, 255}, 1 / 255.0);
  const Normalisation n = measure_normalisation(images);
  EXPECT_TRUE(n.exact_pixels);
  // Mean 465 / 8 = 58.125; variance (sum of squares 74125) / 8 - 58.125^2 = 5887.1.
  EXPECT_EQ(n.mean, (std::vector<float>{58, 58}));
  EXPECT_FLOAT_EQ(n.gain[0], static_cast<float>(1 / std::sqrt(74125.0 / 8 - 58.125 * 58.125)));
  EXPECT_EQ(n.gain[0], n.gain[1]);
  // scale = gain, zero point = mean - 128: every pixel p becomes p - 128, and back exactly.
  std::vector<float> values = read(images, 0);
  EXPECT_EQ(values[7], 255) << "the scale is not applied to pixels";
  n.apply(values);
  for (std::size_t i = 0; i < 8; ++i) {
    const double pixel = read(images, 0)[i];
    EXPECT_EQ(std::lround(values[i] / n.gain[0]) + (58 - 128), std::lround(pixel) - 128);
  }
}

TEST(NormalisationTest, SignalsAreNormalisedByChannel) {
  const Samples signals = samples_of(NumberType::kFloat32, {2, 2, 2}, {"sample", "time", "channel"},
                                     std::vector<float>{1, 100, 3, 100, 5, 100, 7, 100}, 2);
  const Normalisation n = measure_normalisation(signals);
  EXPECT_FALSE(n.exact_pixels);
  EXPECT_EQ(n.mean, (std::vector<float>{8, 200}));  // of the scaled values 2, 6, 10, 14
  EXPECT_FLOAT_EQ(n.gain[0], static_cast<float>(1 / std::sqrt(20.0)));
  EXPECT_EQ(n.gain[1], 1) << "a constant channel is not blown up";
  std::vector<float> values = read(signals, 1);
  n.apply(values);
  EXPECT_FLOAT_EQ(values[0], static_cast<float>(2 / std::sqrt(20.0)));
  EXPECT_EQ(values[1], 0);
}

TEST(NormalisationTest, ARareSpikeDoesNotClaimTheRange) {
  std::vector<float> values(10000, 0);
  values[77] = 1;  // deviation 0.01: the spike would stand at 100
  const Normalisation n = measure_normalisation(
      samples_of(NumberType::kFloat32, {10000, 1}, {"sample", "time"}, values));
  std::vector<float> spike = {1};
  n.apply(spike);
  EXPECT_NEAR(spike[0], kMostDeviations, 1e-3);
}

TEST(NormalisationTest, LargeOffsetsKeepTheirDigits) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(1e6f + static_cast<float>(i % 2));
  const auto c =
      measure_channels(samples_of(NumberType::kFloat32, {1000, 1}, {"sample", "time"}, values));
  EXPECT_NEAR(c[0].mean, 1e6 + 0.5, 1e-6);
  EXPECT_NEAR(c[0].deviation, 0.5, 1e-6);
}

TEST(Fingerprint, SeesEveryChange) {
  Dataset dataset;
  dataset.classes = kClasses;
  dataset.shape = {1, 1, 1};
  dataset.train = indexed_split({0, 1, 2, 0}, {1, 1, 2, 2});
  dataset.validation = indexed_split({0, 1}, {3, 3});
  dataset.test = indexed_split({2, 1}, {4, 4});
  const std::uint64_t original = fingerprint(dataset);
  EXPECT_EQ(fingerprint(dataset), original);
  std::set<std::uint64_t> seen = {original};
  const auto changed = [&](auto change) {
    Dataset other = dataset;
    change(other);
    EXPECT_TRUE(seen.insert(fingerprint(other)).second);
  };
  changed([](Dataset& d) { d.train.labels[3] = 1; });
  changed([](Dataset& d) { d.train.groups[0] = 2; });
  changed([](Dataset& d) { d.test.labels[0] = 1; });
  changed([](Dataset& d) { std::swap(d.validation, d.test); });
  changed([](Dataset& d) { d.classes.push_back("d"); });
  changed([](Dataset& d) { d.shape.height = 2; });
  changed([](Dataset& d) {
    const std::size_t order[] = {1, 0, 2, 3};
    d.train = d.train.select(order);
  });
  changed([](Dataset& d) {
    const std::size_t order[] = {0, 1, 2};
    d.train = d.train.select(order);
  });
}

TEST(Fingerprint, OneBitOfAnyByteCounts) {
  std::vector<std::byte> bytes(37);
  std::set<std::uint64_t> seen = {hash_bytes(bytes, 0)};
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    bytes[i / 8] ^= std::byte{1} << i % 8;
    EXPECT_TRUE(seen.insert(hash_bytes(bytes, 0)).second) << i;
    bytes[i / 8] ^= std::byte{1} << i % 8;
  }
  EXPECT_TRUE(seen.insert(hash_bytes(std::span(bytes).first(36), 0)).second) << "the length counts";
}

}  // namespace
}  // namespace atml::data
