// What a channel needs beside its weights, in its short forms and where they do not fit; and the
// kernels of add.
#include <gtest/gtest.h>

#include "codegen/emulated_program_test.h"
#include "codegen/lowering.h"
#include "codegen/memory_plan.h"
#include "codegen/random_models_test.h"
#include "codegen/weights.h"

namespace atml::codegen {
namespace {

using namespace testing;
using quantize::Rounding;

// One layer with weights on 6 x 7 x `channels`, after `change` of its filter.
template <class Change>
quantize::Int8Model one_layer(network::Op op, int channels, const Change& change) {
  network::Network net(Shape{6, 7, channels});
  EXPECT_TRUE(net.add(std::move(op), {0}).ok());
  auto model = quantize::random_model(net, 5);
  change(*const_cast<quantize::Filter*>(filter_of(model.ops[0])));
  const Status valid = model.verify();
  EXPECT_TRUE(valid.ok()) << (valid.ok() ? "" : valid.error().message);
  return model;
}

template <class Change>
quantize::Int8Model depthwise(const Change& change, int bits = 8) {
  network::Depthwise op{1, network::Window{3, 3}, true};
  op.weight_bits = bits;
  return one_layer(op, 5, change);
}

KernelChoice choice_of(const quantize::Int8Model& model) {
  return *choose_kernel(model, model.ops.back());
}

// Wide by a bias, by the span of the shifts, by a factor of zero.
std::vector<quantize::Int8Model> wide_models(Rounding rounding) {
  std::vector<quantize::Int8Model> models;
  for (const int bits : {8, 4}) {
    for (const int bias : {1 << 15, -(1 << 15) - 1, 1 << 20})
      models.push_back(depthwise([&](quantize::Filter& f) { f.bias[1] = bias; }, bits));
    models.push_back(depthwise([&](quantize::Filter& f) { f.scales[2] /= 16; }, bits));
    models.push_back(depthwise([&](quantize::Filter& f) { f.scales[4] = 1e-30f; }, bits));
  }
  for (auto& model : models) model.rounding = rounding;
  return models;
}

std::vector<quantize::Int8Model> short_models(Rounding rounding) {
  std::vector<quantize::Int8Model> models;
  for (const int bits : {8, 4}) {
    models.push_back(depthwise(
        [](quantize::Filter& f) {
          f.bias = {32767, -32768, 0, 1, -1};
        },
        bits));
    models.push_back(depthwise(
        [](quantize::Filter& f) {
          f.scales = {f.scales[0], f.scales[0] / 2, f.scales[0] / 4, f.scales[0] / 8, f.scales[0]};
        },
        bits));
    models.push_back(depthwise([](quantize::Filter& f) { f.scales.assign(5, f.scales[0]); }, bits));
  }
  for (auto& model : models) model.rounding = rounding;
  return models;
}

// Words of pairs at their limits, for convolutions of several pixels and of one.
std::vector<quantize::Int8Model> pair_models(Rounding rounding) {
  std::vector<quantize::Int8Model> models;
  const auto limits = [](quantize::Filter& f) {
    std::fill(f.weights.begin(), f.weights.end(), std::int8_t{0});
    for (std::size_t o = 0; o < f.bias.size(); ++o) {
      f.weights[o * f.weights.size() / f.bias.size()] =
          static_cast<std::int8_t>(o % 2 == 0 ? 7 : -7);
      f.bias[o] = o % 2 == 0 ? (1 << 25) - 2000 : -(1 << 25) + 2000;
      f.scales[o] /= static_cast<float>(1 << (o % 4 * 4));
    }
  };
  for (const int bits : {8, 4}) {
    models.push_back(one_layer(network::Conv{5, network::Window{3, 3}, true, bits}, 3, limits));
    models.push_back(one_layer(network::Conv{6, network::Window{}, true, bits}, 8, limits));
    network::Network net(Shape{1, 1, 12});
    EXPECT_TRUE(net.add(network::Dense{7, true, bits}, {0}).ok());
    models.push_back(quantize::random_model(net, 9));
    limits(*const_cast<quantize::Filter*>(filter_of(models.back().ops[0])));
  }
  for (auto& model : models) model.rounding = rounding;
  return models;
}

TEST(ChannelTables, TheFormFollowsTheValues) {
  for (const auto& model : wide_models(Rounding::kDouble)) {
    EXPECT_TRUE(choice_of(model).wide);
    EXPECT_EQ(choice_of(model).tables, 4 * 5 + 8 * 5);
  }
  for (const auto& model : short_models(Rounding::kDouble)) {
    const KernelChoice choice = choice_of(model);
    EXPECT_FALSE(choice.wide);
    EXPECT_EQ(choice.tables, 12 + 4 * (choice.per_channel ? 5 : 1));
  }
  for (const auto& model : pair_models(Rounding::kDouble)) {
    const std::string kernel(function_name(choice_of(model).kernel));
    EXPECT_TRUE(kernel.ends_with("_packed") || kernel.ends_with("_nibbles")) << kernel;
  }
}

TEST(ChannelTables, ABiasThatDoesNotFitItsWordTakesThePlainKernel) {
  const auto model = one_layer(network::Conv{5, network::Window{3, 3}, true}, 3,
                               [](quantize::Filter& f) { f.bias[3] = (1 << 25) + 100000; });
  EXPECT_EQ(choice_of(model).kernel, Kernel::kConvPlain);
  expect_same_layers({model}, {});
}

std::vector<quantize::Int8Model> all_models(Rounding rounding) {
  std::vector<quantize::Int8Model> all = wide_models(rounding);
  for (const auto& list : {short_models(rounding), pair_models(rounding)})
    all.insert(all.end(), list.begin(), list.end());
  return all;
}

TEST(ChannelTables, EveryFormGivesTheInterpretersBytesUnderSanitizers) {
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle})
    expect_same_layers(all_models(rounding), program);
}

