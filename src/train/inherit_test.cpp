// A warm start computes what the old network did.
#include "train/inherit.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "train/engine.h"

namespace atml::train {
namespace {

using network::Network;

struct Sizes {
  int stem = 4, middle = 6, kernel = 3, hidden = 8;
  bool flatten = false;
};

Network net_of(const Sizes& s) {
  Network net({9, 7, 2});
  const auto add = [&](network::Op op, std::vector<int> inputs) {
    return *net.add(std::move(op), std::move(inputs));
  };
  const auto then = [&](network::Op op) { return add(std::move(op), {net.last()}); };
  then(network::Conv{.filters = s.stem, .window = {s.kernel, s.kernel}});
  then(network::BatchNorm{});
  const int entry = then(network::Activate{});
  then(network::Depthwise{.window = {s.kernel, s.kernel}});
  then(network::BatchNorm{});
  then(network::Conv{.filters = s.stem});
  const int main = then(network::BatchNorm{});
  const int sum = add(network::Add{}, {main, entry});
  add(network::Concat{}, {sum, entry});
  then(network::Conv{.filters = s.middle, .bias = true});
  then(network::Activate{});
  if (s.flatten)
    then(network::Flatten{});
  else
    then(network::GlobalAveragePool{});
  then(network::Dense{.units = s.hidden});
  then(network::Activate{});
  then(network::Dense{.units = 3});
  return net;
}

std::vector<float> outputs(Engine& engine, const Network& net) {
  const Tensor& in = engine.input();
  Rng rng(9);
  for (int c = 0; c < in.layout.shape.channels; ++c)
    for (int y = 0; y < in.layout.shape.height; ++y)
      for (int x = 0; x < in.layout.shape.width * in.layout.lanes; ++x)
        in.value[in.layout.at(c, 0, y, 0) + x] = static_cast<float>(rng.normal());
  engine.forward(false);
  std::vector<float> v;
  for (int c = 0; c < net.output_shape().channels; ++c)
    for (int lane = 0; lane < in.layout.lanes; ++lane)
      v.push_back(engine.output().value[c * engine.output().layout.channel + lane]);
  return v;
}

TEST(Inherit, WiderNetworksAndLargerKernelsComputeTheSame) {
  const Kernels& kernels = best_kernels();
  for (const bool flatten : {false, true}) {
    Sizes base;
    base.flatten = flatten;
    const Network old = net_of(base);
    Engine engine(old, kernels.lanes, kernels);
    engine.initialise(Rng(1));
    Rng rng(2);
    for (float& v : engine.statistics()) v = static_cast<float>(rng.uniform(0.5, 1.5));
    const std::vector<float> expected = outputs(engine, old);
    const Weights trained = engine.weights(engine.values(), engine.statistics());
    for (const Sizes& s : {Sizes{7, 6, 3, 8, flatten}, Sizes{4, 13, 3, 8, flatten},
                           Sizes{4, 6, 5, 8, flatten}, Sizes{8, 12, 5, 20, flatten}}) {
      const Network grown = net_of(s);
      const auto heir = inherit(old, trained, grown);
      ASSERT_TRUE(heir.ok()) << heir.error().message;
      EXPECT_EQ(heir->layers, 9);
      Engine wide(grown, kernels.lanes, kernels);
      ASSERT_TRUE(wide.set_weights(heir->weights).ok());
      const std::vector<float> found = outputs(wide, grown);
      for (std::size_t i = 0; i < expected.size(); ++i)
        ASSERT_NEAR(found[i], expected[i], 1e-3f * (1 + std::abs(expected[i])));
    }
  }
}

// A chain with what may be added at each of its places.
struct Depth {
  int convolutions = 0;      // conv, batch norm, relu behind the first relu
  int depthwise = 0;         // depthwise, batch norm, relu
  int blocks = 0;            // residual blocks, with their sum's activation
  bool plain_block = false;  // its branch ends with a convolution
  int dense = 0;             // dense, relu before the last layer
  int channels = 6;
  network::Activation act = network::Activation::kRelu;
};

Network chain(const Depth& d) {
  Network net({8, 9, 2});
  const auto then = [&](network::Op op) { return *net.add(std::move(op), {net.last()}); };
  const auto act = [&] { return then(network::Activate{d.act}); };
  then(network::Conv{.filters = d.channels, .window = {3, 3, 2, 2}});
  then(network::BatchNorm{});
  act();
  for (int n = 0; n < d.convolutions; ++n) {
    then(network::Conv{.filters = d.channels, .window = {3, 5}});
    then(network::BatchNorm{});
    act();
  }
  for (int n = 0; n < d.depthwise; ++n) {
    then(network::Depthwise{.window = {5, 3}, .bias = true});
    act();
  }
  for (int n = 0; n < d.blocks; ++n) {
    const int x = net.last();
    then(network::Conv{.filters = 2 * d.channels, .window = {3, 3}});
    if (!d.plain_block) then(network::BatchNorm{});
    act();
    then(network::Conv{.filters = d.channels, .window = {}, .bias = d.plain_block});
    if (!d.plain_block) then(network::BatchNorm{});
    EXPECT_TRUE(net.add(network::Add{}, {net.last(), x}).ok());
    act();
  }
  then(network::Dropout{0.1f});
  then(network::GlobalAveragePool{});
  then(network::Dense{.units = 7});
  act();
  for (int n = 0; n < d.dense; ++n) {
    then(network::Dense{.units = 7});
    act();
  }
  then(network::Dense{.units = 3});
  return net;
}

Weights random_weights(const Network& net) {
  Engine engine(net, best_kernels().lanes, best_kernels());
  engine.initialise(Rng(1));
  Rng rng(2);
  for (float& v : engine.statistics()) v = static_cast<float>(rng.uniform(0.5, 1.5));
  return engine.weights(engine.values(), engine.statistics());
}

void expect_same_function(const Network& old, const Network& grown, int added) {
  SCOPED_TRACE(grown.text());
  const Weights trained = random_weights(old);
  const auto heir = inherit(old, trained, grown);
  ASSERT_TRUE(heir.ok()) << heir.error().message;
  EXPECT_EQ(heir->added, added);
  EXPECT_TRUE(heir->exact);
  Engine a(old, best_kernels().lanes, best_kernels()),
      b(grown, best_kernels().lanes, best_kernels());
  ASSERT_TRUE(a.set_weights(trained).ok());
  ASSERT_TRUE(b.set_weights(heir->weights).ok());
  const std::vector<float> expected = outputs(a, old), found = outputs(b, grown);
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(found[i], expected[i], 1e-4f * (1 + std::abs(expected[i])));
}

TEST(Inherit, DeeperNetworksComputeTheSame) {
  for (const auto act : {network::Activation::kRelu, network::Activation::kRelu6}) {
    const Network old = chain({.act = act});
    expect_same_function(old, chain({.convolutions = 1, .act = act}), 3);
    expect_same_function(old, chain({.convolutions = 2, .depthwise = 1, .act = act}), 8);
    expect_same_function(old, chain({.dense = 2, .act = act}), 4);
    // Deeper and wider at once.
    expect_same_function(old, chain({.convolutions = 1, .depthwise = 2, .channels = 9, .act = act}),
                         7);
  }
  const Network old = chain({});
  expect_same_function(old, chain({.blocks = 1}), 7);
  expect_same_function(old, chain({.blocks = 2, .plain_block = true}), 10);
  expect_same_function(chain({.blocks = 1}), chain({.convolutions = 1, .blocks = 3, .dense = 1}),
                       19);
  // After a hard-swish nothing but a residual branch can be added, and its sum gets no activation.
  const auto swish = network::Activation::kHardSwish;
  const auto refused = inherit(chain({.act = swish}), random_weights(chain({.act = swish})),
                               chain({.convolutions = 1, .act = swish}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  // A sum of two ReLU6 may exceed 6: a ReLU6 behind it would change the function.
  EXPECT_FALSE(inherit(chain({.act = network::Activation::kRelu}), random_weights(old),
                       chain({.convolutions = 1, .act = network::Activation::kRelu6}))
                   .ok());
}

TEST(Inherit, AnAddedBranchStartsToLearn) {
  const Network old = chain({}), grown = chain({.blocks = 1});
  const auto heir = inherit(old, random_weights(old), grown);
  ASSERT_TRUE(heir.ok());
  Engine engine(grown, best_kernels().lanes, best_kernels());
  ASSERT_TRUE(engine.set_weights(heir->weights).ok());
  outputs(engine, grown);
  engine.forward(true);
  for (int c = 0; c < 3; ++c)
    for (int lane = 0; lane < best_kernels().lanes; ++lane)
      engine.output().gradient[c * engine.output().layout.channel + lane] =
          static_cast<float>(c + lane % 3);
  engine.backward();
  const Weights g = engine.weights(engine.gradients(), engine.statistics());
  float largest = 0;
  for (std::size_t i = 0; i < heir->weights.layers.size(); ++i) {
    if (heir->weights.layers[i].gamma.empty() || heir->weights.layers[i].gamma[0] != 0) continue;
    for (const float v : g.layers[i].gamma) largest = std::max(largest, std::abs(v));
  }
  EXPECT_GT(largest, 1e-4f);
}

TEST(Inherit, SaysWhereTheFunctionChanged) {
  const Network old = chain({}), other = chain({.act = network::Activation::kHardSwish});
  const auto heir = inherit(old, random_weights(old), other);
  ASSERT_TRUE(heir.ok());
  EXPECT_FALSE(heir->exact);
}

TEST(Inherit, RefusesWhatCannotHoldTheOldNetwork) {
  const Network old = net_of({8, 6, 3, 8}), narrow = net_of({4, 6, 3, 8});
  Engine engine(old, best_kernels().lanes, best_kernels());
  engine.initialise(Rng(1));
  const Weights w = engine.weights(engine.values(), engine.statistics());
  EXPECT_EQ(inherit(old, w, narrow).error().message, "layer 'conv_1' became narrower");
  EXPECT_FALSE(inherit(net_of({8, 6, 5, 8}), w, old).ok());
  Network other({9, 7, 2});
  ASSERT_TRUE(other.add(network::Dense{3}, {0}).ok());
  EXPECT_EQ(inherit(old, w, other).error().message, "2 layers cannot inherit from 16");
}

}  // namespace
}  // namespace atml::train
