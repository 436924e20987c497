// Small cases worked out by hand, and what verify() refuses.
#include <gtest/gtest.h>

#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "quantize/random_network.h"

namespace atml::quantize {
namespace {

using Bytes8 = std::vector<std::int8_t>;

// One operator from tensor 0 (and 1) to the last.
struct Case {
  std::vector<Tensor> tensors;
  OpKind kind;
  std::vector<int> inputs{0};

  Int8Model model() const {
    Int8Model m{"case", tensors, {}, 0, static_cast<int>(tensors.size()) - 1, Rounding::kDouble};
    m.ops.push_back({"op", kind, inputs, m.output});
    return m;
  }
  Bytes8 run(const std::vector<Bytes8>& in) const {
    const Int8Model m = model();
    std::vector<const std::int8_t*> pointers;
    for (const auto& bytes : in) pointers.push_back(bytes.data());
    Bytes8 out(static_cast<std::size_t>(tensors.back().shape.elements()));
    run_op(m, m.ops[0], pointers, out.data());
    return out;
  }
};

network::Window window(int kernel, int stride, network::Padding padding = network::Padding::kSame) {
  return {kernel, kernel, stride, stride, 1, 1, padding};
}

TEST(Interpreter, ConvolutionByHand) {
  // 2x2 input, 2x2 kernel, same padding: the odd zeros go to the bottom and right. x - zp = 1, 2,
  // 3, 4.
  const Case c{{{"x", {2, 2, 1}, 0.5f, 10}, {"y", {2, 2, 1}, 1.0f, -5}},
               Conv{window(2, 1), Filter{{1, 2, 3, 4}, {6}, {1.0f}, 8}, -128, 127}};
  ASSERT_TRUE(c.model().verify().ok()) << c.model().verify().error().message;
  // Accumulators: 1+4+9+16+6 = 36, 2+12+6 = 20, 3+8+6 = 17, 4+6 = 10; halved; -5. 17/2 = 8.5 rounds
  // to 9.
  EXPECT_EQ(c.run({{11, 12, 13, 14}}), (Bytes8{13, 5, 4, 0}));
}

TEST(Interpreter, FusedRangeAndChannelScales) {
  const Case c{{{"x", {1, 1, 2}, 1.0f, 0}, {"y", {1, 1, 2}, 1.0f, -128}},
               Conv{window(1, 1), Filter{{1, 1, 1, -1}, {0, 0}, {1.0f, 0.25f}, 8}, -128, -100}};
  ASSERT_TRUE(c.model().verify().ok());
  EXPECT_EQ(c.run({{20, 21}}), (Bytes8{-100, -128}));  // 41 - 128 clamped; -1 / 4 = 0 - 128
  EXPECT_EQ(c.run({{12, 2}}), (Bytes8{-114, -125}));   // 14; 10 / 4 = 2.5 -> 3
}

TEST(Interpreter, DepthwiseMultiplierReadsChannelByQuotient) {
  const Case c{
      {{"x", {1, 1, 2}, 1.0f, 0}, {"y", {1, 1, 4}, 1.0f, 0}},
      Depthwise{window(1, 1), 2, Filter{{1, 2, 3, 4}, {0, 0, 0, 100}, {1, 1, 1, 1}, 8}, -128, 127}};
  ASSERT_TRUE(c.model().verify().ok());
  EXPECT_EQ(c.run({{5, -7}}), (Bytes8{5, 10, -21, 72}));
}

TEST(Interpreter, DenseReadsInHwcOrder) {
  const Case c{{{"x", {2, 1, 2}, 1.0f, 1}, {"y", {1, 1, 2}, 1.0f, 0}},
               Dense{Filter{{1, 10, 2, 20, 0, 0, 0, 1}, {0, -3}, {1, 1}, 8}, -128, 127}};
  ASSERT_TRUE(c.model().verify().ok());
  EXPECT_EQ(c.run({{2, 3, 4, 2}}), (Bytes8{1 + 20 + 6 + 20, -2}));
}

TEST(Interpreter, PoolsLeavePaddingOut) {
  const Tensor x{"x", {3, 1, 1}, 1.0f, 0};
  const Case average{{x, {"y", {2, 1, 1}, 1.0f, 0}},
                     AveragePool{{2, 1, 2, 1, 1, 1, network::Padding::kSame}, -128, 127}};
  ASSERT_TRUE(average.model().verify().ok());
  EXPECT_EQ(average.run({{3, 4, -9}}), (Bytes8{4, -9}));  // 3.5 rounds away; the last alone
  EXPECT_EQ(average.run({{-3, -4, 9}}), (Bytes8{-4, 9}));
  const Case most{{x, {"y", {2, 1, 1}, 1.0f, 0}},
                  MaxPool{{2, 1, 2, 1, 1, 1, network::Padding::kSame}, -128, 50}};
  EXPECT_EQ(most.run({{-3, -4, 90}}), (Bytes8{-3, 50}));
}

TEST(Interpreter, MeanAddMulPadConcatTable) {
  const Case mean{{{"x", {2, 1, 2}, 0.5f, 2}, {"y", {1, 1, 2}, 0.25f, -1}}, Mean{}};
  EXPECT_EQ(mean.run({{4, 2, 8, 3}}), (Bytes8{7, 0}));  // (2 + 6) / 2 x 2 - 1; (0 + 1) / 2 x 2 - 1
  const Case add{{{"x", {1, 1, 2}, 0.5f, 0}, {"z", {1, 1, 2}, 0.25f, 4}, {"y", {1, 1, 2}, 0.5f, 1}},
                 Add{-128, 127},
                 {0, 1}};
  EXPECT_EQ(add.run({{10, -100}, {8, -96}}),
            (Bytes8{13, -128}));  // 5 + 1 = 6 = 12 halves; saturates
  const Case mul{{{"x", {1, 2, 1}, 0.5f, 0}, {"z", {1, 1, 1}, 0.5f, 1}, {"y", {1, 2, 1}, 0.5f, 0}},
                 Mul{-128, 127},
                 {0, 1}};
  EXPECT_EQ(mul.run({{10, -7}, {4}}),
            (Bytes8{15, -10}));  // x 3 / 2: 15; -10.5 in the first rounding: up
  const Case pad{{{"x", {1, 1, 1}, 1.0f, 9}, {"y", {2, 1, 2}, 1.0f, 9}}, Pad{1, 0, 0, 0, 0, 1}};
  ASSERT_TRUE(pad.model().verify().ok());
  EXPECT_EQ(pad.run({{3}}), (Bytes8{9, 9, 3, 9}));
  const Case concat{
      {{"x", {2, 1, 1}, 1.0f, 0}, {"z", {2, 1, 1}, 2.0f, 1}, {"y", {2, 1, 2}, 1.0f, 0}},
      Concat{},
      {0, 1}};
  EXPECT_EQ(concat.run({{1, 2}, {3, 127}}), (Bytes8{1, 4, 2, 127}));
}

Int8Model good_model() { return random_model(RandomNetwork(3).make(), 3); }

TEST(Verify, RefusesWhatCannotRun) {
  ASSERT_TRUE(good_model().verify().ok());
  const auto refused = [](auto&& change) {
    Int8Model m = good_model();
    change(m);
    return !m.verify().ok();
  };
  EXPECT_TRUE(refused([](Int8Model& m) { m.name = "two words"; }));
  EXPECT_TRUE(refused([](Int8Model& m) { m.ops.clear(); }));
  EXPECT_TRUE(refused([](Int8Model& m) { m.tensors[0].scale = 0; }));
  EXPECT_TRUE(refused([](Int8Model& m) { m.tensors[0].zero_point = 200; }));
  EXPECT_TRUE(refused([](Int8Model& m) { m.ops.back().output = 0; }));
  EXPECT_TRUE(refused([](Int8Model& m) { m.ops.back().inputs = {99}; }));
  EXPECT_TRUE(refused([](Int8Model& m) { m.ops.back().name = "3d"; }));
  EXPECT_TRUE(
      refused([](Int8Model& m) { std::get<Dense>(m.ops.back().kind).filter.weights.pop_back(); }));
  EXPECT_TRUE(
      refused([](Int8Model& m) { std::get<Dense>(m.ops.back().kind).filter.weights[0] = -128; }));
  EXPECT_TRUE(refused(
      [](Int8Model& m) { std::get<Dense>(m.ops.back().kind).filter.bias[0] = 0x7fffffff; }));
  EXPECT_TRUE(refused([](Int8Model& m) { std::get<Dense>(m.ops.back().kind).low = 128; }));
  EXPECT_TRUE(refused([](Int8Model& m) { m.tensors.push_back(m.tensors[0]); }));
}

TEST(Verify, NamesTheAccumulatorThatOverflows) {
  Case c{{{"x", {1, 1, 1}, 1.0f, 0}, {"y", {1, 1, 1}, 1.0f, 0}},
         Dense{Filter{{127}, {0x7fffffff - 127 * 128}, {0.25f}, 8}, -128, 127}};
  EXPECT_TRUE(c.model().verify().ok());
  ++std::get<Dense>(c.kind).filter.bias[0];
  const Status status = c.model().verify();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message,
            "operator 0 'op' (dense): the accumulator of channel 0 may reach 2147483648, which "
            "overflows 32 bits");
}

}  // namespace
}  // namespace atml::quantize
