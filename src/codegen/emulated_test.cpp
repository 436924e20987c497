// The kernels for real cores, in the emulator: every layer's bytes. The core decides which kernels
// are built (assembly with the DSP extension, C without).
#include <gtest/gtest.h>

#include "codegen/chain_models_test.h"
#include "codegen/emulated_program_test.h"
#include "codegen/random_models_test.h"

namespace atml::codegen {
namespace {

using namespace testing;

class Emulated : public ::testing::TestWithParam<Board> {};

TEST_P(Emulated, EveryLayersBytesAreThoseOfTheInterpreter) {
  if (!can_emulate(GetParam())) GTEST_SKIP() << kEmulationNeeds;
  const Board& board = GetParam();
  const HostProgram program = emulated_program(board);
  for (const auto rounding : {quantize::Rounding::kDouble, quantize::Rounding::kSingle}) {
    expect_same_layers(random_models(20, 500 + static_cast<std::uint64_t>(board.core), rounding),
                       program);
    expect_same_layers(chain_models(20, 40 + static_cast<std::uint64_t>(board.core), rounding),
                       program, streamed());
  }
}

// --optimize size and speed choose other kernels: pixel by pixel, and longer loops.
TEST_P(Emulated, BuildsForSizeAndForSpeedGiveTheSameBytes) {
  if (!can_emulate(GetParam())) GTEST_SKIP() << kEmulationNeeds;
  const Board& board = GetParam();
  for (const auto& level : {std::vector<std::string>{"-Os"}, {"-O3", "-DATML_UNROLL=1"}}) {
    HostProgram program = emulated_program(board);
    std::erase_if(program.flags, [](const std::string& flag) { return flag.starts_with("-O"); });
    program.flags.insert(program.flags.end(), level.begin(), level.end());
    const auto seed = 900 + static_cast<std::uint64_t>(board.core);
    expect_same_layers(random_models(6, seed, quantize::Rounding::kDouble), program);
    expect_same_layers(chain_models(6, seed, quantize::Rounding::kDouble), program, streamed());
  }
}

INSTANTIATE_TEST_SUITE_P(Cores, Emulated, ::testing::ValuesIn(kBoards),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace atml::codegen
