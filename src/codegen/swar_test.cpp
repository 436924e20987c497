// Kernels for cores without DSP instructions: the stream of chunks, the C on this computer (real
// cores: emulated_test.cpp), products without a 64-bit multiplier, and the choice.
#include <gtest/gtest.h>

#include <cstdlib>

#include "codegen/emulated_program_test.h"
#include "codegen/folder_test.h"
#include "codegen/lowering.h"
#include "codegen/random_models_test.h"

namespace atml::codegen {
namespace {

using namespace testing;

target::Target part_with(target::Core core, bool dsp = false) {
  target::Target target = some_target();
  target.core = core;
  target.fpu = false;
  target.dsp = dsp;
  return target;
}

// One convolution; kernel 1 is pointwise. Weights of `weight`.
template <class Weight>
quantize::Int8Model one_conv(int channels, int kernel, int outputs, const Weight& weight,
                             int bits = 8) {
  network::Network net(Shape{5, 7, channels});
  *net.add(network::Conv{outputs, network::Window{kernel, kernel}, true, bits}, {0});
  auto model = quantize::random_model(net, 3);
  set_weights(model, weight);
  return model;
}

struct Unpacked {
  std::vector<int> weights;
  std::vector<std::size_t> chunks;  // lengths
};

// Reads one channel back; `at` ends behind its padding.
Unpacked unpack(const std::string& stream, std::size_t& at, std::size_t inputs) {
  Unpacked u;
  at += 4;  // bias
  while (u.weights.size() < inputs) {
    const int skip = static_cast<unsigned char>(stream[at++]);
    EXPECT_EQ(skip % 14, 0);
    u.chunks.push_back(14 - static_cast<std::size_t>(skip) / 14);
    for (std::size_t i = 0; i < u.chunks.back(); ++i)
      u.weights.push_back(static_cast<signed char>(stream[at++]));
  }
  at = (at + 3) / 4 * 4;
  return u;
}

TEST(Swar, ChunksHoldEveryWeightAndAreAsLongAsTheSumsAllow) {
  Rng rng(9);
  for (const int largest : {1, 20, 50, 127}) {
    const auto model = one_conv(19, 3, 5, [&](std::size_t) {
      return static_cast<int>(rng.below(static_cast<std::uint64_t>(2 * largest + 1))) - largest;
    });
    const auto& op = first_filter_op(model);
    const FilterShape shape = filter_shape(model, op);
    const std::string stream = pack_swar_stream(model, op);
    std::size_t at = 0;
    for (int o = 0; o < shape.outputs; ++o) {
      const Unpacked u = unpack(stream, at, static_cast<std::size_t>(packed_inputs(shape.inputs)));
      for (int i = 0; i < packed_inputs(shape.inputs); ++i)
        EXPECT_EQ(u.weights[static_cast<std::size_t>(i)],
                  i < shape.inputs ? shape.weight(op, o, i) : 0);
      std::size_t start = 0;
      for (const std::size_t n : u.chunks) {
        int sum = 0;
        for (std::size_t i = start; i < start + n; ++i) sum += std::abs(u.weights[i]);
        EXPECT_LT(128 * sum, 32768);
        start += n;
        if (start < u.weights.size() && n < 14) {
          EXPECT_GE(128 * (sum + std::abs(u.weights[start])), 32768) << "the chunk ends too early";
        }
      }
      EXPECT_EQ(start, u.weights.size());
    }
    EXPECT_EQ(at, stream.size());
  }
}

// Weights and inputs of the largest size, alternating signs, odd channels, pixels left over.
TEST(Swar, LargestWeightsGiveTheInterpretersBytes) {
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  program.target = part_with(target::Core::kCortexM0Plus);
  std::vector<quantize::Int8Model> models;
  for (const int kernel : {1, 3}) {
    for (const int channels : {1, 3, 8, 17}) {
      models.push_back(one_conv(channels, kernel, 5, [](std::size_t) { return 127; }));
      models.push_back(one_conv(channels, kernel, 4, [](std::size_t) { return -128; }));
      models.push_back(
          one_conv(channels, kernel, 3, [](std::size_t i) { return i % 2 == 0 ? 127 : -128; }));
    }
  }
  for (const auto& model : models) {
    const auto firmware = generate(model, program.target, {});
    ASSERT_TRUE(firmware.ok());
    EXPECT_TRUE(firmware->ops[0].kernel.ends_with("_swar")) << firmware->ops[0].kernel;
  }
  expect_same_layers(models, program);
}

// Chunks of 28 inputs: less than one, whole ones, and a rest.
TEST(Swar, LargestWeightsOf4BitsGiveTheInterpretersBytes) {
  std::vector<quantize::Int8Model> models;
  for (const int kernel : {1, 3}) {
    for (const int channels : {1, 3, 8, 28, 56, 61}) {
      models.push_back(one_conv(
          channels, kernel, 5, [](std::size_t) { return 7; }, 4));
      models.push_back(one_conv(
          channels, kernel, 4, [](std::size_t) { return -8; }, 4));
      models.push_back(one_conv(
          channels, kernel, 3, [](std::size_t i) { return i % 3 == 0 ? 7 : -8; }, 4));
    }
  }
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  program.target = part_with(target::Core::kCortexM0Plus);
  for (const auto& model : models) {
    const auto firmware = generate(model, program.target, {});
    ASSERT_TRUE(firmware.ok());
    EXPECT_TRUE(firmware->ops[0].kernel.ends_with("_nibbles_swar")) << firmware->ops[0].kernel;
    const auto& op = first_filter_op(model);
    const FilterShape shape = filter_shape(model, op);
    const int k = packed_inputs(shape.inputs);
    EXPECT_EQ(pack_swar_stream(model, op).size(),
              static_cast<std::size_t>(shape.outputs * (4 + (k / 2 + 3) / 4 * 4)));
  }
  expect_same_layers(models, program);
  for (const Board& board : kBoards) {
    const bool swar =
        board.core == target::Core::kCortexM0Plus || board.core == target::Core::kCortexM3;
    if (swar && can_emulate(board)) expect_same_layers(models, emulated_program(board));
  }
}

TEST(Swar, RandomModelsGiveTheInterpretersBytesAlsoByPartialProducts) {
  HostProgram program;
  program.target = part_with(target::Core::kCortexM3);
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  expect_same_layers(random_models(25, 3100, quantize::Rounding::kDouble), program);
  program.flags = {"-O1", "-DATML_PARTIAL_PRODUCTS=1"};
  for (const auto rounding : {quantize::Rounding::kDouble, quantize::Rounding::kSingle})
    expect_same_layers(random_models(20, 3200, rounding), program);
}

TEST(Swar, IsChosenByCoreAndOptimisationAndKeepsTheArena) {
  const auto model = mixed_model();
  const auto count = [&](const target::Target& target, Optimize optimize) {
    Options options;
    options.optimize = optimize;
    const auto firmware = generate(model, target, options);
    EXPECT_TRUE(firmware.ok());
    EXPECT_EQ(firmware->plan.arena, generate(model, some_target(), {})->plan.arena);
    // What it reports is what it stores.
    std::int64_t bytes = 0;
    for (const OpInfo& op : firmware->ops) bytes += (op.weights + op.tables).value;
    EXPECT_EQ(bytes, static_cast<std::int64_t>(firmware->find("model_weights.bin")->bytes.size()));
    return std::ranges::count_if(firmware->ops,
                                 [](const OpInfo& op) { return op.kernel.ends_with("_swar"); });
  };
  using target::Core;
  EXPECT_EQ(count(part_with(Core::kCortexM0Plus), Optimize::kBalanced), 2);
  EXPECT_EQ(count(part_with(Core::kCortexM0), Optimize::kSpeed), 2);
  EXPECT_EQ(count(part_with(Core::kCortexM3), Optimize::kBalanced), 2);
  EXPECT_EQ(count(part_with(Core::kCortexM33), Optimize::kBalanced), 2);
  EXPECT_EQ(count(part_with(Core::kCortexM33, true), Optimize::kBalanced), 0);
  EXPECT_EQ(count(part_with(Core::kCortexM4, true), Optimize::kBalanced), 0);
  EXPECT_EQ(count(part_with(Core::kRv32imc), Optimize::kBalanced), 0);
  EXPECT_EQ(count(part_with(Core::kCortexM0Plus), Optimize::kSize), 0);
}

// The folder of a RISC-V part, and of one for an M0+, each with its own compiler and nothing else.
TEST(Folder, BuildsForRiscVWithMakeAndCMake) {
  if (!find_program("riscv64-unknown-elf-gcc").ok())
    GTEST_SKIP() << "needs gcc-riscv64-unknown-elf";
  const auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  target::Target target = part_with(target::Core::kRv32imc);
  const auto model = mixed_model();
  Options options;
  options.self_test = self_test_of(model);
  const auto firmware = firmware_folder(model, target, options);
  ASSERT_TRUE(firmware.ok()) << firmware.error().message;
  write_all(*firmware, folder->path());
  EXPECT_NE(firmware->find("README.md")->bytes.find("riscv64-unknown-elf-gcc"), std::string::npos);
  const auto made = run({"make"}, folder->path());
  ASSERT_TRUE(made.ok()) << made.error().message;
  const auto header = run({"riscv64-unknown-elf-readelf", "-h", "firmware.elf"}, folder->path());
  ASSERT_TRUE(header.ok());
  EXPECT_NE(header->find("RISC-V"), std::string::npos) << *header;
  EXPECT_NE(header->find("0x8000000"), std::string::npos) << *header;  // entry: start of flash
  ASSERT_TRUE(run({"make", "check"}, folder->path()).ok());
  const auto configured =
      run({"cmake", "-S", ".", "-B", "cmake-build", "-DCMAKE_SYSTEM_NAME=Generic",
           "-DCMAKE_C_COMPILER=riscv64-unknown-elf-gcc",
           "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
           "-DCMAKE_C_FLAGS=-march=rv32imc -mabi=ilp32 -ffreestanding -O2"},
          folder->path());
  ASSERT_TRUE(configured.ok()) << configured.error().message;
  const auto built = run({"cmake", "--build", "cmake-build"}, folder->path());
  EXPECT_TRUE(built.ok()) << built.error().message;
}

}  // namespace
}  // namespace atml::codegen
