// The sizes without a compiler against linked and emulated firmware. A failure of the upper bounds
// below means that codegen/size_table.inc is stale: bench/README.md says how it is made.
#include "codegen/size_table.h"

#include <gtest/gtest.h>

#include "deploy/analytic.h"
#include "deploy/builtin.h"
#include "quantize/quantize.h"

namespace atml::deploy {
namespace {

using codegen::Optimize;
using codegen::Streaming;

// Convolutions with a residual connection, pools, a depthwise layer, two dense ones.
quantize::Int8Model network(int channels, bool flat) {
  network::Network net(flat ? Shape{48, 1, 6} : Shape{14, 14, 3});
  int last = 0;
  const auto add = [&](network::Op op, std::vector<int> inputs) {
    const auto added = net.add(std::move(op), std::move(inputs));
    EXPECT_TRUE(added.ok());
    last = *added;
  };
  network::Window wide;
  wide.kernel_h = 3;
  wide.kernel_w = flat ? 1 : 3;
  network::Window pool = wide;
  pool.kernel_h = pool.stride_h = 2;
  pool.kernel_w = pool.stride_w = flat ? 1 : 2;
  add(network::Conv{channels, wide, true}, {last});
  add(network::Activate{network::Activation::kRelu}, {last});
  const int before = last;
  add(network::Conv{channels, network::Window{}, true}, {last});
  add(network::Add{}, {before, last});
  add(network::MaxPool{pool}, {last});
  add(network::Depthwise{1, wide, true}, {last});
  add(network::Conv{2 * channels, network::Window{}, true}, {last});
  add(network::GlobalAveragePool{}, {last});
  add(network::Flatten{}, {last});
  add(network::Dense{12, true}, {last});
  add(network::Dense{5, true}, {last});
  return quantize::random_model(net, 3);
}

target::Target part(target::Core core, bool dsp) {
  target::Target t;
  t.name = "part";
  t.core = core;
  t.dsp = t.fpu = dsp;
  t.clock_hz = 1e8;
  t.flash = {0x08000000u, Bytes(1 << 20)};
  t.ram = {0x20000000u, Bytes(256 << 10)};
  t.cost = target::default_cost(core);
  return t;
}

void expect_close_from_below(const target::Target& target, Optimize optimize, Streaming streaming) {
  const auto oracle =
      BuiltinOracle::create({.optimize = optimize, .streaming = streaming, .full_figures = true});
  ASSERT_TRUE(oracle.ok()) << oracle.error().message;
  codegen::Options options;
  options.optimize = optimize;
  options.streaming = streaming;
  for (const auto& model : {network(8, false), network(16, true)}) {
    const auto real = (*oracle)->check(model, target, target::full_limits(target), StopToken());
    ASSERT_TRUE(real.ok()) << real.error().message;
    ASSERT_TRUE(real->computable) << real->reason;
    const codegen::Estimate e = codegen::estimate(model, target, options);
    const std::string where = std::string(target::to_string(target.core)) + " " +
                              std::string(codegen::to_string(optimize));
    EXPECT_EQ(e.arena, real->arena) << where;
    EXPECT_LE(e.flash, real->flash) << where;
    EXPECT_LE(e.ram, real->ram) << where;
    EXPECT_GE(e.flash.value, real->flash.value - (streaming == Streaming::kOn ? 700 : 250))
        << where;
    EXPECT_GE(e.ram.value, real->ram.value - 100) << where;
  }
}

TEST(SizeTable, TheEstimateIsACloseBoundFromBelow) {
  expect_close_from_below(part(target::Core::kCortexM4, true), Optimize::kBalanced,
                          Streaming::kAuto);
  expect_close_from_below(part(target::Core::kCortexM0Plus, false), Optimize::kSize,
                          Streaming::kAuto);
  expect_close_from_below(part(target::Core::kCortexM7, true), Optimize::kSpeed, Streaming::kAuto);
  expect_close_from_below(part(target::Core::kCortexM33, true), Optimize::kBalanced,
                          Streaming::kOn);
}

TEST(SizeTable, EveryEmulatedCoreHasAllItsVariants) {
  for (const auto core : {target::Core::kCortexM0, target::Core::kCortexM0Plus,
                          target::Core::kCortexM3, target::Core::kCortexM4, target::Core::kCortexM7,
                          target::Core::kCortexM33, target::Core::kCortexM55}) {
    const bool dsp = core != target::Core::kCortexM0 && core != target::Core::kCortexM0Plus &&
                     core != target::Core::kCortexM3;
    for (const auto optimize : {Optimize::kSpeed, Optimize::kBalanced, Optimize::kSize}) {
      for (const auto rounding : {quantize::Rounding::kDouble, quantize::Rounding::kSingle}) {
        const auto* sizes = codegen::find_sizes(part(core, dsp), optimize, rounding);
        ASSERT_NE(sizes, nullptr) << target::to_string(core) << codegen::to_string(optimize);
        EXPECT_NE(codegen::find_kernel(*sizes, "atml_conv_packed"), nullptr);
      }
    }
  }
}

// What was never measured is bounded by what is certain: constants and the arena.
TEST(SizeTable, AnUnknownCoreHasTheBoundsThatAreCertain) {
  const auto model = network(8, false);
  const auto known = codegen::estimate(model, part(target::Core::kCortexM4, true), {});
  const auto unknown = codegen::estimate(model, part(target::Core::kCortexM4, false), {});
  EXPECT_EQ(unknown.arena, known.arena);
  EXPECT_EQ(unknown.ram, unknown.arena);
  EXPECT_LT(unknown.flash, known.flash);
  EXPECT_GT(unknown.flash.value, 0);
}

}  // namespace
}  // namespace atml::deploy
