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
