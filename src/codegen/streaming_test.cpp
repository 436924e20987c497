#include "codegen/streaming.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "codegen/chain_models_test.h"
#include "codegen/lowering.h"

namespace atml::codegen {
namespace {

using namespace testing;
using quantize::Rounding;

TEST(Streaming, PackedFourBitWeightsAreExactToo) {
  using namespace network;
  Network net(Shape{12, 11, 4});
  int last = *net.add(Conv{8, Window{3, 3}, true, 4}, {0});
  last = *net.add(Conv{9, Window{}, true, 4}, {last});
  last = *net.add(Depthwise{1, Window{3, 3}, true, 4}, {last});
  last = *net.add(Conv{5, Window{}, true, 4}, {last});
  last = *net.add(Conv{6, Window{3, 3, 2, 2}, true, 4}, {last});
  last = *net.add(GlobalAveragePool{}, {last});
  last = *net.add(Dense{4, true, 4}, {last});
  for (const Rounding rounding : {Rounding::kDouble, Rounding::kSingle}) {
    auto model = quantize::random_model(net, 8);
    model.rounding = rounding;
    const auto lowered = lower(model, some_target(), streamed());
    ASSERT_TRUE(lowered.ok());
    std::set<Kernel> seen;
    for (const Step& step : lowered->steps) {
      if (step.streamed) seen.insert(step.choice.kernel);
    }
    EXPECT_FALSE(seen.contains(Kernel::kDepthwiseNibbles));
    expect_same_layers({model}, {}, streamed());
  }
}

TEST(Streaming, EveryLayersBytesAreThoseOfTheInterpreterUnderSanitizers) {
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  expect_same_layers(chain_models(40, 77, Rounding::kDouble), program, streamed());
  expect_same_layers(random_models(20, 3, Rounding::kDouble), program, streamed());
}

TEST(Streaming, SingleRoundingGivesEveryLayersBytes) {
  expect_same_layers(chain_models(20, 900, Rounding::kSingle), {}, streamed());
}

TEST(Streaming, TheRandomChainsStreamEveryKernelThatCan) {
  std::set<Kernel> seen;
  int groups = 0;
  for (const auto& model : chain_models(80, 77, Rounding::kDouble)) {
    const auto lowered = lower(model, some_target(), streamed());
    ASSERT_TRUE(lowered.ok());
    groups += static_cast<int>(lowered->memory.groups.size());
    for (const Step& step : lowered->steps) {
      if (step.streamed) seen.insert(step.choice.kernel);
    }
  }
  EXPECT_GE(groups, 20);
  for (const Kernel k :
       {Kernel::kConvPacked, Kernel::kPointwisePacked, Kernel::kConvPlain, Kernel::kDepthwiseRows,
        Kernel::kDepthwisePlain, Kernel::kMaxPool, Kernel::kAveragePool, Kernel::kAddLinear,
        Kernel::kPlace, Kernel::kTable, Kernel::kSumRow}) {
    EXPECT_TRUE(seen.contains(k)) << function_name(k);
  }
}

// Independent of the planner: every partition of the execution order into single operators and
// streamed groups, built here.
std::pair<std::int64_t, std::int64_t> best_by_enumeration(const quantize::Int8Model& model,
                                                          const std::vector<KernelChoice>& choices,
                                                          std::int64_t limit) {
  const int count = static_cast<int>(model.ops.size());
  std::int64_t smallest = plan_arena(model, choices).plan.arena.value, cheapest = -1;
  for (unsigned joins = 0; joins < 1u << (count - 1); ++joins) {  // bit i joins i and i + 1
    std::vector<StreamGroup> groups;
    bool valid = true;
    for (int i = 0; i < count;) {
      int j = i;
      while (j + 1 < count && (joins >> j & 1u) != 0) ++j;
      StreamGroup group;
      if (j > i) {
        valid = valid && make_group(model, choices, i, j, group);
        groups.push_back(group);
      }
      i = j + 1;
    }
    if (!valid) continue;
    const std::int64_t arena = plan_arena(model, choices, groups).plan.arena.value;
    const std::int64_t price = streaming_price(model, groups);
    smallest = std::min(smallest, arena);
    if (arena <= limit && (cheapest < 0 || price < cheapest)) cheapest = price;
  }
  return {smallest, cheapest};
}

TEST(Streaming, PlansOfSmallGraphsAreOptimal) {
  int streamed_plans = 0, compared = 0;
  for (const auto& model : chain_models(40, 5000, Rounding::kDouble)) {
    if (static_cast<int>(model.ops.size()) > kExactOperators) continue;
    const auto choices = choose_kernels(model);
    ASSERT_TRUE(choices.ok());
    const auto plan = choose_plan(model, *choices, {Streaming::kOn, Bytes(0)});
    const std::int64_t whole = plan_arena(model, *choices).plan.arena.value;
    const std::int64_t limit = (whole + plan.plan.arena.value) / 2;
    const auto [smallest, cheapest] = best_by_enumeration(model, *choices, limit);
    EXPECT_EQ(plan.plan.arena.value, smallest);
    const auto automatic = choose_plan(model, *choices, {Streaming::kAuto, Bytes(limit)});
    EXPECT_LE(automatic.plan.arena.value, limit);
    EXPECT_EQ(streaming_price(model, automatic.groups), cheapest);
    streamed_plans += plan.groups.empty() ? 0 : 1;
    ++compared;
  }
  EXPECT_GE(compared, 10);
  EXPECT_GE(streamed_plans, 5);
}

TEST(Streaming, PlansOfLargerGraphsComeNearTheOptimum) {
  double worst = 1, sum = 0;
  int compared = 0;
  for (const auto& model : chain_models(60, 8000, Rounding::kDouble)) {
    const int count = static_cast<int>(model.ops.size());
    if (count <= kExactOperators || count > 11) continue;
    const auto choices = choose_kernels(model);
    const auto plan = choose_plan(model, *choices, {Streaming::kOn, Bytes(0)});
    const auto [smallest, cheapest] = best_by_enumeration(model, *choices, 0);
    const double ratio = static_cast<double>(plan.plan.arena.value) / static_cast<double>(smallest);
    worst = std::max(worst, ratio);
    sum += ratio;
    ++compared;
  }
  EXPECT_GE(compared, 10);
  EXPECT_LT(worst, 1.2);  // arenas of a few hundred bytes: one block more is 10 %
  EXPECT_LT(sum / compared, 1.02);
}

TEST(Streaming, AutomaticStreamsOnlyWhereTheLimitAsksForIt) {
  const auto models = chain_models(10, 77, Rounding::kDouble);
  for (const auto& model : models) {
    const auto choices = choose_kernels(model);
    const Bytes whole = plan_arena(model, *choices).plan.arena;
    EXPECT_TRUE(choose_plan(model, *choices, {Streaming::kAuto, whole}).groups.empty());
    EXPECT_TRUE(choose_plan(model, *choices, {Streaming::kOff, Bytes(1)}).groups.empty());
    EXPECT_LE(choose_plan(model, *choices, {Streaming::kAuto, Bytes(1)}).plan.arena.value,
              whole.value);
  }
}

// Big activations early and many multiply-accumulates: rows cost a small share of the run.
TEST(Streaming, AMuchSmallerArenaIsTakenUnaskedWhereItIsNearlyFree) {
  network::Network net(Shape{32, 32, 3});
  ASSERT_TRUE(net.add(network::Conv{16, network::Window{3, 3}, true}, {0}).ok());
  ASSERT_TRUE(net.add(network::Conv{16, network::Window{3, 3}, true}, {1}).ok());
  ASSERT_TRUE(net.add(network::Conv{16, network::Window{3, 3, 2, 2}, true}, {2}).ok());
  ASSERT_TRUE(net.add(network::GlobalAveragePool{}, {3}).ok());
  ASSERT_TRUE(net.add(network::Dense{10, true}, {4}).ok());
  const auto model = quantize::random_model(net, 1);
  Options options;
  const auto arena = [&] { return plan_memory(model, some_target(), options).arena.value; };
  const std::int64_t balanced = arena();
  EXPECT_FALSE(plan_memory(model, some_target(), options).groups.empty());
  options.streaming = Streaming::kOff;
  const std::int64_t whole = arena();
  EXPECT_LE(balanced, whole * 3 / 4);
  EXPECT_LE(balanced, whole - kWorthStreaming.value);
  for (const Optimize optimize : {Optimize::kSpeed, Optimize::kSize}) {
    options.streaming = Streaming::kAuto;
    options.optimize = optimize;
    EXPECT_EQ(arena(), whole) << to_string(optimize);
  }
}

TEST(Streaming, AKernelAndItsRowFormHaveOneLineBufferOfItsWindow) {
  network::Network net(Shape{32, 4, 3});
  ASSERT_TRUE(net.add(network::Conv{8, network::Window{}, true}, {0}).ok());
  network::Window window{5, 3};
  window.dilation_h = 2;
  ASSERT_TRUE(net.add(network::Conv{2, window, true}, {1}).ok());
  const auto model = quantize::random_model(net, 1);
  const auto choices = choose_kernels(model);
  StreamGroup group;
  ASSERT_TRUE(make_group(model, *choices, 0, 1, group));
  ASSERT_EQ(group.buffers.size(), 3u);
  EXPECT_TRUE(group.buffers[1].line);
  EXPECT_EQ(group.buffers[1].capacity, 9);  // 5 taps, every second row
  EXPECT_EQ(group.buffers[1].row_bytes, 32);
}

}  // namespace
}  // namespace atml::codegen
