// Depthwise windows of one row or column (sensor windows, temporal networks) on this computer and
// on the cores; in all builds: line_builds_test.cpp.
#include <gtest/gtest.h>

#include "codegen/chain_models_test.h"
#include "codegen/emulated_program_test.h"
#include "codegen/line_models_test.h"
#include "codegen/lowering.h"
#include "codegen/overlap.h"

namespace atml::codegen {
namespace {

using namespace testing;
using quantize::Rounding;

KernelChoice choice_of(const quantize::Int8Model& model) {
  return *choose_kernel(model, model.ops[0]);
}

TEST(Line, HostCodeGivesEveryLayersBytesUnderSanitizers) {
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  expect_same_layers(line_models(1, Rounding::kDouble, 0, 2), program);
  program.flags.emplace_back("-DATML_PARTIAL_PRODUCTS=1");
  expect_same_layers(line_models(1, Rounding::kSingle, 1, 2), program);
}

class EmulatedLine : public ::testing::TestWithParam<Board> {};

TEST_P(EmulatedLine, GivesEveryLayersBytes) {
  if (!can_emulate(GetParam())) GTEST_SKIP() << kEmulationNeeds;
  const auto seed = 100 + static_cast<std::uint64_t>(GetParam().core);
  const HostProgram program = emulated_program(GetParam());
  expect_same_layers(line_models(seed, Rounding::kDouble, 0, 3), program);
  expect_same_layers(line_models(seed, Rounding::kSingle, 1, 7), program);
  expect_same_layers(line_models(seed, Rounding::kDouble, 2, 7), program, streamed());
}

INSTANTIATE_TEST_SUITE_P(Cores, EmulatedLine, ::testing::ValuesIn(kBoards),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Line, RowsAndColumnsOfTapsTakeIt) {
  for (const bool column : {true, false}) {
    for (const int taps : {2, 9, 31}) {
      const auto model = quantize::random_model(network_of({{taps, 1, 40, 1, 8, column, true}}), 1);
      EXPECT_EQ(choice_of(model).kernel, Kernel::kDepthwiseLine);
      EXPECT_EQ(choice_of(model).transposed, column);
    }
  }
}

// More than the ring's eight rows across the longer side.
TEST(Line, TapsAlongTheShorterSideToo) {
  const auto model = quantize::random_model(network_of({{12, 1, 14, 20, 3, true, true}}), 1);
  EXPECT_EQ(choice_of(model).kernel, Kernel::kDepthwiseLine);
  EXPECT_EQ(ring_kernel(model, model.ops[0], choice_of(model)).kernel, Kernel::kNone);
  expect_same_layers({model}, {});
}

TEST(Line, IsComputedInPlaceAlsoWhereItBecomesShorter) {
  const auto rule = [](const Line& line) {
    const auto model = quantize::random_model(network_of({line}), 1);
    return overlap_rule(model, model.ops[0], choice_of(model), 0).kind;
  };
  EXPECT_EQ(rule({9, 1, 30, 1, 8}), Overlap::Kind::kExact);
  EXPECT_EQ(rule({9, 2, 30, 1, 8}), Overlap::Kind::kExact);
  EXPECT_EQ(rule({9, 1, 30, 3, 8}), Overlap::Kind::kExact);
  EXPECT_EQ(rule({9, 2, 30, 3, 8}), Overlap::Kind::kNever);
  const auto model = quantize::random_model(network_of({{9, 2, 30, 1, 8}, {5, 3, 30, 1, 8}}), 1);
  EXPECT_LT(generate(model, some_target(), {})->plan.arena.value,
            30 * 8 + 15 * 8 + choice_of(model).scratch);
  expect_same_layers({model}, {});
}

// The ring's code is there once a layer needs it.
TEST(Line, SharesTheRingOfOtherLayersInBuildsForSize) {
  const auto count = [](const quantize::Int8Model& model, Optimize optimize) {
    const auto choices = *choose_kernels(model, some_target(), optimize);
    return std::ranges::count_if(
        choices, [](const KernelChoice& c) { return c.kernel == Kernel::kDepthwiseLine; });
  };
  network::Network net(Shape{20, 6, 8});
  *net.add(network::Depthwise{1, network::Window{3, 3}, true}, {0});
  *net.add(network::Depthwise{1, network::Window{5, 1}, true}, {1});
  const auto mixed = quantize::random_model(net, 1);
  EXPECT_EQ(count(mixed, Optimize::kBalanced), 1);
  EXPECT_EQ(count(mixed, Optimize::kSize), 0);
  const auto lines = quantize::random_model(network_of({{5, 1, 20, 1, 8}}), 1);
  EXPECT_EQ(count(lines, Optimize::kSize), 1);
}

}  // namespace
}  // namespace atml::codegen
