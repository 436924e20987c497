// Damaged .tflite files: an error, or a model that verifies and whose C gives the interpreter's
// bytes. Never a crash, never other code. ATML_FUZZ_ROUNDS (default 1000) mutations of twelve
// models of all kinds of layers; ATML_FUZZ_SEED makes others.
#include <gtest/gtest.h>

#include "deploy/run_model.h"
#include "exchange/tflite.h"
#include "mutate.h"
#include "quantize/interpreter.h"
#include "sound_files.h"

namespace atml::exchange {
namespace {

void expect_same_on_host(const quantize::Int8Model& model) {
  const auto input = quantize::random_inputs(model, 1, 1);
  std::vector<std::int8_t> wanted(
      static_cast<std::size_t>(model.tensor(model.output).shape.elements()));
  quantize::Interpreter(model).run(input, wanted);
  const auto got = deploy::run_on_host(model, input, 1);
  if (!got.ok()) {  // what the runtime cannot compute is refused by name
    EXPECT_EQ(got.error().code, Code::kUnsupported) << got.error().message;
    EXPECT_NE(got.error().message.find("operator"), std::string::npos) << got.error().message;
    return;
  }
  EXPECT_EQ(*got, wanted);
}

TEST(FuzzTflite, MutatedFilesAreRefusedOrGiveTheSameBytesInC) {
  const auto files = fuzz::sound_files([](const auto& model) { return write_tflite(model); });
  Rng rng(11 + fuzz::seed());
  int accepted = 0, refused = 0, compiled = 0;
  const int most = fuzz::compiled();  // a compiler takes a second
  for (int round = 0; round < fuzz::rounds(); ++round) {
    const std::string bytes =
        fuzz::mutate(files[static_cast<std::size_t>(round) % files.size()], {"TFL3"}, rng);
    const auto model = read_tflite(bytes, "mutated");
    if (!model.ok()) {
      ++refused;
      EXPECT_FALSE(model.error().message.empty());
      continue;
    }
    ++accepted;
    ASSERT_TRUE(model->verify().ok());
    if (model->macs().value > 20'000'000) continue;
    if (compiled < most && accepted % 5 == 1) {
      ++compiled;
      expect_same_on_host(*model);
    }
    if (HasFailure()) FAIL() << "in round " << round;
  }
  EXPECT_GT(accepted, fuzz::rounds() / 50);
  EXPECT_GT(refused, fuzz::rounds() / 20);
  EXPECT_GT(compiled, 5);
}

}  // namespace
}  // namespace atml::exchange
