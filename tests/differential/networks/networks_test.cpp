// Random networks, half of them from the built-in spaces, agree byte for byte after every layer in
// the reference interpreter, in C on this computer (gcc, clang, sanitizers) and on emulated cores.
//   ATML_DIFFERENTIAL_FIRST, ATML_DIFFERENTIAL_COUNT   which networks (default 0 and 60)
// A network that differs is shrunk, and what is left of it is printed with its number.
#include <gtest/gtest.h>

#include <cstdlib>

#include "codegen/emulated_program_test.h"
#include "codegen/random_models_test.h"
#include "shrink.h"
#include "space/decode.h"
#include "space/space.h"

namespace atml::differential {
namespace {

using namespace codegen;
using namespace codegen::testing;

constexpr int kBatch = 20;  // networks a program
constexpr std::size_t kInputs = 4;
constexpr std::int64_t kMostMacs = 150'000;
constexpr std::int64_t kMostBytes = 20'000;  // of weights: 20 networks must fit the smallest board

int environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::atoi(text) : otherwise;
}

bool small_enough(const quantize::Int8Model& model) {
  std::int64_t weights = 0, largest = 0;
  for (const auto& op : model.ops) {
    if (const auto* filter = filter_of(op))
      weights += static_cast<std::int64_t>(filter->weights.size());
    largest = std::max(largest, model.output_of(op).shape.elements());
  }
  return model.macs().value <= kMostMacs && weights <= kMostBytes && largest <= 6000;
}

// Every weight layer of 4 bits where the draw says so.
network::Network with_bits(const network::Network& net, Rng& rng) {
  network::Network copy(net.layer(0).output);
  for (std::size_t i = 1; i < net.layers().size(); ++i) {
    network::Op op = net.layers()[i].op;
    const int bits = rng.chance(0.3) ? 4 : 8;
    if (auto* c = std::get_if<network::Conv>(&op)) c->weight_bits = bits;
    if (auto* d = std::get_if<network::Depthwise>(&op)) d->weight_bits = bits;
    if (auto* d = std::get_if<network::Dense>(&op)) d->weight_bits = bits;
    const auto added = copy.add(op, net.layers()[i].inputs);
    ATML_ASSERT(added.ok(), "a network with other weight bits");
  }
  return copy;
}

std::optional<quantize::Int8Model> from_space(std::uint64_t number) {
  struct Case {
    const char* space;
    Shape input;
  };
  constexpr Case kCases[] = {{"image", {12, 12, 3}}, {"signal", {40, 1, 3}}, {"table", {1, 1, 13}}};
  const Case& c = kCases[number / 2 % 3];
  const auto space = space::load_space(c.space);
  if (!space.ok()) return {};
  for (std::uint64_t attempt = 0; attempt < 40; ++attempt) {
    Rng rng = Rng::derive(number, "differential space", attempt);
    const auto net = space::decode(space->sample(rng), c.input, 5);
    if (!net.ok()) continue;
    auto model = quantize::random_model(with_bits(*net, rng), number);
    if (small_enough(model)) return model;
  }
  return {};
}

quantize::Int8Model model_number(int number) {
  const auto n = static_cast<std::uint64_t>(number);
  if (number % 2 == 1) {
    if (auto model = from_space(n)) return *std::move(model);
  }
  return random_models(1, 100'000 + n, quantize::Rounding::kDouble)[0];
}

bool differs(const quantize::Int8Model& model, const HostProgram& program) {
  const auto out = program.run({model}, {}, kInputs);
  return !out.ok() || *out != expected_layers({model}, kInputs);
}

void compare_all(const HostProgram& program) {
  const int first = environment("ATML_DIFFERENTIAL_FIRST", 0);
  const int count = environment("ATML_DIFFERENTIAL_COUNT", 60);
  for (int start = first; start < first + count; start += kBatch) {
    std::vector<quantize::Int8Model> models;
    for (int n = start; n < std::min(start + kBatch, first + count); ++n)
      models.push_back(model_number(n));
    const auto out = program.run(models, {}, kInputs);
    if (out.ok() && *out == expected_layers(models, kInputs)) continue;
    bool found = false;
    for (std::size_t i = 0; i < models.size() && !found; ++i) {
      const Check fails = [&](const quantize::Int8Model& m) { return differs(m, program); };
      if (!fails(models[i])) continue;
      found = true;
      ADD_FAILURE() << "network " << start + static_cast<int>(i) << " differs; shrunk to:\n"
                    << describe(shrink(models[i], fails));
    }
    if (!found) {
      ADD_FAILURE() << "networks from " << start << " fail together: "
                    << (out.ok() ? "other bytes" : out.error().message.substr(0, 2000));
    }
  }
}

TEST(Networks, AgreeInCOfGcc) {
  HostProgram program;
  program.flags = {"-O2"};
  compare_all(program);
}

TEST(Networks, AgreeUnderSanitizers) {
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  compare_all(program);
}

TEST(Networks, AgreeInCOfClang) {
  HostProgram program;
  program.compiler = {find_program("clang-16").ok() ? "clang-16" : "clang"};
  if (!find_program(program.compiler[0]).ok()) GTEST_SKIP() << "needs clang-16 or clang";
  program.flags = {"-O2"};
  compare_all(program);
}

class Cores : public ::testing::TestWithParam<Board> {};

TEST_P(Cores, Agree) {
  if (!can_emulate(GetParam())) GTEST_SKIP() << kEmulationNeeds;
  compare_all(emulated_program(GetParam()));
}
INSTANTIATE_TEST_SUITE_P(Networks, Cores,
                         ::testing::Values(kBoards[0], kBoards[2], kBoards[4], kBoards[5],
                                           kBoards[6]),
                         [](const auto& test) { return std::string(test.param.name); });

// One more on one accumulator.
std::optional<quantize::Int8Model> disturbed(quantize::Int8Model model) {
  for (auto& op : model.ops) {
    auto* filter = const_cast<quantize::Filter*>(filter_of(op));
    if (filter == nullptr) continue;
    ++filter->bias[0];
    return model;
  }
  return {};
}

TEST(NegativeControl, AnAccumulatorThatIsOneTooHighIsCaught) {
  int tried = 0, caught = 0;
  for (int n = 0; n < 40; ++n) {
    const auto model = model_number(n);
    const auto wrong = disturbed(model);
    if (!wrong) continue;
    ++tried;
    caught += expected_layers({*wrong}, kInputs) != expected_layers({model}, kInputs);
  }
  // One in an accumulator is often less than one in the output.
  EXPECT_GT(caught, tried / 3) << "of " << tried;
}

TEST(NegativeControl, AWrongFirmwareIsCaughtAndShrunkToTheWrongOperator) {
  // The program adds 1000 to the bias of every depthwise channel 0; all else is right.
  const auto wrong = [](quantize::Int8Model model) {
    for (auto& op : model.ops) {
      if (auto* d = std::get_if<quantize::Depthwise>(&op.kind)) d->filter.bias[0] += 1000;
    }
    return model;
  };
  HostProgram program;
  for (int n = 0; n < 60; ++n) {
    const auto model = model_number(n);
    const auto has = [](const quantize::Op& op) {
      return std::holds_alternative<quantize::Depthwise>(op.kind);
    };
    if (std::ranges::count_if(model.ops, has) == 0 || model.ops.size() < 4) continue;
    const Check fails = [&](const quantize::Int8Model& m) {
      const auto out = program.run({wrong(m)}, {}, kInputs);
      return !out.ok() || *out != expected_layers({m}, kInputs);
    };
    ASSERT_TRUE(fails(model)) << "network " << n;
    const auto least = shrink(model, fails);
    EXPECT_EQ(least.ops.size(), 1u) << describe(least);
    EXPECT_TRUE(has(least.ops[0])) << describe(least);
    return;
  }
  FAIL() << "no network with a depthwise layer";
}

TEST(Networks, AreAlive) {
  int alive = 0;
  for (int n = 0; n < 40; ++n) {
    const auto model = model_number(n);
    const std::string bytes = expected_layers({model}, kInputs);
    const std::size_t size = bytes.size() / kInputs;
    const auto last = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
    alive += bytes.substr(size - last, last) != bytes.substr(2 * size - last, last);
  }
  EXPECT_GE(alive, 36);  // the rest end in few classes that tie
}

}  // namespace
}  // namespace atml::differential