TEST(ChannelTables, EveryFormGivesTheInterpretersBytesOnCores) {
  for (const Board& board : kBoards) {
    const bool kind_of_its_own = board.core == target::Core::kCortexM0Plus ||
                                 board.core == target::Core::kCortexM4 ||
                                 board.core == target::Core::kCortexM55;
    if (!kind_of_its_own || !can_emulate(board)) continue;
    SCOPED_TRACE(board.name);
    expect_same_layers(all_models(Rounding::kDouble), emulated_program(board));
  }
}

// Small maps of depthwise layers in a build for speed: pixel by pixel on cores with DSP
// instructions.
quantize::Int8Model small_maps(Rounding rounding) {
  network::Network net(Shape{12, 11, 4});
  int last = 0;
  const auto add = [&](network::Op op) {
    const auto added = net.add(std::move(op), {last});
    EXPECT_TRUE(added.ok());
    last = *added;
  };
  for (const int channels : {8, 12, 16, 7}) {
    add(network::Conv{channels, network::Window{}, true});
    add(network::Activate{network::Activation::kRelu});
    add(network::Depthwise{1, network::Window{3, 3, channels == 8 ? 2 : 1, channels == 8 ? 2 : 1},
                           true});
    add(network::Activate{network::Activation::kRelu6});
  }
  auto model = quantize::random_model(net, 31);
  model.rounding = rounding;
  return model;
}

// Kernels of words read what follows the last pixel; the bytes must exist. The input lives on, so
// that it may come to lie at the end of the arena.
TEST(PointwiseKernels, WhatIsReadBehindTheLastPixelIsInTheArena) {
  for (const int bits : {8, 4}) {
    for (int channels = 5; channels <= 15; ++channels) {
      for (int filters = 1; filters <= 16; ++filters) {
        network::Network net(Shape{5, 4, channels});
        ASSERT_TRUE(net.add(network::Conv{.filters = filters, .weight_bits = bits}, {0}).ok());
        ASSERT_TRUE(net.add(network::Concat{}, {1, 0}).ok());
        const auto model = quantize::random_model(net, 5);
        const auto choices = choose_kernels(model);
        ASSERT_TRUE(choices.ok());
        const PlannedMemory memory = plan_arena(model, *choices);
        const std::int64_t last = memory.tensor_offsets[static_cast<std::size_t>(model.input)] +
                                  model.tensor(model.input).shape.elements() - channels;
        EXPECT_LE(last + packed_inputs(channels), memory.plan.arena.value)
            << bits << " bits, " << channels << " -> " << filters;
      }
    }
  }
}

