#include "quantize/clean_up.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "quantize/random_network.h"

namespace atml::quantize {
namespace {

Filter* filter_of(Op& op) {
  if (auto* c = std::get_if<Conv>(&op.kind)) return &c->filter;
  if (auto* d = std::get_if<Depthwise>(&op.kind)) return &d->filter;
  if (auto* d = std::get_if<Dense>(&op.kind)) return &d->filter;
  return nullptr;
}

// Output channel `o` of a convolution gets zero weights and the given bias.
void kill(Op& op, int o, std::int32_t bias) {
  Filter& f = *filter_of(op);
  const std::size_t outputs = f.bias.size(), inputs = f.weights.size() / outputs;
  const bool last = std::holds_alternative<Depthwise>(op.kind);
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::size_t n = static_cast<std::size_t>(o);
    f.weights[last ? i * outputs + n : n * inputs + i] = 0;
  }
  f.bias[static_cast<std::size_t>(o)] = bias;
}

Int8Model with_dead_channels(Int8Model model, Rng& rng) {
  for (Op& op : model.ops) {
    Filter* f = filter_of(op);
    if (f == nullptr || op.output == model.output) continue;
    for (int o = 0; o < static_cast<int>(f->bias.size()); ++o) {
      if (!rng.chance(0.35)) continue;
      kill(op, o, rng.chance(0.6) ? 0 : rng.integer(-4000, 4000));
    }
  }
  return model;
}

void expect_same_outputs(const Int8Model& a, const Int8Model& b, std::uint64_t seed) {
  constexpr std::size_t kInputs = 4;
  const auto inputs = random_inputs(a, kInputs, seed);
  const std::size_t in = inputs.size() / kInputs;
  const auto out = static_cast<std::size_t>(a.tensor(a.output).shape.elements());
  Interpreter first(a), second(b);
  std::vector<std::int8_t> x(out), y(out);
  ASSERT_EQ(b.tensor(b.output).shape.elements(), static_cast<std::int64_t>(out));
  for (std::size_t i = 0; i < kInputs; ++i) {
    first.run(std::span(inputs).subspan(i * in, in), x);
    second.run(std::span(inputs).subspan(i * in, in), y);
    ASSERT_EQ(x, y) << "model " << seed << ", input " << i;
  }
}

TEST(CleanUp, OutputsOfRandomModelsWithPlantedDeadChannelsAreTheSame) {
  int channels = 0, changed = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Rng rng = Rng::derive(seed, "dead channels");
    Int8Model model = random_model(RandomNetwork(seed).make(), seed);
    if (seed % 4 != 0) model = with_dead_channels(std::move(model), rng);
    if (!model.verify().ok()) continue;
    const CleanUp clean = clean_up(model);
    ASSERT_TRUE(clean.model.verify().ok()) << seed;
    expect_same_outputs(model, clean.model, seed);
    EXPECT_LE(clean.model.macs().value, model.macs().value);
    channels += clean.channels_removed;
    changed += clean.changed() ? 1 : 0;
  }
  EXPECT_GT(channels, 500);
  EXPECT_GT(changed, 200);
}

TEST(CleanUp, ADeadChannelGoesThroughDepthwiseAddAndConcatenation) {
  using namespace network;
  network::Network net(Shape{6, 6, 3});
  const auto add = [&](network::Op op, std::vector<int> inputs) {
    return *net.add(std::move(op), std::move(inputs));
  };
  const int a = add(network::Conv{8, Window{}, true}, {0});
  const int b = add(network::Depthwise{1, Window{3, 3}, true}, {a});
  const int c = add(network::Add{}, {a, b});
  const int d = add(network::Concat{}, {a, c});
  const int e = add(network::Conv{4, Window{3, 3}, true}, {d});
  add(network::Dense{3, true}, {add(network::Flatten{}, {e})});
  Int8Model model = random_model(net, 3);
  // Nobody reads channels 2 and 5 of the first convolution, directly or through what follows it.
  for (quantize::Op& op : model.ops) {
    auto* conv = std::get_if<quantize::Conv>(&op.kind);
    if (conv == nullptr || op.output == model.ops[0].output) continue;
    for (std::size_t i = 0; i < conv->filter.weights.size(); ++i) {
      const std::size_t channel = i % 16 % 8;
      if (channel == 2 || channel == 5) conv->filter.weights[i] = 0;
    }
  }
  const CleanUp clean = clean_up(model);
  expect_same_outputs(model, clean.model, 3);
  EXPECT_EQ(clean.channels_removed, 2 + 2 + 2 + 4);
  EXPECT_EQ(clean.model.tensor(clean.model.ops[0].output).shape.channels, 6);
}

