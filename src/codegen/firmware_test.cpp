#include "codegen/firmware.h"

#include <gtest/gtest.h>

#include <set>

#include "codegen/random_models_test.h"

namespace atml::codegen {
namespace {

using namespace testing;
using quantize::Rounding;

TEST(Firmware, HostCodeGivesEveryLayersBytesUnderSanitizers) {
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  expect_same_layers(random_models(40, 1, Rounding::kDouble), program);
}

TEST(Firmware, SingleRoundingGivesEveryLayersBytes) {
  expect_same_layers(random_models(25, 2000, Rounding::kSingle), {});
}

TEST(Firmware, RandomModelsUseEveryKernelButThoseOfTfliteOnly) {
  std::set<Kernel> seen;
  for (const auto& model : random_models(40, 1, Rounding::kDouble)) {
    for (const auto& op : model.ops) seen.insert(choose_kernel(model, op)->kernel);
  }
  for (const Kernel k :
       {Kernel::kConvPacked, Kernel::kPointwisePacked, Kernel::kDensePacked,
        Kernel::kDepthwisePacked, Kernel::kConvPlain, Kernel::kDepthwisePlain, Kernel::kDensePlain,
        Kernel::kConvNibbles, Kernel::kPointwiseNibbles, Kernel::kDenseNibbles,
        Kernel::kDepthwiseNibbles, Kernel::kMaxPool, Kernel::kAveragePool, Kernel::kGlobalAverage,
        Kernel::kAddLinear, Kernel::kPlace, Kernel::kTable}) {
    EXPECT_TRUE(seen.contains(k)) << function_name(k);
  }
}

TEST(Firmware, TheSameModelGivesTheSameBytes) {
  const auto models = random_models(3, 7, Rounding::kDouble);
  for (const auto& model : models) {
    const auto a = generate(model, some_target(), {}), b = generate(model, some_target(), {});
    ASSERT_TRUE(a.ok() && b.ok());
    ASSERT_EQ(a->files.size(), b->files.size());
    for (std::size_t i = 0; i < a->files.size(); ++i)
      EXPECT_EQ(a->files[i].bytes, b->files[i].bytes) << a->files[i].path;
  }
}

TEST(Firmware, LiveTensorsNeverOverlapUnlessTheKernelAllowsIt) {
  for (const auto& model : random_models(60, 99, Rounding::kDouble)) {
    const auto firmware = generate(model, some_target(), {});
    ASSERT_TRUE(firmware.ok());
    const MemoryPlan& plan = firmware->plan;
    for (const Placement& a : plan.placements) {
      EXPECT_LE(a.offset.value + a.size.value, plan.arena.value);
      for (const Placement& b : plan.placements) {
        const bool together =
            a.first_op < b.last_op && b.first_op < a.last_op;  // for more than the one operator
        const bool overlap = a.offset.value < b.offset.value + b.size.value &&
                             b.offset.value < a.offset.value + a.size.value;
        const bool alias =
            a.offset == b.offset && a.first_op == b.first_op && a.last_op == b.last_op;
        EXPECT_FALSE(together && overlap && !alias)
            << model.tensor(a.tensor).name << " and " << model.tensor(b.tensor).name;
      }
    }
  }
}

TEST(Firmware, ABadPrefixIsRefused) {
  const auto models = random_models(1, 7, Rounding::kDouble);
  Options options;
  options.prefix = "9 lives";
  const auto firmware = generate(models[0], some_target(), options);
  ASSERT_FALSE(firmware.ok());
  EXPECT_EQ(firmware.error().message,
            "prefix '9 lives' is not a C identifier; use letters, digits and _");
}

TEST(Firmware, AKernelTooLargeForTheRuntimeIsRefusedByName) {
  network::Network net(Shape{600, 1, 2});
  network::Window window;
  window.kernel_h = 301;
  window.padding = network::Padding::kValid;
  ASSERT_TRUE(net.add(network::Depthwise{1, window, true}, {0}, "wide").ok());
  const auto firmware = generate(quantize::structure_model(net), some_target(), {});
  ASSERT_FALSE(firmware.ok());
  EXPECT_EQ(firmware.error().message,
            "operator 0 'wide' (depthwise): a kernel, stride, dilation or padding of 301 is above "
            "the runtime's 255");
}

TEST(Firmware, CommentsCannotEndTheComment) {
  auto models = random_models(1, 7, Rounding::kDouble);
  Options options;
  options.provenance = "evil */ int x; /* text";
  const auto firmware = generate(models[0], some_target(), options);
  ASSERT_TRUE(firmware.ok());
  EXPECT_EQ(firmware->find("model.h")->bytes.find("evil */"), std::string::npos);
}

}  // namespace
}  // namespace atml::codegen
