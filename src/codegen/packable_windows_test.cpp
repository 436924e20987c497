// Windows in other forms: the same bytes, by a packed kernel.
#include "codegen/packable_windows.h"

#include <gtest/gtest.h>

#include "codegen/emulated_program_test.h"
#include "codegen/lowering.h"
#include "codegen/packable.h"
#include "codegen/random_models_test.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"

namespace atml::codegen {
namespace {

using namespace testing;
using network::Padding;
using network::Window;
using quantize::Int8Model;

Int8Model one_layer(const Shape& in, network::Op op, std::uint64_t seed = 21) {
  network::Network net(in);
  EXPECT_TRUE(net.add(std::move(op), {0}).ok());
  return quantize::random_model(net, seed);
}

Window window(int h, int w, int stride, int dilation_h, int dilation_w, Padding padding) {
  return {h, w, stride, stride, dilation_h, dilation_w, padding};
}

// Whatever the form, the interpreter computes the same from it.
void expect_same_outputs(const Int8Model& given, const Int8Model& other) {
  EXPECT_TRUE(other.verify().ok());
  const auto outputs = [&](const Int8Model& model) {
    const auto in = quantize::random_inputs(model, 4, 3);
    const auto size = static_cast<std::size_t>(model.tensor(model.input).shape.elements());
    std::vector<std::int8_t> out(
        static_cast<std::size_t>(4 * model.tensor(model.output).shape.elements()));
    quantize::Interpreter interpreter(model);
    for (std::size_t i = 0; i < 4; ++i)
      interpreter.run(std::span(in).subspan(i * size, size),
                      std::span(out).subspan(i * out.size() / 4, out.size() / 4));
    return out;
  };
  EXPECT_EQ(outputs(given), outputs(other));
}

std::string kernel_of(const Int8Model& model) {
  return std::string(function_name(choose_kernel(model, model.ops[0])->kernel));
}

TEST(PackableWindows, ADilatedDepthwiseGetsTapsOfZero) {
  for (const Padding padding : {Padding::kSame, Padding::kValid}) {
    for (int kernel_h = 1; kernel_h <= 3; ++kernel_h) {
      for (int kernel_w = 1; kernel_w <= 3; ++kernel_w) {
        for (const auto& [dilation_h, dilation_w] : {std::pair(1, 2), {2, 1}, {2, 2}, {3, 2}}) {
          const auto model = one_layer(
              Shape{9, 11, 6},
              network::Depthwise{1, window(kernel_h, kernel_w, 1, dilation_h, dilation_w, padding),
                                 true});
          const auto other = packable(model);
          expect_same_outputs(model, other);
          const bool line = kernel_h == 1 || kernel_w == 1;
          EXPECT_EQ(kernel_of(other), line ? "atml_depthwise_line" : "atml_depthwise_packed")
              << kernel_h << "x" << kernel_w;
        }
      }
    }
  }
}

TEST(PackableWindows, ALongDilationStays) {
  const auto model = one_layer(Shape{1, 60, 4},
                               network::Depthwise{1, window(1, 3, 1, 1, 16, Padding::kSame), true});
  const auto other = packable(model);
  EXPECT_EQ(kernel_of(other), "atml_depthwise_plain");
  ASSERT_EQ(plain_layers(model).size(), 1u);
  EXPECT_EQ(plain_layers(model)[0].reason, "a dilated window");
}

TEST(PackableWindows, SeveralOutputsAChannelAreAConvolutionWithZeros) {
  for (const int multiplier : {2, 3, 8}) {
    for (const int bits : {8, 4}) {
      network::Depthwise op{multiplier, Window{3, 2, 2, 1}, true};
      op.weight_bits = bits;
      const auto model = one_layer(Shape{7, 6, 3}, op);
      const auto other = packable(model);
      expect_same_outputs(model, other);
      EXPECT_EQ(kernel_of(other), bits == 8 ? "atml_conv_packed" : "atml_conv_nibbles");
    }
  }
  const auto many = one_layer(Shape{5, 5, 40}, network::Depthwise{2, Window{3, 3}, true});
  EXPECT_EQ(kernel_of(packable(many)), "atml_depthwise_plain");
}

TEST(PackableWindows, TapsThatMeetPaddingOnlyGo) {
  const auto taps = [](const Int8Model& model) { return filter_shape(model, model.ops[0]).inputs; };
  for (const auto& [in, expected] : {std::pair(Shape{1, 1, 5}, 1),
                                     {Shape{1, 8, 5}, 3},
                                     {Shape{8, 1, 5}, 3},
                                     {Shape{2, 2, 5}, 9}}) {
    const auto depthwise = one_layer(in, network::Depthwise{1, Window{3, 3}, true});
    expect_same_outputs(depthwise, packable(depthwise));
    EXPECT_EQ(taps(packable(depthwise)), expected);
    const auto conv = one_layer(in, network::Conv{4, Window{3, 3}, true});
    expect_same_outputs(conv, packable(conv));
    EXPECT_EQ(taps(packable(conv)), 5 * expected);
  }
  for (int kernel = 1; kernel <= 5; ++kernel) {
    for (int stride = 1; stride <= 2; ++stride) {
      const auto model =
          one_layer(Shape{1, 7, 3},
                    network::Conv{4, {kernel, 2, stride, stride, 1, 1, Padding::kSame}, true});
      expect_same_outputs(model, packable(model));
    }
  }
}

TEST(PackableWindows, TheirFirmwareGivesTheInterpretersBytes) {
  const std::vector<Int8Model> models{
      one_layer(Shape{9, 11, 6},
                network::Depthwise{1, window(3, 3, 1, 2, 2, Padding::kSame), true}),
      one_layer(Shape{1, 40, 6},
                network::Depthwise{1, window(1, 3, 1, 1, 4, Padding::kSame), true}),
      one_layer(Shape{40, 1, 6},
                network::Depthwise{1, window(5, 1, 1, 3, 1, Padding::kValid), true}),
      one_layer(Shape{22, 30, 8},
                network::Depthwise{2, window(22, 1, 1, 1, 1, Padding::kValid), true}),
      one_layer(Shape{7, 6, 3}, network::Depthwise{8, Window{3, 3, 2, 2}, true}),
      one_layer(Shape{1, 1, 9}, network::Depthwise{1, Window{3, 3}, true}),
      one_layer(Shape{1, 9, 5}, network::Conv{6, Window{3, 3}, true})};
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  expect_same_layers(models, program);
  for (const Board& board : kBoards) {
    const bool other_kernels =
        board.core == target::Core::kCortexM0Plus || board.core == target::Core::kCortexM4;
    if (other_kernels && can_emulate(board)) expect_same_layers(models, emulated_program(board));
  }
}

}  // namespace
}  // namespace atml::codegen