TEST(CleanUp, ALiveModelKeepsItsChannels) {
  network::Network net(Shape{6, 6, 3});
  ASSERT_TRUE(net.add(network::Conv{8, network::Window{3, 3}, true}, {0}).ok());
  ASSERT_TRUE(net.add(network::Conv{4, network::Window{}, true}, {1}).ok());
  const Int8Model model = random_model(net, 1);
  const CleanUp clean = clean_up(model);
  EXPECT_EQ(clean.channels_removed, 0);
  EXPECT_EQ(clean.model.ops.size(), model.ops.size());
}

TEST(CleanUp, PadsClampsTablesAndReshapesMerge) {
  network::Network net(Shape{8, 8, 3});
  network::Window window{3, 3, 2, 2};
  const int conv = *net.add(network::Conv{4, window, true}, {0});
  ASSERT_TRUE(net.add(network::Dense{3, true}, {*net.add(network::Flatten{}, {conv})}).ok());
  const Int8Model plain = random_model(net, 9);
  ASSERT_EQ(plain.ops.size(), 3u);
  Int8Model model = plain;
  // input -> pad -> convolution without padding -> clamp -> clamp -> reshape -> reshape -> dense
  const auto tensor = [&](int like, Shape shape, const char* name) {
    Tensor t = model.tensor(like);
    t.shape = shape;
    t.name = name;
    model.tensors.push_back(t);
    return static_cast<int>(model.tensors.size()) - 1;
  };
  const int after_conv = model.ops[0].output, flat = model.ops[1].output;
  const int padded = tensor(model.input, {9, 9, 3}, "padded");
  const int first = tensor(after_conv, {4, 4, 4}, "first");
  const int second = tensor(after_conv, {4, 4, 4}, "second");
  const int odd = tensor(after_conv, {2, 8, 4}, "odd");
  const auto clamp = [](int low, int high) {
    Table t{"clamp", {}};
    for (int i = -128; i < 128; ++i)
      t.values.push_back(static_cast<std::int8_t>(std::clamp(i, low, high)));
    return t;
  };
  Op valid = model.ops[0], reshape = model.ops[1], dense = model.ops[2];
  std::get<Conv>(valid.kind).window.padding = network::Padding::kValid;
  valid.inputs = {padded};
  reshape.inputs = {odd};
  model.ops = {{"pad", Pad{0, 1, 0, 1, 0, 0}, {model.input}, padded},
               valid,
               {"clamp_1", clamp(-50, 90), {after_conv}, first},
               {"clamp_2", clamp(-60, 70), {first}, second},
               {"odd", Reshape{}, {second}, odd},
               reshape,
               dense};
  ASSERT_EQ(reshape.output, flat);
  ASSERT_TRUE(model.verify().ok()) << model.verify().error().message;
  const CleanUp clean = clean_up(model);
  expect_same_outputs(model, clean.model, 9);
  EXPECT_EQ(clean.operators_removed, 4);
  ASSERT_EQ(clean.model.ops.size(), 3u);
  const auto& merged = std::get<Conv>(clean.model.ops[0].kind);
  EXPECT_EQ(merged.window.padding, network::Padding::kSame);
  EXPECT_EQ(std::pair(merged.low, merged.high), std::pair(-50, 70));
}

TEST(CleanUp, OperatorsAreOrderedForMemory) {
  using namespace network;
  network::Network net(Shape{8, 8, 2});
  const auto add = [&](network::Op op, std::vector<int> inputs) {
    return *net.add(std::move(op), std::move(inputs));
  };
  // Two branches that widen, then shrink: one after the other is better than side by side.
  const int a = add(network::Conv{32, Window{}, true}, {0});
  const int b = add(network::Conv{32, Window{}, true}, {0});
  const int c = add(network::Conv{2, Window{}, true}, {a});
  const int d = add(network::Conv{2, Window{}, true}, {b});
  add(network::Add{}, {c, d});
  const Int8Model model = random_model(net, 2);
  const Int8Model ordered = order_for_memory(model);
  ASSERT_TRUE(ordered.verify().ok());
  expect_same_outputs(model, ordered, 2);
  EXPECT_EQ(ordered.ops[1].inputs[0], ordered.ops[0].output);
}

}  // namespace
}  // namespace atml::quantize
