// Channels as converters leave them where training has killed them: the same bytes in numbers that
// the packed kernels know.
#include "codegen/packable_channels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "codegen/emulated_program_test.h"
#include "codegen/lowering.h"
#include "codegen/packable.h"
#include "codegen/packing_bounds.h"
#include "codegen/random_models_test.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"

namespace atml::codegen {
namespace {

using namespace testing;
using quantize::Int8Model;
using quantize::Op;
using quantize::Rounding;

// Pairs of channels, depthwise, dense.
Int8Model small_model(Rounding rounding) {
  network::Network net(Shape{6, 5, 4});
  int last = 0;
  const auto add = [&](network::Op op) { last = *net.add(std::move(op), {last}); };
  add(network::Conv{8, network::Window{}, true});
  add(network::Activate{network::Activation::kRelu});
  add(network::Depthwise{1, network::Window{3, 3}, true});
  add(network::Activate{network::Activation::kRelu6});
  add(network::Conv{6, network::Window{3, 3, 2, 2}, true});
  add(network::Dense{5, true});
  Int8Model model = quantize::random_model(net, 11);
  model.rounding = rounding;
  return model;
}

// What a channel is given: all weights, the bias, the factor from sum to output.
struct Given {
  int weight;
  std::int32_t bias;
  double factor;
};

void give(const Int8Model& model, Op& op, int o, const Given& given) {
  const FilterShape shape = filter_shape(model, op);
  quantize::Filter& f = *filter_of(op);
  for (int i = 0; i < shape.inputs; ++i) {
    const int index = shape.channel_last ? i * shape.outputs + o : o * shape.inputs + i;
    f.weights[static_cast<std::size_t>(index)] = static_cast<std::int8_t>(given.weight);
  }
  f.bias[static_cast<std::size_t>(o)] = given.bias;
  f.scales[static_cast<std::size_t>(o)] = static_cast<float>(
      given.factor * double(model.output_of(op).scale) / double(model.input_of(op).scale));
}

// As TensorFlow's converter writes dead channels: no weights, a bias up to 2^30, a factor to match;
// factors too small for the kernels, whose channel is constant or steps once.
const std::vector<Given>& dead_channels() {
  static const std::vector<Given> list{
      {0, 1073741952, 2.3e-11}, {0, 1073741824, 1.4e-9}, {0, -1073741824, 1.7e-8},
      {3, 1 << 26, 1e-7},       {127, 16839340, 1.1e-7}, {-127, 4500000, 1.1e-7},
      {127, -4550000, 1.1e-7},  {1, 9000000, 5.5e-8},    {9, 300000000, 1.2e-7},
  };
  return list;
}

bool all_pack(const Int8Model& model) {
  for (const Op& op : model.ops) {
    if (filter_of(op) == nullptr) continue;
    const bool pairs = !std::holds_alternative<quantize::Depthwise>(op.kind);
    if (!filter_packs(op, filter_shape(model, op), filter_params(model, op), pairs)) return false;
  }
  return true;
}

// Every filter of the small model with one of its channels given: those that stay valid models, but
// out of bounds.
std::vector<Int8Model> models_with(const Given& given, Rounding rounding) {
  std::vector<Int8Model> models;
  const Int8Model base = small_model(rounding);
  for (std::size_t i = 0; i < base.ops.size(); ++i) {
    if (filter_of(base.ops[i]) == nullptr) continue;
    Int8Model model = base;
    give(model, model.ops[i], 1, given);
    if (model.verify().ok() && !all_pack(model)) models.push_back(std::move(model));
  }
  return models;
}

void expect_same_activations(const Int8Model& a, const Int8Model& b, std::uint64_t seed) {
  quantize::Interpreter first(a), second(b);
  const auto size = static_cast<std::size_t>(a.tensor(a.input).shape.elements());
  std::vector<std::int8_t> in(size),
      out(static_cast<std::size_t>(a.tensor(a.output).shape.elements()));
  Rng rng(seed);
  for (int n = 0; n < 30; ++n) {
    for (auto& x : in) {
      const int extreme = rng.chance(0.5) ? -128 : 127;
      x = static_cast<std::int8_t>(n % 3 == 0 ? extreme : static_cast<int>(rng.below(256)) - 128);
    }
    first.run(in, out);
    second.run(in, out);
    for (std::size_t t = 0; t < a.tensors.size(); ++t)
      ASSERT_EQ(first.activation(static_cast<int>(t)), second.activation(static_cast<int>(t)));
  }
}

TEST(PackableChannels, DeadOnesGetNumbersInBoundsAndKeepEveryActivation) {
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle}) {
    for (std::size_t g = 0; g < dead_channels().size(); ++g) {
      const auto models = models_with(dead_channels()[g], rounding);
      EXPECT_GE(models.size(), 2u) << "case " << g;
      for (const Int8Model& model : models) {
        SCOPED_TRACE(g);
        const Int8Model eased = packable(model);
        EXPECT_TRUE(eased.verify().ok());
        EXPECT_TRUE(all_pack(eased));
        expect_same_activations(model, eased, g);
      }
    }
  }
}

