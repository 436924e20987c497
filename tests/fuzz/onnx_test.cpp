// Damaged .onnx files: an error, or a model that verifies, runs, and is the same after writing and
// reading it again. Never a crash. ATML_FUZZ_ROUNDS (default 1000) mutations of twelve models of
// all kinds of layers.
#include <gtest/gtest.h>

#include "exchange/onnx.h"
#include "mutate.h"
#include "quantize/interpreter.h"
#include "sound_files.h"

namespace atml::exchange {
namespace {

std::vector<std::int8_t> run(const quantize::Int8Model& model,
                             const std::vector<std::int8_t>& input) {
  std::vector<std::int8_t> output(
      static_cast<std::size_t>(model.tensor(model.output).shape.elements()));
  quantize::Interpreter(model).run(input, output);
  return output;
}

void expect_same_again(const quantize::Int8Model& model) {
  const auto input = quantize::random_inputs(model, 1, 1);
  const auto output = run(model, input);
  const auto bytes = write_onnx(model);
  if (!bytes.ok()) {
    EXPECT_EQ(bytes.error().code, Code::kUnsupported) << bytes.error().message;
    return;
  }
  const auto again = read_onnx(*bytes, "again");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(run(*again, input), output);
}

TEST(FuzzOnnx, MutatedFilesAreRefusedOrGiveAModelThatRuns) {
  const auto files = fuzz::sound_files([](const auto& model) { return write_onnx(model); });
  Rng rng(12 + fuzz::seed());
  int accepted = 0, refused = 0;
  for (int round = 0; round < fuzz::rounds(); ++round) {
    const std::string bytes =
        fuzz::mutate(files[static_cast<std::size_t>(round) % files.size()],
                     {"Relu", "\x08\xff\xff\xff\xff\x07", "Transpose", "\x0a\x04"}, rng);
    const auto model = read_onnx(bytes, "mutated");
    if (!model.ok()) {
      ++refused;
      EXPECT_FALSE(model.error().message.empty());
      continue;
    }
    ++accepted;
    ASSERT_TRUE(model->verify().ok());
    if (model->macs().value > 20'000'000) continue;
    expect_same_again(*model);
    if (HasFailure()) FAIL() << "in round " << round;
  }
  EXPECT_GT(accepted, fuzz::rounds() / 50);
  EXPECT_GT(refused, fuzz::rounds() / 20);
}

}  // namespace
}  // namespace atml::exchange
