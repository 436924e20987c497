// Compressed weights: the codes read back bit by bit, the C on this computer and on emulated cores,
// and where the choice takes them.
#include "codegen/coded_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>

#include "codegen/emulated_program_test.h"
#include "codegen/folder_test.h"
#include "codegen/random_models_test.h"

namespace atml::codegen {
namespace {

using namespace testing;

using Weight = std::function<int(std::size_t)>;

// Dense layers on each other; weight i of any of them is weight(i).
quantize::Int8Model dense_model(int inputs, const std::vector<int>& outputs, const Weight& weight) {
  network::Network net(Shape{1, 1, inputs});
  int last = 0;
  for (const int n : outputs) last = *net.add(network::Dense{n, true}, {last});
  auto model = quantize::random_model(net, 5);
  set_weights(model, weight);
  return model;
}

// Geometric magnitudes of this mean, like trained layers.
Weight peaked(double mean, std::uint64_t seed) {
  const auto rng = std::make_shared<Rng>(seed);
  return [rng, mean](std::size_t) {
    const double size = -mean * std::log(1.0 - rng->uniform());
    const int magnitude = static_cast<int>(std::min(size, 127.0));
    return rng->chance(0.5) ? magnitude : -magnitude;
  };
}

Options compressing() {
  Options options;
  options.compress_weights = true;
  return options;
}

// A reader of its own: one bit after the other.
struct BitReader {
  std::string bytes;
  std::size_t at = 0;
  int bit() {
    const std::size_t halfword = at / 16;
    const auto byte = static_cast<unsigned char>(bytes.at(2 * halfword + (at % 16 < 8 ? 1 : 0)));
    const int value = byte >> (7 - at % 8) & 1;
    ++at;
    return value;
  }
  int number(int bits) {
    int value = 0;
    for (int i = 0; i < bits; ++i) value = 2 * value + bit();
    return value;
  }
};

void expect_codes_hold(const quantize::Int8Model& model) {
  const quantize::Op& op = first_filter_op(model);
  const FilterShape shape = filter_shape(model, op);
  BitReader reader{pack_codes(model, op)};
  EXPECT_EQ(reader.bytes.size() % 4, 0u);
  for (int o = 0; o < shape.outputs; ++o) {
    const int low_bits = reader.number(3) + 1;
    for (int i = 0; i < shape.inputs; ++i) {
      const std::size_t start = reader.at;
      int value = reader.number(low_bits);
      while (reader.bit() == 0) value += 1 << low_bits;
      EXPECT_LE(reader.at - start, static_cast<std::size_t>(kLongestCode));
      const int weight = value % 2 == 0 ? value / 2 : -(value + 1) / 2;
      ASSERT_EQ(weight, shape.weight(op, o, i)) << "output " << o << ", input " << i;
    }
  }
  EXPECT_LE(reader.at + 32, 8 * reader.bytes.size()) << "what the kernel reads ahead";
  EXPECT_GT(reader.at + 80, 8 * reader.bytes.size()) << "more than it can need";
}

// Every kind of alphabet: one symbol, two, all 255, one outlier of either sign, peaked ones.
std::vector<quantize::Int8Model> all_alphabets(int inputs, int outputs) {
  std::vector<quantize::Int8Model> models;
  const auto add = [&](const Weight& weight) {
    models.push_back(dense_model(inputs, {outputs}, weight));
  };
  for (const int same : {0, 1, -1, 127, -127}) add([same](std::size_t) { return same; });
  add([](std::size_t i) { return i % 2 == 0 ? 1 : -1; });
  add([](std::size_t i) { return i % 3 == 0 ? -127 : 127; });
  add([](std::size_t i) { return static_cast<int>(i % 255) - 127; });
  for (const int outlier : {7, -8, 15, -16, 31, 60, 96, 127, -127})
    add([outlier](std::size_t i) { return i % 37 == 11 ? outlier : 0; });
  for (const double mean : {0.2, 1.0, 3.0, 10.0, 40.0}) add(peaked(mean, 17));
  return models;
}

TEST(CodedWeights, CodesHoldEveryWeight) {
  for (const int inputs : {1, 5, 64}) {
    for (const auto& model : all_alphabets(inputs, 9)) expect_codes_hold(model);
  }
  Rng rng(3);
  for (int i = 0; i < 200; ++i)
    expect_codes_hold(dense_model(1 + static_cast<int>(rng.below(40)),
                                  {1 + static_cast<int>(rng.below(9))},
                                  peaked(0.1 + 30 * rng.uniform(), static_cast<std::uint64_t>(i))));
}

TEST(CodedWeights, ACodeOfSixteenBitsIsUsed) {
  // One low bit: 30 / 2 zeros... up to u = 29; 31 needs another bit.
  const auto longest = [](int outlier) {
    const auto model = dense_model(256, {1}, [&](std::size_t i) { return i == 100 ? outlier : 0; });
    BitReader reader{pack_codes(model, first_filter_op(model))};
    return reader.number(3) + 1;
  };
  EXPECT_EQ(longest(14), 1);   // u = 28: 1 + 14 + 1 bits
  EXPECT_EQ(longest(-15), 1);  // u = 29
  EXPECT_EQ(longest(15), 2);   // u = 30 would take 17
}

std::size_t coded_layers(const Firmware& firmware) {
  return static_cast<std::size_t>(std::ranges::count_if(
      firmware.ops, [](const OpInfo& op) { return op.kernel == "atml_dense_coded"; }));
}

// Dense layers of all sorts, large enough that all are coded.
std::vector<quantize::Int8Model> coded_models(quantize::Rounding rounding) {
  std::vector<quantize::Int8Model> models;
  if (rounding == quantize::Rounding::kDouble) models = all_alphabets(67, 33);
  for (const double mean : {0.5, 4.0, 12.0})
    models.push_back(dense_model(120, {40, 7, 64, 3}, peaked(mean, 23)));
  Rng rng(11);
  for (auto& model : models) {
    model = roughened(std::move(model), rounding, rng);
    if (rng.chance(0.5)) {  // one factor for all channels
      auto& scales = const_cast<quantize::Filter*>(filter_of(first_filter_op(model)))->scales;
      std::ranges::fill(scales, scales[0]);
    }
  }
  return models;
}

TEST(CodedWeights, HostCodeGivesEveryLayersBytesUnderSanitizers) {
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  for (const auto rounding : {quantize::Rounding::kDouble, quantize::Rounding::kSingle}) {
    const auto models = coded_models(rounding);
    std::size_t coded = 0;
    for (const auto& model : models)
      coded += coded_layers(*generate(model, program.target, compressing()));
    EXPECT_GE(coded, models.size() / 2);
    expect_same_layers(models, program, compressing());
  }
}

TEST(CodedWeights, RandomNetworksGiveEveryLayersBytes) {
  auto models = random_models(10, 5200, quantize::Rounding::kDouble);
  for (auto& model : models) {  // as if trained: their dense layers are peaked
    for (auto& op : model.ops) {
      if (!std::holds_alternative<quantize::Dense>(op.kind)) continue;
      auto& weights = const_cast<quantize::Filter*>(filter_of(op))->weights;
      for (auto& w : weights) w = static_cast<std::int8_t>(w / 16);
    }
  }
  expect_same_layers(models, {}, compressing());
}

class CodedOnCore : public ::testing::TestWithParam<Board> {};

TEST_P(CodedOnCore, GivesEveryLayersBytes) {
  if (!can_emulate(GetParam())) GTEST_SKIP() << kEmulationNeeds;
  expect_same_layers(coded_models(quantize::Rounding::kDouble), emulated_program(GetParam()),
                     compressing());
}

// Zeros counted by an instruction or by a loop; double-width products or partial ones.
INSTANTIATE_TEST_SUITE_P(Cores, CodedOnCore, ::testing::Values(kBoards[0], kBoards[2], kBoards[6]),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(CodedWeights, AreTakenWhereTheySaveFlashAndTheReportIsWhatIsStored) {
  const auto sizes = [](const quantize::Int8Model& model, const Options& options) {
    const auto firmware = generate(model, some_target(), options);
    EXPECT_TRUE(firmware.ok());
    std::int64_t bytes = 0;
    for (const OpInfo& op : firmware->ops) bytes += (op.weights + op.tables).value;
    EXPECT_EQ(bytes, static_cast<std::int64_t>(firmware->find("model_weights.bin")->bytes.size()));
    EXPECT_EQ(firmware->plan.arena, generate(model, some_target(), {})->plan.arena);
    return std::pair(bytes, coded_layers(*firmware));
  };
  const auto small = dense_model(128, {64, 64}, peaked(3, 7));
  const auto [plain_bytes, none] = sizes(small, {});
  const auto [coded_bytes, both] = sizes(small, compressing());
  EXPECT_EQ(none, 0u);
  EXPECT_EQ(both, 2u);
  EXPECT_LT(coded_bytes, plain_bytes * 3 / 5);
  EXPECT_TRUE(compression_pays(small, some_target(), {}));
  // Weights that use all eight bits, and a layer that would not pay for the decoder.
  for (const auto& model :
       {dense_model(128, {64}, [](std::size_t i) { return static_cast<int>(i * 97 % 255) - 127; }),
        dense_model(16, {4}, peaked(1, 7))}) {
    EXPECT_EQ(sizes(model, {}), sizes(model, compressing()));
    EXPECT_FALSE(compression_pays(model, some_target(), {}));
  }
}

TEST(CodedWeights, TheSameModelGivesTheSameBytesAndOffGivesTheUsualOnes) {
  const auto model = dense_model(128, {64}, peaked(3, 7));
  const auto a = generate(model, some_target(), compressing());
  const auto b = generate(model, some_target(), compressing());
  ASSERT_TRUE(a.ok() && b.ok());
  for (std::size_t i = 0; i < a->files.size(); ++i) EXPECT_EQ(a->files[i].bytes, b->files[i].bytes);
  EXPECT_EQ(generate(model, some_target(), {})->find("model.c")->bytes.find("coded"),
            std::string::npos);
}

// The user's folder has the kernel, and its self-test runs.
TEST(CodedWeights, TheFolderBuildsAndChecksItself) {
  const auto model = dense_model(128, {64, 10}, peaked(3, 7));
  Options options = compressing();
  options.self_test = self_test_of(model);
  const auto firmware = firmware_folder(model, some_target(), options);
  ASSERT_TRUE(firmware.ok()) << firmware.error().message;
  EXPECT_NE(firmware->find("runtime/kernels/dense_coded.c"), nullptr);
  EXPECT_EQ(firmware->find("runtime/kernels/dot.c"), nullptr) << "nothing is packed in pairs";
  const auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  write_all(*firmware, folder->path());
  const auto made = run({"make", "check"}, folder->path());
  EXPECT_TRUE(made.ok()) << made.error().message;
}

}  // namespace
}  // namespace atml::codegen