// One input, one weight: the output of every sum, around the threshold of a factor of 2^-25.
TEST(PackableChannels, AStepKeepsItsThreshold) {
  network::Network net(Shape{1, 1, 1});
  ASSERT_TRUE(net.add(network::Dense{2, true}, {0}).ok());
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle}) {
    for (int from = -130; from <= 130; ++from) {
      Int8Model model = quantize::random_model(net, 3);
      model.rounding = rounding;
      const auto zero = model.input_of(model.ops[0]).zero_point;
      give(model, model.ops[0], 0, {1, (1 << 24) + zero + from, std::ldexp(1.0, -25)});
      const Int8Model eased = packable(model);
      ASSERT_TRUE(all_pack(eased)) << from;
      quantize::Interpreter before(model), after(eased);
      std::vector<std::int8_t> in(1), expected(2), got(2);
      for (int x = -128; x < 128; ++x) {
        in[0] = static_cast<std::int8_t>(x);
        before.run(in, expected);
        after.run(in, got);
        ASSERT_EQ(expected, got) << "input " << x << ", from " << from;
      }
    }
  }
}

TEST(PackableChannels, ALayerInBoundsIsNotTouched) {
  const Int8Model model = small_model(Rounding::kDouble);
  const Int8Model eased = packable(model);
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    if (filter_of(model.ops[i]) == nullptr) continue;
    EXPECT_EQ(filter_of(model.ops[i])->weights, filter_of(eased.ops[i])->weights);
    EXPECT_EQ(filter_of(model.ops[i])->bias, filter_of(eased.ops[i])->bias);
    EXPECT_EQ(filter_of(model.ops[i])->scales, filter_of(eased.ops[i])->scales);
  }
}

// A live channel with a factor above a half is beyond help: its layer stays plain and right.
TEST(PackableChannels, WhatCannotBeHelpedStays) {
  Int8Model model = small_model(Rounding::kDouble);
  give(model, model.ops[0], 1, {5, 100, 0.9});
  give(model, model.ops[0], 2, {0, 1073741824, 1.4e-9});
  const Int8Model eased = packable(model);
  EXPECT_EQ(filter_of(eased.ops[0])->bias, filter_of(model.ops[0])->bias);
  const auto plain = plain_layers(model);
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].op, 0);
  EXPECT_EQ(plain[0].reason, "output channel 1: its factor 0.9 is not in [2^-23, 0.5)");
  expect_same_layers({model}, {});
}

TEST(PackableChannels, ScalesTooFarApartForAQuotientDoNoHarm) {
  Int8Model model = small_model(Rounding::kDouble);
  give(model, model.ops[0], 1, {0, 1073741824, 1.4e-9});
  for (const auto& [in, out] : {std::pair(1e-38f, 1e38f), {1e38f, 1e-38f}}) {
    Int8Model far = model;
    far.tensors[static_cast<std::size_t>(far.ops[0].inputs[0])].scale = in;
    far.tensors[static_cast<std::size_t>(far.ops[0].output)].scale = out;
    if (far.verify().ok()) expect_same_activations(far, packable(far), 1);
  }
}

TEST(PackableChannels, TheirFirmwareGivesTheInterpretersBytes) {
  std::vector<Int8Model> models;
  for (const Given& given : dead_channels()) {
    for (auto& model : models_with(given, Rounding::kDouble)) models.push_back(std::move(model));
  }
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  expect_same_layers(models, program);
  for (const Board& board : kBoards) {
    if (board.core != target::Core::kCortexM4 || !can_emulate(board)) continue;
    expect_same_layers(models, emulated_program(board));
  }
  for (const Int8Model& model : models) {
    const auto lowered = lower(model, some_target(), {});
    ASSERT_TRUE(lowered.ok());
    for (const Step& step : lowered->steps) {
      const std::string kernel(function_name(step.choice.kernel));
      EXPECT_FALSE(kernel.ends_with("_plain")) << kernel;
    }
  }
}

}  // namespace
}  // namespace atml::codegen
