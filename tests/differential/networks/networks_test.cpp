// Random networks, half of them from the built-in spaces, agree byte for byte after every layer in
// the reference interpreter, in C on this computer (gcc, clang, sanitizers) and on emulated cores.
//   ATML_DIFFERENTIAL_FIRST, ATML_DIFFERENTIAL_COUNT   which networks (default 0 and 60)
//   ATML_DIFFERENTIAL_OPTIMIZE    speed, balanced or size for all (default: drawn by number)
// A network that differs is shrunk, and what is left of it is printed with its number.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "codegen/emulated_program_test.h"
#include "codegen/random_models_test.h"
#include "shrink.h"
#include "space/decode.h"
#include "space/space.h"

namespace atml::differential {
namespace {

using namespace codegen;
using namespace codegen::testing;

constexpr std::size_t kBatch = 20;  // networks a program
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

// How a network is built. Drawn apart from the network, so that its number means the same in all.
struct Build {
  Optimize optimize = Optimize::kBalanced;
  Streaming streaming = Streaming::kAuto;

  Options options() const {
    Options options;
    options.optimize = optimize;
    options.streaming = streaming;
    return options;
  }
  std::string text() const {
    return fmt::format("--optimize {} --streaming {}", to_string(optimize), to_string(streaming));
  }
};

Build build_of(int number) {
  Rng rng = Rng::derive(static_cast<std::uint64_t>(number), "differential build", 0);
  const double draw = rng.uniform();
  Build build;
  if (draw >= 0.5) build.optimize = draw < 0.8 ? Optimize::kSpeed : Optimize::kSize;
  if (rng.chance(0.25)) build.streaming = Streaming::kOn;
  const char* forced = std::getenv("ATML_DIFFERENTIAL_OPTIMIZE");
  if (forced == nullptr || *forced == '\0') return build;
  const auto optimize = parse_optimize(forced);
  if (!optimize.ok()) throw std::runtime_error(optimize.error().message);
  build.optimize = *optimize;
  return build;
}

// A compiler with the flags of such a build, but for the level where sanitizers have their own.
HostProgram built_for(const HostProgram& plain, Optimize optimize) {
  HostProgram program = plain;
  const bool sanitized = std::ranges::count(plain.flags, std::string("-O1")) > 0;
  for (const std::string& flag : compile_flags(plain.target, optimize)) {
    const bool level = flag.starts_with("-O");
    if ((level && !sanitized) || flag.starts_with("-D")) program.flags.push_back(flag);
  }
  return program;
}

bool differs(const quantize::Int8Model& model, const HostProgram& program, const Build& build) {
  const auto out = program.run({model}, build.options(), kInputs);
  return !out.ok() || *out != expected_layers({model}, kInputs);
}

void compare(const std::vector<int>& numbers, const HostProgram& program) {
  std::vector<quantize::Int8Model> models;
  std::vector<Options> options;
  for (const int n : numbers) {
    models.push_back(model_number(n));
    options.push_back(build_of(n).options());
  }
  const auto out = program.run_each(models, options, kInputs);
  if (out.ok() && *out == expected_layers(models, kInputs)) return;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const Build build = build_of(numbers[i]);
    const Check fails = [&](const quantize::Int8Model& m) { return differs(m, program, build); };
    if (!fails(models[i])) continue;
    ADD_FAILURE() << "network " << numbers[i] << " differs with " << build.text()
                  << "; shrunk to:\n"
                  << describe(shrink(models[i], fails));
    return;
  }
  ADD_FAILURE() << "networks from " << numbers[0] << " with --optimize "
                << to_string(options[0].optimize) << " fail together: "
                << (out.ok() ? "other bytes" : out.error().message.substr(0, 2000));
}

// Programs of networks that share compiler flags.
void compare_all(const HostProgram& plain) {
  const int first = environment("ATML_DIFFERENTIAL_FIRST", 0);
  const int count = environment("ATML_DIFFERENTIAL_COUNT", 60);
  std::map<Optimize, std::vector<int>> waiting;
  for (int n = first; n < first + count; ++n) {
    const Optimize optimize = build_of(n).optimize;
    std::vector<int>& numbers = waiting[optimize];
    numbers.push_back(n);
    if (numbers.size() < kBatch) continue;
    compare(numbers, built_for(plain, optimize));
    numbers.clear();
  }
  for (const auto& [optimize, numbers] : waiting) {
    if (!numbers.empty()) compare(numbers, built_for(plain, optimize));
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

TEST(Networks, AreBuiltInEveryWay) {
  std::map<Optimize, int> count;
  int streamed = 0;
  for (int n = 0; n < 60; ++n) {
    const Build build = build_of(n);
    ++count[build.optimize];
    streamed += build.streaming == Streaming::kOn;
  }
  if (std::getenv("ATML_DIFFERENTIAL_OPTIMIZE") != nullptr) GTEST_SKIP() << "forced";
  EXPECT_GT(count[Optimize::kBalanced], count[Optimize::kSpeed]);
  EXPECT_GE(count[Optimize::kSpeed], 10);
  EXPECT_GE(count[Optimize::kSize], 5);
  EXPECT_GE(streamed, 8);
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
