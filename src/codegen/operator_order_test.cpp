// The order of operators against every permutation that the graph allows, and through generate().
#include "codegen/operator_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "codegen/chain_models_test.h"
#include "codegen/lowering.h"

namespace atml::codegen {
namespace {

using namespace testing;

// Two to four branches of one or two convolutions from tensors seen before, joined by additions.
quantize::Int8Model branching_model(std::uint64_t seed) {
  using namespace network;
  Rng rng(seed);
  Network net(Shape{6, 6, 4});
  const int start = *net.add(Conv{static_cast<int>(2 + rng.below(10)), Window{3, 3}, true}, {0});
  std::vector<int> ends;
  const int branches = static_cast<int>(2 + rng.below(2));
  for (int b = 0; b < branches; ++b) {
    int last = rng.chance(0.7) ? start : 0;
    if (rng.chance(0.6))
      last = *net.add(Conv{static_cast<int>(1 + rng.below(24)), Window{}, true}, {last});
    ends.push_back(*net.add(Conv{5, rng.chance(0.5) ? Window{} : Window{3, 3}, true}, {last}));
  }
  int joined = ends[0];
  for (std::size_t b = 1; b < ends.size(); ++b) joined = *net.add(Add{}, {joined, ends[b]});
  (void)*net.add(GlobalAveragePool{}, {joined});
  return quantize::random_model(net, seed);
}

bool runs(const quantize::Int8Model& model, const std::vector<int>& order) {
  std::vector<bool> there(model.tensors.size(), false);
  there[static_cast<std::size_t>(model.input)] = true;
  for (const int i : order) {
    const quantize::Op& op = model.ops[static_cast<std::size_t>(i)];
    for (const int t : op.inputs) {
      if (!there[static_cast<std::size_t>(t)]) return false;
    }
    there[static_cast<std::size_t>(op.output)] = true;
  }
  return true;
}

struct Best {
  std::int64_t whole = -1, streamed = -1;
  int orders = 0;
};

// Independent of operator_orders(): all permutations.
Best best_of_permutations(const quantize::Int8Model& model,
                          const std::vector<KernelChoice>& choices) {
  Best best;
  std::vector<int> order(model.ops.size());
  std::iota(order.begin(), order.end(), 0);
  const auto keep = [](std::int64_t& least, std::int64_t arena) {
    if (least < 0 || arena < least) least = arena;
  };
  do {
    if (!runs(model, order)) continue;
    ++best.orders;
    quantize::Int8Model other = model;
    std::vector<KernelChoice> kernels;
    for (std::size_t i = 0; i < order.size(); ++i) {
      other.ops[i] = model.ops[static_cast<std::size_t>(order[i])];
      kernels.push_back(choices[static_cast<std::size_t>(order[i])]);
    }
    keep(best.whole, plan_arena(other, kernels).plan.arena.value);
    if (best.orders <= kMostOrders)
      keep(best.streamed, choose_plan(other, kernels, {Streaming::kOn, Bytes(0)}).plan.arena.value);
  } while (std::ranges::next_permutation(order).found);
  return best;
}

TEST(OperatorOrder, SmallBranchingGraphsGetTheBestOfAllPermutations) {
  int compared = 0, gained = 0;
  for (std::uint64_t seed = 1; compared < 12 && seed < 100; ++seed) {
    const auto model = branching_model(seed);
    if (model.ops.size() > 8) continue;
    const auto choices = choose_kernels(model);
    ASSERT_TRUE(choices.ok());
    const Best best = best_of_permutations(model, *choices);
    if (best.orders < 2 || best.orders > kMostOrders) continue;
    EXPECT_EQ(static_cast<int>(operator_orders(model).size()), best.orders);
    const auto whole = choose_order(model, *choices, {Streaming::kOff, Bytes(0)});
    EXPECT_EQ(whole.memory.plan.arena.value, best.whole) << seed;
    const auto streamed = choose_order(model, *choices, {Streaming::kOn, Bytes(0)});
    EXPECT_EQ(streamed.memory.plan.arena.value, best.streamed) << seed;
    if (best.whole < plan_arena(model, *choices).plan.arena.value) ++gained;
    ++compared;
  }
  EXPECT_GE(compared, 12);
  EXPECT_GE(gained, 2);  // or the order would not matter and nothing was tested
}

TEST(OperatorOrder, GenerateRunsTheOrderAndEveryLayersBytesAreThoseOfTheInterpreter) {
  std::vector<quantize::Int8Model> models;
  int reordered = 0;
  for (std::uint64_t seed = 1; models.size() < 12; ++seed) {
    models.push_back(branching_model(seed));
    Options options;
    options.streaming = Streaming::kOff;
    const auto firmware = generate(models.back(), some_target(), options);
    ASSERT_TRUE(firmware.ok());
    if (!std::ranges::is_sorted(firmware->plan.order)) ++reordered;
    for (std::size_t i = 0; i < firmware->ops.size(); ++i) {
      EXPECT_EQ(firmware->ops[i].op, firmware->plan.order[i]);
      const auto& op = models.back().ops[static_cast<std::size_t>(firmware->ops[i].op)];
      EXPECT_EQ(firmware->ops[i].name, op.name);
    }
  }
  EXPECT_GE(reordered, 2);
  expect_same_layers(models, {}, {});
  expect_same_layers(models, {}, streamed());
}

TEST(OperatorOrder, AChainHasOneOrder) {
  const auto models = chain_models(3, 77, quantize::Rounding::kDouble);
  for (const auto& model : models) {
    const auto orders = operator_orders(model);
    EXPECT_TRUE(std::ranges::is_sorted(orders[0]));
  }
}

}  // namespace
}  // namespace atml::codegen
