#include <gtest/gtest.h>

#include <set>

#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "quantize/random_network.h"

namespace atml::quantize {
namespace {

std::set<std::int8_t> values_of(const std::vector<std::vector<std::int8_t>>& runs) {
  std::set<std::int8_t> seen;
  for (const auto& run : runs) seen.insert(run.begin(), run.end());
  return seen;
}

TEST(RandomModel, VerifiesForEveryNetwork) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto network = RandomNetwork(seed).make();
    const Status structure = structure_model(network).verify();
    ASSERT_TRUE(structure.ok()) << seed << ": " << structure.error().message << "\n"
                                << network.text();
    const Status random = random_model(network, seed).verify();
    ASSERT_TRUE(random.ok()) << seed << ": " << random.error().message << "\n" << network.text();
  }
}

TEST(RandomModel, HasTheOperatorsOfTheStructure) {
  const auto network = RandomNetwork(7).make();
  const Int8Model a = structure_model(network);
  const Int8Model b = random_model(network, 3);
  ASSERT_EQ(a.ops.size(), b.ops.size());
  for (std::size_t i = 0; i < a.ops.size(); ++i) {
    EXPECT_EQ(a.ops[i].name, b.ops[i].name);
    EXPECT_EQ(a.ops[i].kind.index(), b.ops[i].kind.index());
  }
  EXPECT_EQ(a.macs(), b.macs());
  EXPECT_EQ(a.macs(), network.macs());
}

// A dead model gives equal bytes for different inputs: then equal outputs prove nothing.
TEST(RandomModel, IsAliveInEveryLayer) {
  constexpr int kInputs = 6;
  int alive_outputs = 0;
  constexpr int kModels = 200;
  for (std::uint64_t seed = 0; seed < kModels; ++seed) {
    const auto network = RandomNetwork(seed).make();
    const Int8Model model = random_model(network, seed);
    Interpreter interpreter(model);
    const auto inputs = random_inputs(model, kInputs, seed + 1000);
    const std::size_t size = inputs.size() / kInputs;
    std::vector<std::int8_t> out(
        static_cast<std::size_t>(model.tensor(model.output).shape.elements()));
    std::vector<std::vector<std::vector<std::int8_t>>> runs(model.ops.size());
    for (std::size_t n = 0; n < kInputs; ++n) {
      interpreter.run(std::span(inputs).subspan(n * size, size), out);
      for (std::size_t i = 0; i < model.ops.size(); ++i)
        runs[i].push_back(interpreter.activation(model.ops[i].output));
    }
    for (std::size_t i = 0; i < model.ops.size(); ++i) {
      const std::set<std::vector<std::int8_t>> distinct(runs[i].begin(), runs[i].end());
      EXPECT_GE(distinct.size(), 2u) << seed << " op " << model.ops[i].name << "\n"
                                     << network.text();
      const auto seen = values_of(runs[i]);
      const std::size_t produced = runs[i].size() * runs[i][0].size();
      if (produced > 200) {
        EXPECT_GE(seen.size(), 20u) << seed << " op " << model.ops[i].name << "\n"
                                    << network.text();
      }
    }
    alive_outputs +=
        std::set<std::vector<std::int8_t>>(runs.back().begin(), runs.back().end()).size() >=
        kInputs - 1;
  }
  EXPECT_GE(alive_outputs, kModels * 97 / 100);
}

TEST(RandomModel, IsDeterministic) {
  const auto network = RandomNetwork(11).make();
  const Int8Model a = random_model(network, 5), b = random_model(network, 5),
                  c = random_model(network, 6);
  bool other_seed_differs = false;
  for (std::size_t i = 0; i < a.ops.size(); ++i) {
    const auto* x = std::get_if<Dense>(&a.ops[i].kind);
    if (x == nullptr) continue;
    EXPECT_EQ(x->filter.weights, std::get<Dense>(b.ops[i].kind).filter.weights);
    other_seed_differs |= x->filter.weights != std::get<Dense>(c.ops[i].kind).filter.weights;
  }
  EXPECT_TRUE(other_seed_differs);
}

}  // namespace
}  // namespace atml::quantize
