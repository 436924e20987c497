#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "base/random.h"
#include "exchange/tflite.h"
#include "quantize/batch.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "quantize/random_network.h"

namespace atml::exchange {
namespace {

using quantize::Int8Model;

std::vector<std::int8_t> run(const Int8Model& model, std::span<const std::int8_t> input) {
  std::vector<std::int8_t> output(
      static_cast<std::size_t>(model.tensor(model.output).shape.elements()));
  quantize::Interpreter(model).run(input, output);
  return output;
}

// ---- golden outputs of public models: measured on TFLM's reference kernels (and CMSIS-NN)

std::uint32_t output_hash(const std::vector<std::int8_t>& output) {
  std::uint32_t h = 2166136261u;
  for (const std::int8_t b : output) h = (h ^ static_cast<std::uint8_t>(b)) * 16777619u;
  return h;
}

std::vector<std::int8_t> golden_input(std::size_t size, std::uint32_t r) {
  std::vector<std::int8_t> input(size, 0);
  std::uint32_t x = 12345 + r;
  for (std::size_t i = 0; i < size && r != 2; ++i) {
    x = x * 1664525u + 1013904223u;
    input[i] = static_cast<std::int8_t>(x >> 24);
  }
  return input;
}

struct Golden {
  const char* file;
  std::uint32_t hashes[3];
};

class GoldenModel : public testing::TestWithParam<Golden> {};

TEST_P(GoldenModel, GivesThePublishedBytes) {
  const std::filesystem::path path =
      std::filesystem::path(ATML_SOURCE_DIR) / ".." / "shared" / "models" / GetParam().file;
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  const auto bytes = read_file(path);
  ASSERT_TRUE(bytes.ok());
  const auto model = read_tflite(*bytes, GetParam().file);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto size = static_cast<std::size_t>(model->tensor(model->input).shape.elements());
  for (std::uint32_t r = 0; r < 3; ++r) {
    const auto input = golden_input(size, r);
    EXPECT_EQ(output_hash(run(*model, input)), GetParam().hashes[r]) << "r = " << r;
    std::vector<std::int8_t> batch(
        static_cast<std::size_t>(model->tensor(model->output).shape.elements()));
    quantize::BatchInterpreter(*model).run(input, 1, batch);
    EXPECT_EQ(output_hash(batch), GetParam().hashes[r]) << "batch, r = " << r;
  }
  // What we write of it is the same model.
  const auto written = write_tflite(*model);
  ASSERT_TRUE(written.ok()) << written.error().message;
  const auto again = read_tflite(*written, "again");
  ASSERT_TRUE(again.ok()) << again.error().message;
  const auto input = golden_input(size, 0);
  EXPECT_EQ(output_hash(run(*again, input)), GetParam().hashes[0]);
}

INSTANTIATE_TEST_SUITE_P(
    MlperfTiny, GoldenModel,
    testing::Values(Golden{"kws.tflite", {4038422865u, 1051151733u, 2287096408u}},
                    Golden{"ad.tflite", {533982470u, 2212411138u, 1441320309u}}),
    [](const auto& test) {
      return std::string(test.param.file, 0, std::string(test.param.file).find('.'));
    });

// ---- our own files

TEST(Tflite, RoundTripKeepsEveryOutput) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto network = quantize::RandomNetwork(seed).make();
    const Int8Model model = quantize::random_model(network, seed);
    const auto bytes = write_tflite(model);
    ASSERT_TRUE(bytes.ok()) << seed << ": " << bytes.error().message << "\n" << network.text();
    ASSERT_EQ(bytes->substr(4, 4), "TFL3");
    const auto again = read_tflite(*bytes, "again");
    ASSERT_TRUE(again.ok()) << seed << ": " << again.error().message << "\n" << network.text();
    for (std::uint64_t i = 0; i < 3; ++i) {
      const auto input = quantize::random_inputs(model, 1, seed + 100 * i);
      ASSERT_EQ(run(*again, input), run(model, input)) << seed << "\n" << network.text();
    }
    EXPECT_EQ(model.macs(), again->macs());
  }
}

TEST(Tflite, WritesTheSameBytesForTheSameModel) {
  const auto network = quantize::RandomNetwork(5).make();
  EXPECT_EQ(*write_tflite(quantize::random_model(network, 1)),
            *write_tflite(quantize::random_model(network, 1)));
}

TEST(Tflite, RefusesSingleRounding) {
  Int8Model model = quantize::random_model(quantize::RandomNetwork(5).make(), 1);
  model.rounding = quantize::Rounding::kSingle;
  const auto bytes = write_tflite(model);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.error().code, Code::kUnsupported);
}

TEST(Tflite, SaysWhatIsWrongWithOtherFiles) {
  EXPECT_EQ(read_tflite("", "m").error().message, "0 bytes are too few for a .tflite file");
  EXPECT_EQ(read_tflite(std::string(64, 'x'), "m").error().message,
            "not a .tflite file: the identifier TFL3 is missing at byte 4");
  const auto bytes = *write_tflite(quantize::random_model(quantize::RandomNetwork(5).make(), 1));
  EXPECT_FALSE(read_tflite(std::string_view(bytes).substr(0, bytes.size() / 2), "m").ok());
}

// Mutated files: an error or a model that verifies and runs, never a crash.
TEST(Tflite, SurvivesMutatedFiles) {
  Rng rng(2024);
  int accepted = 0;
  for (int round = 0; round < 1200; ++round) {
    const auto network = quantize::RandomNetwork(static_cast<std::uint64_t>(round % 12)).make();
    std::string bytes = *write_tflite(quantize::random_model(network, 1));
    const int mutations = rng.integer(1, 8);
    for (int m = 0; m < mutations; ++m) {
      const std::size_t at = rng.below(bytes.size());
      switch (rng.integer(0, 4)) {
        case 0:
          bytes[at] = static_cast<char>(rng.integer(0, 255));
          break;
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.integer(0, 7)));
          break;
        case 2:
          bytes.resize(at + 1);
          break;
        case 3: {
          const std::uint32_t word =
              rng.chance(0.5) ? 0xffffffffu : static_cast<std::uint32_t>(rng.next());
          if (at + 4 <= bytes.size()) std::memcpy(bytes.data() + at, &word, 4);
          break;
        }
        default:
          bytes.insert(at, 1, '\0');
          break;
      }
      if (bytes.empty()) bytes.push_back('x');
    }
    const auto model = read_tflite(bytes, "mutated");
    if (!model.ok()) continue;
    ++accepted;
    ASSERT_TRUE(model->verify().ok());
    if (model->macs().value > 50'000'000) continue;
    run(*model, quantize::random_inputs(*model, 1, 1));
  }
  EXPECT_GT(accepted, 10);  // most bytes are weights: some mutations must leave a model
}

}  // namespace
}  // namespace atml::exchange
