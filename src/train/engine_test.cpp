// Every layer, forward and backward, against a slow reference in double precision: outputs
// directly, gradients by central differences of the reference's loss. On every instruction set of
// this machine. Random shapes and networks: layers_test.cpp.
#include "train/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "train/engine_test_support.h"

namespace atml::train {
namespace {

using network::Network;
using network::Padding;
using network::Window;

// A network with random numbers everywhere, its input and a random weighting of its outputs: the
// loss is sum(weighting * output).
class Bench {
 public:
  Bench(const Network& net, std::uint64_t seed, const Kernels& kernels, int batch = 16)
      : net_(net), batch_(batch), engine_(net, batch, kernels) {
    Rng rng(seed);
    for (float& v : engine_.values()) v = static_cast<float>(0.5 * rng.normal());
    for (float& v : engine_.statistics()) v = static_cast<float>(rng.uniform(0.5, 1.5));
    engine_.values_changed();
    input_ = random(net.input_shape(), rng);
    weighting_ = random(net.output_shape(), rng);
    run();
  }

  void run() {
    put(engine_.input(), engine_.input().value, batch_, input_);
    engine_.forward(true);
    put(engine_.output(), engine_.output().gradient, batch_, weighting_);
    engine_.backward();
  }

  void expect_output_matches() {
    const auto numbers =
        reference::numbers_of(engine_.weights(engine_.values(), engine_.statistics()));
    reference::Forward forward(net_, numbers, batch_);
    const reference::Values expected = forward.run(input_);
    const reference::Values actual = get(engine_.output(), engine_.output().value, batch_);
    ASSERT_EQ(expected.size(), actual.size());
    double scale = 1e-3;
    for (const double v : expected) scale = std::max(scale, std::abs(v));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(expected[i], actual[i], 2e-5 * scale) << "output " << i << "\n" << net_.text();
    }
  }

  // Central differences over up to `most` parameters of every array.
  void expect_gradients_match(int most = 12, std::uint64_t seed = 1) {
    const Weights w = engine_.weights(engine_.values(), engine_.statistics());
    auto numbers = reference::numbers_of(w);
    const Weights g = engine_.weights(engine_.gradients(), engine_.statistics());
    Rng rng(seed);
    for (std::size_t l = 0; l < numbers.size(); ++l) {
      check(numbers, l, numbers[l].kernel, g.layers[l].kernel, most, rng, "kernel");
      check(numbers, l, numbers[l].bias, g.layers[l].bias, most, rng, "bias");
      check(numbers, l, numbers[l].gamma, g.layers[l].gamma, most, rng, "gamma");
      check(numbers, l, numbers[l].beta, g.layers[l].beta, most, rng, "beta");
    }
  }

  Engine& engine() { return engine_; }

 private:
  reference::Values random(const Shape& s, Rng& rng) const {
    reference::Values v(static_cast<std::size_t>(s.elements() * batch_));
    for (double& x : v) x = static_cast<float>(rng.normal());
    return v;
  }
  double loss(const std::vector<reference::LayerNumbers>& numbers) const {
    const reference::Values y = reference::Forward(net_, numbers, batch_).run(input_);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * weighting_[i];
    return sum;
  }
  void check(std::vector<reference::LayerNumbers>& numbers, std::size_t layer,
             reference::Values& array, const std::vector<float>& gradient, int most, Rng& rng,
             const char* what) {
    ASSERT_EQ(array.size(), gradient.size());
    if (array.empty()) return;
    double scale = 0.1;
    for (const float v : gradient) scale = std::max(scale, std::abs(static_cast<double>(v)));
    for (int n = 0; n < most; ++n) {
      const std::size_t i = array.size() <= static_cast<std::size_t>(most)
                                ? static_cast<std::size_t>(n) % array.size()
                                : rng.below(array.size());
      const double keep = array[i];
      // A kink (ReLU, maximum) between the two points spoils a difference; a smaller step avoids
      // it.
      double error = 1e300, numeric = 0;
      for (const double step : {1e-5, 1e-7}) {
        array[i] = keep + step;
        const double up = loss(numbers);
        array[i] = keep - step;
        const double down = loss(numbers);
        array[i] = keep;
        const double slope = (up - down) / (2 * step);
        if (std::abs(slope - static_cast<double>(gradient[i])) < error) {
          error = std::abs(slope - static_cast<double>(gradient[i]));
          numeric = slope;
        }
      }
      ASSERT_LT(error, 1e-4 * scale + 2e-5 * std::abs(numeric))
          << what << " " << i << " of layer " << layer << ": " << gradient[i] << " instead of "
          << numeric << "\n"
          << net_.text();
    }
  }

