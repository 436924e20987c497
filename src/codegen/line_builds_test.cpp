// line_test.cpp over all models, in builds for size, balance and speed.
#include <gtest/gtest.h>

#include "codegen/chain_models_test.h"
#include "codegen/emulated_program_test.h"
#include "codegen/line_models_test.h"

namespace atml::codegen {
namespace {

using namespace testing;
using quantize::Rounding;

class LineBuilds : public ::testing::TestWithParam<Board> {};

TEST_P(LineBuilds, GiveEveryLayersBytes) {
  if (!can_emulate(GetParam())) GTEST_SKIP() << kEmulationNeeds;
  const auto seed = 1000 + 10 * static_cast<std::uint64_t>(GetParam().core);
  const std::vector<std::pair<Optimize, std::vector<std::string>>> builds{
      {Optimize::kSize, {"-Os"}},
      {Optimize::kBalanced, {"-O2"}},
      {Optimize::kSpeed, {"-O3", "-DATML_UNROLL=1"}}};
  for (const auto& [optimize, flags] : builds) {
    HostProgram program = emulated_program(GetParam());
    std::erase_if(program.flags, [](const std::string& flag) { return flag.starts_with("-O"); });
    program.flags.insert(program.flags.end(), flags.begin(), flags.end());
    Options options;
    options.optimize = optimize;
    const auto n = static_cast<std::uint64_t>(optimize);
    for (int part = 0; part < 2; ++part)  // all models at once are more than some flash holds
      expect_same_layers(line_models(seed + n, Rounding::kDouble, part, 2), program, options);
    expect_same_layers(line_models(seed + n, Rounding::kSingle, 0, 3), program, options);
    expect_same_layers(line_models(seed + n, Rounding::kDouble, 1, 3), program, streamed());
  }
}

INSTANTIATE_TEST_SUITE_P(Cores, LineBuilds, ::testing::ValuesIn(kBoards),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace atml::codegen