quantize::Int8Model one_depthwise(const Shape& in, const network::Window& window) {
  network::Network net(in);
  EXPECT_TRUE(net.add(network::Depthwise{1, window, true}, {0}).ok());
  return quantize::random_model(net, 32);
}

// What pays differs: the ring has code of its own for 3x3, on some cores for lines too.
TEST(DepthwiseKernels, WhichMapsGoByPixelsDependsOnWindowAndCore) {
  const auto by_pixels = [](target::Core core, bool dsp, const Shape& in,
                            const network::Window& window) {
    target::Target target = some_target();
    target.core = core;
    target.dsp = dsp;
    target.fpu = false;
    Options speed;
    speed.optimize = Optimize::kSpeed;
    const auto firmware = generate(one_depthwise(in, window), target, speed);
    EXPECT_TRUE(firmware.ok());
    return firmware->ops[0].kernel == "atml_depthwise_rows";
  };
  using target::Core;
  const network::Window three{3, 3}, five{5, 5}, line{5, 1}, long_line{9, 1};
  EXPECT_TRUE(by_pixels(Core::kCortexM4, true, {9, 9, 8}, three));
  EXPECT_FALSE(by_pixels(Core::kCortexM4, true, {12, 12, 8}, three));
  EXPECT_TRUE(by_pixels(Core::kCortexM33, true, {12, 12, 8}, three));
  EXPECT_TRUE(by_pixels(Core::kCortexM4, true, {12, 12, 8}, five));
  EXPECT_TRUE(by_pixels(Core::kCortexM33, true, {6, 1, 8}, line));
  EXPECT_FALSE(by_pixels(Core::kCortexM33, false, {6, 1, 8}, line));
  EXPECT_FALSE(by_pixels(Core::kCortexM33, true, {128, 1, 8}, line));
  EXPECT_TRUE(by_pixels(Core::kCortexM4, true, {5, 1, 8}, long_line));
  EXPECT_FALSE(by_pixels(Core::kCortexM4, true, {6, 1, 8}, long_line));
  EXPECT_TRUE(by_pixels(Core::kCortexM55, true, {8, 8, 8}, three));
  EXPECT_FALSE(by_pixels(Core::kCortexM55, true, {16, 1, 8}, line));
  EXPECT_TRUE(by_pixels(Core::kRv32imc, false, {3, 3, 8}, three));
  EXPECT_FALSE(by_pixels(Core::kRv32imc, false, {4, 4, 8}, three));
  EXPECT_TRUE(by_pixels(Core::kCortexM0Plus, false, {11, 11, 8}, five));
  EXPECT_FALSE(by_pixels(Core::kCortexM0Plus, false, {12, 12, 8}, five));
}

TEST(DepthwiseKernels, SmallMapsGoByPixelsForSpeed) {
  Options speed;
  speed.optimize = Optimize::kSpeed;
  const auto count = [&](const target::Target& target, const Options& options) {
    int by_pixels = 0;
    const auto firmware = generate(small_maps(Rounding::kDouble), target, options);
    EXPECT_TRUE(firmware.ok());
    for (const OpInfo& op : firmware->ops) by_pixels += op.kernel == "atml_depthwise_rows" ? 1 : 0;
    return by_pixels;
  };
  target::Target dsp = some_target();
  dsp.dsp = true;
  EXPECT_EQ(count(dsp, speed), 3) << "7 channels are no multiple of 4";
  EXPECT_EQ(count(dsp, {}), 0);
  target::Target m0 = some_target();
  m0.core = target::Core::kCortexM0Plus;
  m0.dsp = m0.fpu = false;
  EXPECT_EQ(count(m0, speed), 0) << "6x6 and more";

  HostProgram program;
  program.target = dsp;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle})
    expect_same_layers({small_maps(rounding)}, program, speed);
  for (const Board& board : kBoards) {
    if (board.core != target::Core::kCortexM4 || !can_emulate(board)) continue;
    expect_same_layers({small_maps(Rounding::kDouble)}, emulated_program(board), speed);
  }
}

