#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <thread>
#include <tuple>

#include "base/files.h"
#include "base/process.h"
#include "deploy/alternatives.h"
#include "deploy/analytic.h"
#include "deploy/build_folder.h"
#include "deploy/builtin.h"
#include "deploy/doctor.h"
#include "deploy/explain.h"
#include "deploy/run_model.h"
#include "network/network.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"

namespace atml::deploy {
namespace {

using network::Network;
using quantize::Int8Model;

// Adds layers one behind the other.
class Chain {
 public:
  explicit Chain(Shape input) : network_(input) {}
  Chain& then(network::Op op) {
    const auto index = network_.add(std::move(op), {last_});
    EXPECT_TRUE(index.ok()) << index.error().message;
    last_ = *index;
    return *this;
  }
  Chain& add_to(int other) {
    last_ = *network_.add(network::Add{}, {last_, other});
    return *this;
  }
  int last() const { return last_; }
  const Network& network() const { return network_; }

 private:
  Network network_;
  int last_ = 0;
};

network::Window square(int kernel, int stride) {
  return {.kernel_h = kernel, .kernel_w = kernel, .stride_h = stride, .stride_w = stride};
}

// A small image network with every common kind of layer.
Network image_network(int width = 8) {
  Chain chain({12, 12, 3});
  chain.then(network::Conv{.filters = width, .window = square(3, 2)})
      .then(network::BatchNorm{})
      .then(network::Activate{});
  const int shortcut = chain.last();
  chain.then(network::Depthwise{.window = square(3, 1)})
      .then(network::BatchNorm{})
      .then(network::Activate{});
  chain.then(network::Conv{.filters = width}).then(network::BatchNorm{}).add_to(shortcut);
  chain.then(network::MaxPool{square(2, 2)})
      .then(network::Conv{.filters = 2 * width, .bias = true})
      .then(network::Activate{});
  chain.then(network::GlobalAveragePool{})
      .then(network::Flatten{})
      .then(network::Dense{.units = 10});
  return chain.network();
}

Network signal_network() {
  Chain chain({32, 1, 3});
  chain.then(network::Conv{.filters = 8, .window = {.kernel_h = 5, .stride_h = 2}, .bias = true})
      .then(network::Activate{});
  chain.then(network::Depthwise{.window = {.kernel_h = 3}, .bias = true})
      .then(network::Conv{.filters = 12, .bias = true});
  chain.then(network::Activate{})
      .then(network::Flatten{})
      .then(network::Dense{.units = 16})
      .then(network::Activate{});
  chain.then(network::Dense{.units = 6});
  return chain.network();
}

target::Target part(const std::string& name) {
  const auto found = target::find_target(name);
  EXPECT_TRUE(found.ok()) << found.error().message;
  return *found;
}

std::vector<std::int8_t> interpret(const Int8Model& model, const std::vector<std::int8_t>& inputs,
                                   std::size_t n) {
  quantize::Interpreter interpreter(model);
  const std::size_t in = inputs.size() / n;
  const auto out = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
  std::vector<std::int8_t> outputs(n * out);
  for (std::size_t i = 0; i < n; ++i) {
    interpreter.run(std::span(inputs).subspan(i * in, in),
                    std::span(outputs).subspan(i * out, out));
  }
  return outputs;
}

std::size_t distinct_samples(const std::vector<std::int8_t>& outputs, std::size_t n) {
  std::set<std::vector<std::int8_t>> seen;
  const std::size_t size = outputs.size() / n;
  for (std::size_t i = 0; i < n; ++i)
    seen.emplace(outputs.begin() + static_cast<std::ptrdiff_t>(i * size),
                 outputs.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
  return seen.size();
}

class OnEveryCore : public testing::TestWithParam<const char*> {};

TEST_P(OnEveryCore, TheEmulatedPartAgreesWithTheInterpreter) {
  for (const Network& network : {image_network(), signal_network()}) {
    const Int8Model model = quantize::random_model(network, 11);
    const std::vector<std::int8_t> inputs = quantize::random_inputs(model, 20, 5);
    const std::vector<std::int8_t> expected = interpret(model, inputs, 20);
    ASSERT_GE(distinct_samples(expected, 20), 15u) << "a dead network proves nothing";
    const auto outputs = run_on_mcu(model, part(GetParam()), inputs, 20);
    ASSERT_TRUE(outputs.ok()) << outputs.error().message;
    EXPECT_EQ(*outputs, expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Cores, OnEveryCore,
                         testing::Values("stm32l053r8", "stm32f103c8", "stm32f401re", "stm32f746ng",
                                         "nrf5340", "mps3-an547"),
                         [](const auto& core) {
                           std::string n = core.param;
                           std::erase(n, '-');
                           return n;
                         });

TEST(RunOnHost, AgreesWithTheInterpreterAlsoUnderSanitizers) {
  const Int8Model model = quantize::random_model(image_network(), 3);
  const std::vector<std::int8_t> inputs = quantize::random_inputs(model, 50, 6);
  const std::vector<std::int8_t> expected = interpret(model, inputs, 50);
  for (const bool sanitizers : {false, true}) {
    const auto outputs = run_on_host(model, inputs, 50, {.sanitizers = sanitizers});
    ASSERT_TRUE(outputs.ok()) << outputs.error().message;
    EXPECT_EQ(*outputs, expected);
  }
}

class Builtin : public testing::Test {
 protected:
  // One oracle for all tests, as for all workers: it keeps the compiled kernels.
  static void SetUpTestSuite() {
    auto oracle = BuiltinOracle::create();
    ASSERT_TRUE(oracle.ok()) << oracle.error().message;
    oracle_ = std::move(*oracle).release();
  }
  static void TearDownTestSuite() { delete std::exchange(oracle_, nullptr); }
  Deployability check(const Int8Model& model, const target::Target& target,
                      const target::Limits& limits) {
    const auto d = oracle_->check(model, target, limits, StopToken());
    EXPECT_TRUE(d.ok()) << d.error().message;
    return *d;
  }
  static inline BuiltinOracle* oracle_ = nullptr;
};

TEST_F(Builtin, FiguresAreCompleteAndAddUp) {
  const Int8Model model = quantize::random_model(image_network(), 1);
  const target::Target target = part("stm32f401re");
  const Deployability d = check(model, target, full_limits(target));
  ASSERT_TRUE(d.computable) << d.reason;
  EXPECT_TRUE(d.deployable());
  EXPECT_EQ(d.ram, d.arena + d.statics + d.stack);
  EXPECT_EQ(d.flash, d.flash_split.weights + d.flash_split.tables + d.flash_split.code +
                         d.flash_split.startup);
  EXPECT_GE(d.arena.value, 12 * 12 * 3);  // at least the input
  EXPECT_LE(d.statics.value, 64);         // what main has
  EXPECT_GE(d.stack.value, 64);
  EXPECT_LE(d.stack.value, 1024);
  EXPECT_GE(d.flash_split.startup.value, 64);
  EXPECT_LE(d.flash_split.startup.value, 1024);
  const std::int64_t parameters = 3 * 9 * 8 + 9 * 8 + 8 * 8 + 8 * 16 + 16 * 10;
  EXPECT_GE(d.flash_split.weights.value, parameters);
  EXPECT_LE(d.flash_split.weights.value, 2 * parameters);
  EXPECT_GT(d.instructions.value, model.macs().value);  // int8 without MVE: about one to ten a MAC
  EXPECT_LT(d.instructions.value, 40 * model.macs().value);
  EXPECT_LT(d.cycles.low, d.cycles.mid);
  EXPECT_LT(d.cycles.mid, d.cycles.high);
  EXPECT_DOUBLE_EQ(d.latency.value, static_cast<double>(d.cycles.mid.value) / 84e6);
  EXPECT_NEAR(d.energy.value, d.latency.value * 3.3 * 146e-6 * 84, 1e-12);
  ASSERT_EQ(d.layers.size(), model.ops.size());
  std::int64_t instructions = 0;
  for (const LayerCost& layer : d.layers) instructions += layer.instructions.value;
  EXPECT_LE(instructions, d.instructions.value + static_cast<std::int64_t>(d.layers.size()));
  EXPECT_GE(instructions, d.instructions.value * 99 / 100);  // the rest: the calls in model_run
}

TEST_F(Builtin, TheSameModelGivesTheSameFigures) {
  const Int8Model model = quantize::random_model(signal_network(), 2);
  const target::Target target = part("nrf52840");
  const Deployability a = check(model, target, full_limits(target));
  const Deployability b = check(model, target, full_limits(target));
  ASSERT_TRUE(a.computable && b.computable);
  EXPECT_EQ(a.flash, b.flash);
  EXPECT_EQ(a.ram, b.ram);
  EXPECT_EQ(a.instructions, b.instructions);
  EXPECT_EQ(a.cycles.mid, b.cycles.mid);
}

TEST_F(Builtin, SaysByHowManyBytesTheFlashLimitIsBroken) {
  const Int8Model model = quantize::random_model(image_network(), 1);
  const target::Target target = part("stm32f401re");
  target::Limits limits = full_limits(target);
  const Deployability fits = check(model, target, limits);
  limits.flash = fits.flash;
  EXPECT_TRUE(check(model, target, limits).deployable());  // the last byte
  limits.flash = fits.flash - Bytes(1);
  const Deployability d = check(model, target, limits);
  ASSERT_TRUE(d.computable);
  ASSERT_EQ(d.violations.size(), 1u);
  EXPECT_EQ(d.violations[0].limit, Limit::kFlash);
  EXPECT_EQ(d.violations[0].used - d.violations[0].allowed, 1);
  EXPECT_EQ(d.cycles.mid, Cycles(0));
  EXPECT_NE(d.origin.find("not emulated"), std::string::npos);
}

TEST_F(Builtin, ExactSizesAlsoWhenThePartIsTooSmall) {
  const Int8Model model = quantize::random_model(image_network(64), 1);
  target::Target target = part("stm32l053r8");
  const Deployability large = check(model, part("stm32g0b1re"), full_limits(part("stm32g0b1re")));
  target.flash.size = Bytes(8 << 10);
  target.ram.size = Bytes(2 << 10);
  BuiltinOptions options;  // the same code as on the large part: rows would be streamed here
  options.streaming = codegen::Streaming::kOff;
  auto oracle = BuiltinOracle::create(options);
  ASSERT_TRUE(oracle.ok()) << oracle.error().message;
  const auto verdict = (*oracle)->check(model, target, full_limits(target), StopToken());
  ASSERT_TRUE(verdict.ok()) << verdict.error().message;
  const Deployability& d = *verdict;
  ASSERT_TRUE(d.computable) << d.reason;
  ASSERT_EQ(d.violations.size(), 2u);
  EXPECT_EQ(d.flash, large.flash);  // the same core
  EXPECT_EQ(d.ram, large.arena + large.statics);
}

TEST_F(Builtin, TheStackCanBreakTheRamLimit) {
  const Int8Model model = quantize::random_model(signal_network(), 2);
  const target::Target target = part("stm32f401re");
  target::Limits limits = full_limits(target);
  limits.ram = check(model, target, limits).ram - Bytes(1);
  const Deployability d = check(model, target, limits);
  ASSERT_EQ(d.violations.size(), 1u);
  EXPECT_EQ(d.violations[0].limit, Limit::kRam);
  EXPECT_GT(d.stack.value, 0);
}

TEST_F(Builtin, ARunawayIsNotComputable) {
  const Int8Model model = quantize::random_model(image_network(), 1);
  const target::Target target = part("stm32f401re");
  auto impatient = BuiltinOracle::create({.slowest_seconds = 1e-9});
  ASSERT_TRUE(impatient.ok());
  target::Target slow = target;
  slow.clock_hz = 1;
  const auto d = (*impatient)
                     ->check(quantize::random_model(image_network(160), 1), slow, full_limits(slow),
                             StopToken());
  ASSERT_TRUE(d.ok());
  EXPECT_FALSE(d->computable);
  EXPECT_NE(d->reason.find("runaway: more than"), std::string::npos) << d->reason;
}

TEST_F(Builtin, TheAnalyticBoundNeverExcludesWhatFits) {
  AnalyticOracle analytic;
  for (const char* name : {"stm32l053r8", "stm32f103c8", "stm32f401re", "nrf5340"}) {
    for (const Network& network : {image_network(), signal_network()}) {
      const Int8Model model = quantize::random_model(network, 4);
      const target::Target target = part(name);
      const Deployability exact = check(model, target, full_limits(target));
      ASSERT_TRUE(exact.computable) << exact.reason;
      target::Limits limits = full_limits(target);
      limits.latency = exact.latency;
      const auto bound = analytic.check(model, target, limits, StopToken());
      ASSERT_TRUE(bound.ok() && bound->computable);
      EXPECT_EQ(bound->arena, exact.arena) << name;
      EXPECT_LE(bound->ram, exact.ram) << name;
      EXPECT_LE(bound->latency, exact.latency) << name;
      EXPECT_NEAR(static_cast<double>(bound->flash.value), static_cast<double>(exact.flash.value),
                  0.25 * static_cast<double>(exact.flash.value))
          << name;
    }
  }
}

TEST_F(Builtin, WorkersShareTheOracle) {
  const target::Target target = part("stm32f401re");
  const auto figures = [&](std::uint64_t seed) {
    const Deployability d =
        check(quantize::random_model(seed % 2 == 0 ? image_network() : signal_network(), seed),
              target, full_limits(target));
    return std::tuple(d.computable, d.flash.value, d.ram.value, d.instructions.value);
  };
  std::vector<std::thread> workers;
  std::vector<decltype(figures(0))> together(4);
  for (std::size_t i = 0; i < together.size(); ++i)
    workers.emplace_back([&, i] { together[i] = figures(i); });
  for (std::thread& worker : workers) worker.join();
  for (std::size_t i = 0; i < together.size(); ++i) EXPECT_EQ(together[i], figures(i)) << i;
}

TEST_F(Builtin, RiscVPartsAreLinkedAndEmulated) {
  const Int8Model model = quantize::random_model(image_network(), 1);
  const target::Target target = part("gd32vf103cb");
  const Deployability d = check(model, target, full_limits(target));
  if (!find_program("riscv64-unknown-elf-gcc").ok() || !find_program("qemu-system-riscv32").ok()) {
    EXPECT_FALSE(d.computable);
    EXPECT_NE(d.reason.find("install the Debian package"), std::string::npos) << d.reason;
    return;
  }
  ASSERT_TRUE(d.computable) << d.reason;
  EXPECT_TRUE(d.deployable());
  EXPECT_NE(d.origin.find("riscv64-unknown-elf-gcc"), std::string::npos) << d.origin;
  EXPECT_GT(d.stack.value, 100);
  EXPECT_GT(d.instructions.value, model.macs().value);
  EXPECT_GE(d.cycles.low.value, d.instructions.value);
  EXPECT_LT(d.cycles.low.value, d.cycles.mid.value);
  EXPECT_LT(d.cycles.mid.value, d.cycles.high.value);
  // Everything is somewhere: the split, and the instructions of the layers.
  const FlashSplit& split = d.flash_split;
  EXPECT_EQ(split.weights + split.tables + split.code + split.startup, d.flash);
  std::int64_t layers = 0;
  for (const LayerCost& layer : d.layers) layers += layer.instructions.value;
  EXPECT_LE(layers, d.instructions.value);
  EXPECT_GT(layers, d.instructions.value * 99 / 100);

  const auto inputs = quantize::random_inputs(model, 3, 7);
  const auto outputs = run_on_mcu(model, target, inputs, 3, {});
  ASSERT_TRUE(outputs.ok()) << outputs.error().message;
  quantize::Interpreter interpreter(model);
  const std::size_t in = inputs.size() / 3, out = outputs->size() / 3;
  std::vector<std::int8_t> expected(outputs->size());
  for (std::size_t i = 0; i < 3; ++i)
    interpreter.run(std::span(inputs).subspan(i * in, in),
                    std::span(expected).subspan(i * out, out));
  EXPECT_EQ(*outputs, expected);
}

TEST_F(Builtin, APartThatIsTooSmallForRiscVCodeSaysByHowMuch) {
  if (!find_program("riscv64-unknown-elf-gcc").ok())
    GTEST_SKIP() << "needs gcc-riscv64-unknown-elf";
  target::Target small = part("gd32vf103cb");
  small.flash.size = Bytes(2048);
  const Deployability d =
      check(quantize::random_model(image_network(), 1), small, full_limits(small));
  ASSERT_TRUE(d.computable) << d.reason;
  EXPECT_GT(d.flash.value, 2048);
  ASSERT_EQ(d.violations.size(), 1u);
  EXPECT_EQ(d.violations[0].limit, Limit::kFlash);
}

TEST_F(Builtin, ExplainsImpossibleLimitsWithTheRealCatalogue) {
  const Int8Model model = quantize::random_model(image_network(), 1);
  const target::Target target = part("stm32f401re");
  target::Limits limits = full_limits(target);
  limits.flash = Bytes(4096);
  const Deployability d = check(model, target, limits);
  ASSERT_FALSE(d.deployable());
  const auto catalogue = target::catalogue();
  ASSERT_TRUE(catalogue.ok());
  const auto e = explain(*oracle_, {}, model, target, limits, d, *catalogue, StopToken());
  ASSERT_TRUE(e.ok()) << e.error().message;
  ASSERT_EQ(e->binding.size(), 1u);
  ASSERT_GE(e->suggestions.size(), 2u) << e->text();
  EXPECT_EQ(e->suggestions[0], fmt::format("the same network with --flash {}", d.flash.value));
}

// Small weights in a dense layer: the build is offered, and its figures are those of the ELF.
TEST_F(Builtin, CompressedWeightsAreOfferedWhereTheySaveFlash) {
  network::Network net(Shape{1, 1, 96});
  *net.add(network::Dense{64, true}, {0});
  quantize::Int8Model model = quantize::random_model(net, 7);
  for (auto& op : model.ops) {
    auto* dense = std::get_if<quantize::Dense>(&op.kind);
    if (dense == nullptr) continue;
    for (auto& w : dense->filter.weights) w = static_cast<std::int8_t>(w / 16);
  }
  ASSERT_TRUE(model.verify().ok());
  const target::Target target = part("stm32l476rg");
  BuiltinOptions options;
  Alternatives builds;
  ASSERT_TRUE(add_compressed(options, model, target, builds).ok());
  ASSERT_EQ(builds.list.size(), 1u);
  EXPECT_EQ(builds.list[0].name, "--compress-weights");
  const auto limits = target::full_limits(target);
  const auto plain = BuiltinOracle::create(options);
  ASSERT_TRUE(plain.ok());
  const auto before = (*plain)->check(model, target, limits, StopToken());
  const auto after = builds.list[0].oracle->check(model, target, limits, StopToken());
  ASSERT_TRUE(before.ok() && after.ok() && before->computable && after->computable);
  EXPECT_LT(after->flash.value, before->flash.value - 2000);
  EXPECT_GT(after->instructions.value, before->instructions.value);
  EXPECT_EQ(after->arena, before->arena);
  options.compress_weights = true;  // already so
  ASSERT_TRUE(add_compressed(options, model, target, builds).ok());
  EXPECT_EQ(builds.list.size(), 1u);
}

TEST_F(Builtin, TheExportedFolderBuildsAloneToTheSameSizes) {
  const Int8Model model = quantize::random_model(image_network(), 1);
  const target::Target target = part("stm32f401re");
  const Deployability d = check(model, target, full_limits(target));
  const auto firmware = codegen::firmware_folder(model, target, {});
  ASSERT_TRUE(firmware.ok()) << firmware.error().message;
  auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  for (const codegen::File& file : firmware->files)
    ASSERT_TRUE(write_file(folder->path() / file.path, file.bytes).ok());
  const auto built = build_firmware_folder(folder->path());
  ASSERT_TRUE(built.ok()) << built.error().message;
  EXPECT_EQ(built->flash, d.flash);
  EXPECT_EQ(built->statics, d.arena + d.statics);
}

TEST(BuildFolder, AFailingMakeSaysWhy) {
  auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  EXPECT_FALSE(build_firmware_folder(folder->path()).ok());
  ASSERT_TRUE(write_file(folder->path() / "Makefile", "all:\n\t@echo cannot go on; exit 3\n").ok());
  const auto built = build_firmware_folder(folder->path());
  ASSERT_FALSE(built.ok());
  EXPECT_NE(built.error().message.find("cannot go on"), std::string::npos) << built.error().message;
}

TEST(BuiltinOracleCreate, MissingEmulatorNamesThePackage) {
  // A PATH with the compiler only.
  auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  std::filesystem::create_symlink("/usr/bin/arm-none-eabi-gcc",
                                  folder->path() / "arm-none-eabi-gcc");
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", folder->path().c_str(), 1);
  const auto oracle = BuiltinOracle::create();
  const auto tools = examine_tools();
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_FALSE(oracle.ok());
  EXPECT_EQ(oracle.error().message,
            "'qemu-system-arm' is not in PATH; install the Debian package qemu-system-arm");
  for (const Tool& tool : tools) {
    if (tool.name == "qemu-system-arm") {
      EXPECT_EQ(tool.problem, "not in PATH; install the Debian package qemu-system-arm");
    }
  }
}

TEST(BuiltinOracleCreate, WithoutTheRiscVToolsOnlyThosePartsAreNotComputable) {
  // A PATH with what Cortex-M needs.
  auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  for (const char* name : {"arm-none-eabi-gcc", "qemu-system-arm"}) {
    const auto path = find_program(name);
    if (!path.ok()) GTEST_SKIP() << "needs " << name;
    std::filesystem::create_symlink(*path, folder->path() / name);
  }
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", folder->path().c_str(), 1);
  const auto oracle = BuiltinOracle::create();
  const auto on = [&](const char* name) {
    const auto target = target::find_target(name);
    return (*oracle)->check(quantize::random_model(signal_network(), 1), *target,
                            full_limits(*target), StopToken());
  };
  ASSERT_TRUE(oracle.ok()) << oracle.error().message;
  const auto arm = on("stm32f401re"), riscv = on("esp32-c3");
  const auto tools = examine_tools();
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_TRUE(arm.ok() && riscv.ok());
  EXPECT_TRUE(arm->computable) << arm->reason;
  EXPECT_FALSE(riscv->computable);
  EXPECT_EQ(riscv->reason,
            "'riscv64-unknown-elf-gcc' is not in PATH; install the Debian package "
            "gcc-riscv64-unknown-elf");
  for (const Tool& tool : tools) {
    if (tool.name.starts_with("riscv") || tool.name.ends_with("riscv32")) {
      EXPECT_FALSE(tool.required);
      EXPECT_NE(tool.problem, "");
    }
  }
}

TEST(Doctor, FindsWhatThisMachineHas) {
  for (const Tool& tool : examine_tools()) {
    if (tool.required) {
      EXPECT_TRUE(tool.found) << tool.name << ": " << tool.problem;
    }
    if (tool.found && !tool.package.empty()) {
      EXPECT_FALSE(tool.version.empty()) << tool.name;
    }
  }
}

}  // namespace
}  // namespace atml::deploy