  Network net_;
  int batch_;
  Engine engine_;
  reference::Values input_, weighting_;
};

void expect_right(const Network& net, std::uint64_t seed = 7, int batch = 16, int most = 12) {
  ASSERT_TRUE(net.verify().ok()) << net.verify().error().message;
  for (const Kernels* k : all_kernels()) {
    SCOPED_TRACE(k->name);
    Bench bench(net, seed, *k, batch);
    bench.expect_output_matches();
    bench.expect_gradients_match(most);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

int add(Network& net, network::Op op, std::vector<int> inputs) {
  auto index = net.add(std::move(op), std::move(inputs));
  EXPECT_TRUE(index.ok()) << (index.ok() ? "" : index.error().message);
  return index.ok() ? *index : -1;
}

network::Conv conv(int filters, Window w, bool bias = true) { return {filters, w, bias}; }
network::Conv pointwise(int filters) { return {filters, Window{}, true}; }

// input -> 1x1 convolution (so that the layer under test must pass its gradient on) -> op
void expect_layer_right(const Shape& in, const network::Op& op, std::uint64_t seed = 7,
                        int batch = 16) {
  Network net(in);
  const int first = add(net, pointwise(in.channels), {0});
  add(net, op, {first});
  expect_right(net, seed, batch);
}

TEST(Engine, PointwiseConvolution) { expect_layer_right({5, 4, 3}, conv(7, Window{})); }
TEST(Engine, ConvolutionSame) { expect_layer_right({6, 5, 3}, conv(5, Window{3, 3})); }
TEST(Engine, ConvolutionStrideTwoOddSize) {
  expect_layer_right({7, 6, 2}, conv(5, Window{3, 3, 2, 2}));
}
TEST(Engine, ConvolutionKernelSmallerThanStride) {
  expect_layer_right({7, 8, 2}, conv(3, Window{1, 2, 2, 3}));
}
TEST(Engine, ConvolutionSeveralGroups) {
  expect_layer_right({5, 5, 2}, conv(3, Window{3, 3}), 3, 48);
}
TEST(Engine, Depthwise) {
  expect_layer_right({6, 7, 5}, network::Depthwise{1, Window{3, 3}, true});
}
TEST(Engine, DepthwiseStrided) {
  expect_layer_right({9, 7, 3}, network::Depthwise{1, Window{5, 3, 2, 2}, false});
}
TEST(Engine, DepthwiseMultiplier) {
  expect_layer_right({6, 5, 3}, network::Depthwise{3, Window{3, 3, 2, 1}, true});
}
TEST(Engine, DepthwiseSignal) {
  expect_layer_right({33, 1, 4}, network::Depthwise{1, Window{7, 1, 2, 1}, true});
}
TEST(Engine, DenseReadsHeightWidthChannel) {
  expect_layer_right({3, 4, 5}, network::Dense{6, true});
}
TEST(Engine, DenseWide) { expect_layer_right({1, 1, 37}, network::Dense{19, true}, 5, 64); }
TEST(Engine, BatchNorm) { expect_layer_right({5, 4, 3}, network::BatchNorm{}); }
TEST(Engine, Relu) { expect_layer_right({5, 4, 3}, network::Activate{network::Activation::kRelu}); }
TEST(Engine, Relu6) {
  expect_layer_right({5, 4, 3}, network::Activate{network::Activation::kRelu6});
}
TEST(Engine, HardSwish) {
  expect_layer_right({5, 4, 3}, network::Activate{network::Activation::kHardSwish});
}
TEST(Engine, MaxPool) { expect_layer_right({6, 6, 3}, network::MaxPool{Window{2, 2, 2, 2}}); }
TEST(Engine, MaxPoolOverlappingSame) {
  expect_layer_right({7, 6, 3}, network::MaxPool{Window{3, 3, 2, 2}});
}
TEST(Engine, MaxPoolValid) {
  expect_layer_right({7, 7, 2}, network::MaxPool{Window{2, 3, 2, 2, 1, 1, Padding::kValid}});
}
TEST(Engine, AveragePool) {
  expect_layer_right({7, 5, 3}, network::AveragePool{Window{3, 3, 2, 2}});
}
TEST(Engine, GlobalAverage) { expect_layer_right({5, 3, 4}, network::GlobalAveragePool{}); }
TEST(Engine, Flatten) { expect_layer_right({3, 2, 4}, network::Flatten{}); }

TEST(Engine, BatchNormKeepsItsVarianceFarFromZero) {
  // A mean 1000 times the deviation: squares about zero would lose the variance in float.
  Network net({4, 4, 1});
  add(net, network::BatchNorm{}, {0});
  for (const Kernels* k : all_kernels()) {
    Engine engine(net, 16, *k);
    engine.initialise(Rng(1));
    Rng rng(2);
    for (int b = 0; b < 16; ++b)
      for (int i = 0; i < 16; ++i)
        *value_at(engine.input(), b, i / 4, i % 4, 0, engine.input().value) =
            static_cast<float>(1000 + rng.normal());
    engine.forward(true);
    double squares = 0;
    for (int b = 0; b < 16; ++b)
      for (int i = 0; i < 16; ++i) {
        const double v = static_cast<double>(
            *value_at(engine.output(), b, i / 4, i % 4, 0, engine.output().value));
        squares += v * v / 256;
      }
    EXPECT_NEAR(squares, 1, 0.01);
  }
}

// Two branches, shared readers, residual sums, joins, and everything in between.
Network branching() {
  Network net({9, 7, 2});
  int x = add(net, conv(6, Window{3, 3, 2, 1}, false), {0});
  x = add(net, network::BatchNorm{}, {x});
  const int stem = add(net, network::Activate{network::Activation::kRelu6}, {x});
  x = add(net, network::Depthwise{1, Window{3, 3}, false}, {stem});
  x = add(net, network::BatchNorm{}, {x});
  x = add(net, network::Activate{network::Activation::kHardSwish}, {x});
  x = add(net, conv(6, Window{}, false), {x});
  x = add(net, network::BatchNorm{}, {x});
  const int sum = add(net, network::Add{}, {x, stem});
  const int pool = add(net, network::AveragePool{Window{3, 3, 1, 1}}, {stem});
  const int twice = add(net, network::Add{}, {pool, pool});
  const int join = add(net, network::Concat{}, {sum, twice, stem});
  x = add(net, network::Activate{}, {join});
  x = add(net, network::MaxPool{Window{2, 2, 2, 2}}, {x});
  const int gap = add(net, network::GlobalAveragePool{}, {x});
  x = add(net, network::Flatten{}, {x});
  x = add(net, network::Dense{5, true}, {x});
  const int flat = add(net, network::Flatten{}, {gap});
  const int head = add(net, network::Dense{5, false}, {flat});
  add(net, network::Add{}, {x, head});
  return net;
}

TEST(Engine, WholeBranchingNetwork) { expect_right(branching(), 11, 32, 3); }

TEST(Engine, SecondPassGivesTheSameBits) {
  for (const Kernels* k : all_kernels()) {
    Bench bench(branching(), 3, *k);
    const std::vector<float> first(bench.engine().gradients().begin(),
                                   bench.engine().gradients().end());
    bench.run();
    EXPECT_TRUE(std::ranges::equal(first, bench.engine().gradients()));
  }
}

TEST(Engine, TheNumberOfThreadsDoesNotChangeABitOfManyChannels) {
  Network net({8, 6, 2});
  int x = add(net, conv(7, Window{}, false), {0});  // seven columns for up to three workers
  x = add(net, conv(64, Window{}, false), {x});
  x = add(net, conv(64, Window{3, 3}, false), {x});
  for (const int filters : {64, 48}) {
    x = add(net, network::BatchNorm{}, {x});
    x = add(net, conv(filters, Window{3, 3}), {x});
  }
  for (const Kernels* k : all_kernels()) {
    std::vector<std::vector<float>> found;
    for (const int threads : {1, 2, 3}) {
      Engine engine(net, 48, *k, nullptr, 3);
      engine.set_threads(threads);
      engine.initialise(Rng(4));
      Rng rng(5);
      each_number(engine.input(), engine.input().value, 48,
                  [&](float& v) { v = static_cast<float>(rng.normal()); });
      engine.forward(true);
      each_number(engine.output(), engine.output().gradient, 48,
                  [&](float& v) { v = static_cast<float>(rng.normal()); });
      engine.backward();
      found.emplace_back(engine.gradients().begin(), engine.gradients().end());
    }
    EXPECT_EQ(found[0], found[1]) << k->name;
    EXPECT_EQ(found[0], found[2]) << k->name;
  }
}

TEST(Engine, InferenceUsesRunningStatistics) {
  Network net({1, 1, 1});
  add(net, network::BatchNorm{}, {0});
  Engine engine(net, 16, best_kernels());
  engine.initialise(Rng(1));
  engine.statistics()[0] = 2;  // mean
  engine.statistics()[1] = 4;  // variance
  for (int b = 0; b < 16; ++b)
    *value_at(engine.input(), b, 0, 0, 0, engine.input().value) = static_cast<float>(b);
  engine.forward(false);
  EXPECT_NEAR(*value_at(engine.output(), 6, 0, 0, 0, engine.output().value), 4 / std::sqrt(4.001),
              1e-5);
}

TEST(Engine, DropoutKeepsTheExpectedShareAndItsGradientTheSameMask) {
  Network net({8, 8, 4});
  const int x = add(net, pointwise(4), {0});
  add(net, network::Dropout{0.25f}, {x});
  std::vector<float> first;
  for (const Kernels* k : all_kernels()) {
    Engine engine(net, 32, *k);
    std::ranges::fill(engine.values(), 0.0f);
    for (std::size_t c = 0; c < 4; ++c)
      engine.values()[16 + c] = 1;  // biases: every input of dropout is 1
    engine.values_changed();
    engine.forward(true, 99);
    std::vector<float> all;
    int kept = 0;
    for (int b = 0; b < 32; ++b)
      for (int i = 0; i < 256; ++i) {
        const float v =
            *value_at(engine.output(), b, i / 32, i / 4 % 8, i % 4, engine.output().value);
        ASSERT_TRUE(v == 0 || std::abs(v - 4.0f / 3) < 1e-6f);
        kept += v > 0;
        all.push_back(v);
        *value_at(engine.output(), b, i / 32, i / 4 % 8, i % 4, engine.output().gradient) = 1;
      }
    EXPECT_NEAR(kept / 8192.0, 0.75, 0.02);
    engine.backward();
    double bias_gradient = 0;
    for (std::size_t c = 0; c < 4; ++c)
      bias_gradient += static_cast<double>(engine.gradients()[16 + c]);
    EXPECT_NEAR(bias_gradient, kept * 4.0 / 3, 0.1);
    if (first.empty()) first = all;
    EXPECT_EQ(first, all) << "the mask must not depend on the lanes";
  }
}

TEST(Engine, RoundingIsThatOfInt8) {
  for (const Kernels* k : all_kernels()) {
    SCOPED_TRACE(k->name);
    const Layout layout({3, 5, 1}, 2, k->lanes, {});
    Buffer x(layout.floats()), dx(layout.floats());
    Rng rng(4);
    std::vector<float> before(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      before[i] = x.data()[i] = static_cast<float>(4 * rng.normal());
      dx.data()[i] = 1;
    }
    const float scale = 0.05f;
    const int zero = -40;
    const Extent e = common_extent(layout, layout);
    k->fake_quantise(e, {x.data(), layout.group, layout.row}, scale, static_cast<float>(zero));
    k->fake_quantise_backward(e, {x.data(), layout.group, layout.row},
                              {dx.data(), layout.group, layout.row}, scale,
                              static_cast<float>(zero));
    int clipped = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(2 * 15 * k->lanes); ++i) {
      const double q = std::nearbyint(static_cast<double>(before[i] * (1 / scale))) + zero;
      const double expected = (std::clamp(q, -128.0, 127.0) - zero) * static_cast<double>(scale);
      ASSERT_NEAR(x.data()[i], expected, 1e-5);
      ASSERT_EQ(dx.data()[i], q > -128 && q < 127 ? 1.0f : 0.0f);
      clipped += q <= -128 || q >= 127;
    }
    EXPECT_GT(clipped, 0);
  }
}

}  // namespace
}  // namespace atml::train