// Two branches of chosen scales, added.
quantize::Int8Model sum_of(float scale_1, float scale_2, float out, Rounding rounding) {
  network::Network net(Shape{4, 5, 3});
  const auto add = [&](network::Op op, std::vector<int> inputs) {
    const auto added = net.add(std::move(op), std::move(inputs));
    EXPECT_TRUE(added.ok());
    return *added;
  };
  const int a = add(network::Conv{6, network::Window{}, true}, {0});
  const int b = add(network::Conv{6, network::Window{3, 3}, true}, {0});
  add(network::Add{}, {a, b});
  auto model = quantize::random_model(net, 21);
  const auto& op = model.ops.back();
  const auto scale = [&](int tensor, float value) {
    float& old = model.tensors[static_cast<std::size_t>(tensor)].scale;
    for (const auto& producer : model.ops) {  // keeps its factors
      auto* filter = const_cast<quantize::Filter*>(filter_of(producer));
      if (filter == nullptr || producer.output != tensor) continue;
      for (float& s : filter->scales) s *= value / old;
    }
    old = value;
  };
  scale(op.inputs[0], scale_1);
  scale(op.inputs[1], scale_2);
  scale(op.output, out);
  model.rounding = rounding;
  const Status valid = model.verify();
  EXPECT_TRUE(valid.ok()) << (valid.ok() ? "" : valid.error().message);
  return model;
}

TEST(AddKernels, TheInputAtOneHalfGoesFirst) {
  struct Expected {
    float scale_1, scale_2, out;
    Rounding rounding;
    Kernel kernel;
    bool swapped;
  };
  std::vector<quantize::Int8Model> doubles, singles;
  for (const Expected& e : {
           Expected{0.5f, 0.3f, 0.6f, Rounding::kDouble, Kernel::kAddHalf, false},
           {0.3f, 0.5f, 0.6f, Rounding::kDouble, Kernel::kAddHalf, true},
           {0.5f, 0.5f, 0.9f, Rounding::kDouble, Kernel::kAddHalf, false},
           {0.5f, 1e-7f, 0.6f, Rounding::kDouble, Kernel::kAddHalf, false},
           {0.5f, 0.3f, 1e-6f, Rounding::kDouble, Kernel::kAdd, false},  // the sum is scaled up
           {0.5f, 0.3f, 4e5f, Rounding::kDouble, Kernel::kAdd, false},   // shifted too far
           {0.5f, 0.3f, 0.6f, Rounding::kSingle, Kernel::kAdd, false},
           {0.3f, 0.5f, 0.6f, Rounding::kSingle, Kernel::kAdd, false},
       }) {
    const auto model = sum_of(e.scale_1, e.scale_2, e.out, e.rounding);
    const KernelChoice choice = rounded_add(model, model.ops.back());
    EXPECT_EQ(choice.kernel, e.kernel) << e.scale_1 << " + " << e.scale_2 << " -> " << e.out;
    EXPECT_EQ(choice.swapped, e.swapped) << e.scale_1 << " + " << e.scale_2 << " -> " << e.out;
    (e.rounding == Rounding::kDouble ? doubles : singles).push_back(model);
  }
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  Options options;
  for (const char* kernel : {"atml_add_half", "atml_add"}) {
    options.kernel = kernel;
    expect_same_layers(doubles, program, options);
  }
  expect_same_layers(singles, program, options);
}

TEST(AddKernels, ALinearFormGoesBeforeThemAndSaturatesOnly) {
  for (const Rounding rounding : {Rounding::kDouble, Rounding::kSingle}) {
    auto model = sum_of(0.5f, 0.3f, 0.61f, rounding);
    EXPECT_EQ(choice_of(model).kernel, Kernel::kAddLinear);
    EXPECT_FALSE(choice_of(model).clamp);
    auto& add = std::get<quantize::Add>(model.ops.back().kind);
    add.low = model.output_of(model.ops.back()).zero_point;
    EXPECT_TRUE(choice_of(model).clamp);
    expect_same_layers({model}, {});
    const auto ties = sum_of(0.5f, 0.25f, 1.0f, rounding);
    EXPECT_EQ(choice_of(ties).kernel,
              rounding == Rounding::kDouble ? Kernel::kAddHalf : Kernel::kAddLinear);
    EXPECT_EQ(choose_kernel(ties, ties.ops.back(), true)->kernel, Kernel::kAddLinear)
        << "before training";
    expect_same_layers({ties}, {});
  }
}

}  // namespace
}  // namespace atml::codegen
