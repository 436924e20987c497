#include "codegen/firmware.h"

#include <gtest/gtest.h>

#include "codegen/host_program_test.h"
#include "codegen/random_network_test.h"
#include "quantize/requantize.h"

namespace atml::codegen {
namespace {

using namespace testing;

std::vector<quantize::Int8Model> random_models(int count, std::uint64_t seed, quantize::Rounding rounding) {
  std::vector<quantize::Int8Model> models;
  for (int i = 0; i < count; ++i) {
    Rng rng = Rng::derive(seed, "random networks", static_cast<std::uint64_t>(i));
    auto model = quantize::random_model(random_network(rng), seed + static_cast<std::uint64_t>(i));
    model.rounding = rounding;
    for (auto& op : model.ops) {
      if (auto* table = std::get_if<quantize::Table>(&op.kind)) {
        table->values = *quantize::function_table(table->function, model.input_of(op), model.output_of(op), rounding);
      }
    }
    const Status status = model.verify();
    EXPECT_TRUE(status.ok()) << status.error().message;
    models.push_back(std::move(model));
  }
  return models;
}

void expect_same_layers(const std::vector<quantize::Int8Model>& models, const HostProgram& program) {
  const auto out = program.run(models, {}, 2);
  ASSERT_TRUE(out.ok()) << out.error().message.substr(0, 3000);
  const std::string expected = expected_layers(models, 2);
  ASSERT_EQ(out->size(), expected.size());
  EXPECT_TRUE(*out == expected) << "first difference at byte "
                                << std::mismatch(out->begin(), out->end(), expected.begin()).first - out->begin();
}

TEST(Firmware, HostCodeGivesEveryLayersBytesUnderSanitizers) {
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  expect_same_layers(random_models(40, 1, quantize::Rounding::kDouble), program);
}

TEST(Firmware, SingleRoundingGivesEveryLayersBytes) {
  expect_same_layers(random_models(25, 2000, quantize::Rounding::kSingle), {});
}

}  // namespace
}  // namespace atml::codegen
