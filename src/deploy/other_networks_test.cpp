#include "deploy/other_networks.h"

#include <gtest/gtest.h>

#include "codegen/firmware.h"
#include "quantize/quantize.h"

namespace atml::deploy {
namespace {

network::Network small_network() {
  network::Network net({16, 16, 3});
  network::Window window;
  window.kernel_h = window.kernel_w = 3;
  EXPECT_TRUE(net.add(network::Conv{8, window, true}, {0}).ok());
  EXPECT_TRUE(net.add(network::Activate{network::Activation::kRelu}, {1}).ok());
  EXPECT_TRUE(net.add(network::Conv{8, window, true}, {2}).ok());
  EXPECT_TRUE(net.add(network::Add{}, {2, 3}).ok());
  EXPECT_TRUE(net.add(network::Flatten{}, {4}).ok());
  EXPECT_TRUE(net.add(network::Dense{10, true}, {5}).ok());
  return net;
}

target::Target part() {
  target::Target t;
  t.core = target::Core::kCortexM4;
  t.dsp = true;
  t.flash.size = Bytes(1 << 20);
  t.ram.size = Bytes(1 << 20);
  return t;
}

TEST(OtherNetworks, WeightsOfFourBitsHalveTheFlashOfTheFilters) {
  const auto model = quantize::random_model(small_network(), 1);
  const auto others = with_smaller_weights(model);
  ASSERT_EQ(others.size(), 1u);
  ASSERT_TRUE(others[0].model.verify().ok());
  const auto before = codegen::estimate(model, part(), {});
  const auto after = codegen::estimate(others[0].model, part(), {});
  const double weights = 3 * 3 * 3 * 8 + 3 * 3 * 8 * 8 + 16 * 16 * 8 * 10;
  EXPECT_NEAR(static_cast<double>((before.flash - after.flash).value), weights / 2, 400);
  EXPECT_TRUE(with_smaller_weights(others[0].model).empty());  // nothing left to do
}

TEST(OtherNetworks, ASmallerStemShrinksAllThatFollows) {
  auto model = quantize::random_model(small_network(), 1);
  const auto others = with_smaller_stem(model);
  ASSERT_EQ(others.size(), 1u);
  const auto& small = others[0].model;
  EXPECT_EQ(small.output_of(small.ops[0]).shape, (Shape{8, 8, 8}));
  EXPECT_EQ(small.tensor(small.output).shape, model.tensor(model.output).shape);
  EXPECT_EQ(small.ops.size(), model.ops.size());
  EXPECT_LT(codegen::estimate(small, part(), {}).arena, codegen::estimate(model, part(), {}).arena);
}

TEST(OtherNetworks, ASoftmaxAtTheEndStays) {
  auto model = quantize::random_model(small_network(), 1);
  const int logits = model.output;
  model.tensors.push_back({"p", model.tensor(logits).shape, 1 / 256.0f, -128});
  model.output = static_cast<int>(model.tensors.size()) - 1;
  model.ops.push_back({"softmax", quantize::Softmax{}, {logits}, model.output});
  ASSERT_TRUE(model.verify().ok());
  const auto others = with_smaller_stem(model);
  ASSERT_EQ(others.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<quantize::Softmax>(others[0].model.ops.back().kind));
}

TEST(OtherNetworks, WithoutAConvolutionThereIsNoStem) {
  network::Network net({1, 1, 4});
  ASSERT_TRUE(net.add(network::Dense{.units = 2}, {0}).ok());
  EXPECT_TRUE(with_smaller_stem(quantize::random_model(net, 1)).empty());
}

}  // namespace
}  // namespace atml::deploy
