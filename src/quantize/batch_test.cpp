#include <gtest/gtest.h>

#include "quantize/batch.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "quantize/random_network.h"

namespace atml::quantize {
namespace {

std::vector<std::int8_t> reference_outputs(const Int8Model& model,
                                           const std::vector<std::int8_t>& inputs, std::size_t n) {
  Interpreter interpreter(model);
  const std::size_t in = inputs.size() / n;
  const auto width = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
  std::vector<std::int8_t> outputs(n * width);
  for (std::size_t i = 0; i < n; ++i) {
    interpreter.run(std::span(inputs).subspan(i * in, in),
                    std::span(outputs).subspan(i * width, width));
  }
  return outputs;
}

class BatchOn : public testing::TestWithParam<Isa> {};

TEST_P(BatchOn, EqualsTheReferenceOnRandomNetworks) {
  if (static_cast<int>(GetParam()) > static_cast<int>(best_isa()))
    GTEST_SKIP() << "this processor lacks " << to_string(GetParam());
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto network = RandomNetwork(seed).make();
    Int8Model model = random_model(network, seed);
    if (seed % 4 == 3) model.rounding = Rounding::kSingle;
    const std::size_t n = 1 + seed % 19;  // not a multiple of the lanes
    const auto inputs = random_inputs(model, n, seed);
    const auto expected = reference_outputs(model, inputs, n);
    std::vector<std::int8_t> outputs(expected.size());
    BatchInterpreter(model, GetParam()).run(inputs, n, outputs);
    ASSERT_EQ(outputs, expected) << "seed " << seed << "\n" << network.text();
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, BatchOn,
                         testing::Values(Isa::kPortable, Isa::kAvx2, Isa::kAvx512Vnni),
                         [](const auto& test) {
                           const std::string name(to_string(test.param));
                           return name == "avx512-vnni" ? std::string("avx512_vnni") : name;
                         });

}  // namespace
}  // namespace atml::quantize
