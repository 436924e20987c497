// What only compilers can say: the strict gate, both forms of the weights, the firmware folder, the
// estimate.
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "codegen/folder_test.h"

namespace atml::codegen {
namespace {

using namespace testing;
namespace fs = std::filesystem;

void expect_silent_gate(Streaming streaming) {
  const auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  Options options;
  options.streaming = streaming;
  options.self_test.emplace();
  const auto model = mixed_model();
  options.self_test->input.resize(16 * 16 * 3);
  options.self_test->output.resize(10);
  const auto firmware = firmware_folder(model, some_target(), options);
  ASSERT_TRUE(firmware.ok()) << firmware.error().message;
  write_all(*firmware, folder->path());
  std::vector<std::vector<std::string>> compilers;
  if (find_program("gcc").ok()) compilers.push_back({"gcc"});
  if (find_program("clang-16").ok()) compilers.push_back({"clang-16"});
  if (has_arm_compiler()) compilers.push_back({"arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb"});
  if (has_arm_compiler()) compilers.push_back({"arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"});
  if (has_arm_compiler()) compilers.push_back({"arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb"});
  if (find_program("riscv64-unknown-elf-gcc").ok())
    compilers.push_back({"riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32"});
  if (has_arm_compiler()) {
    compilers.push_back({"arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"});
  }
  ASSERT_FALSE(compilers.empty());
  for (auto argv : compilers) {
    const auto gate = strict_gate();
    argv.insert(argv.end(), gate.begin(), gate.end());
    argv.insert(argv.end(),
                {"-std=c99", "-ffreestanding", "-O1", "-fsyntax-only", "-I.", "-I./runtime/include",
                 "-I" + (resource_folder("runtime") / "include").string(), "model.c",
                 "model_weights.c", "main.c"});
    for (const std::string& source : host_runtime_sources())
      argv.push_back((resource_folder("runtime") / source).string());
    const auto result = run(argv, folder->path());
    EXPECT_TRUE(result.ok()) << result.error().message.substr(0, 2000);
  }
  ASSERT_TRUE(write_scratch_file(folder->path() / "use.cpp",
                                 "#include \"model.h\"\nint main() { return 0; }\n")
                  .ok());
  const auto cpp = run(
      {"g++", "-std=c++20", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "use.cpp"},
      folder->path());
  EXPECT_TRUE(cpp.ok()) << cpp.error().message;
}

TEST(Build, TheStrictGateIsSilent) {
  expect_silent_gate(Streaming::kOff);
  expect_silent_gate(Streaming::kOn);
}

// Sections of the linked production firmware ("size -A"), with the weights in the given form.
Result<std::string> linked_sizes(const Firmware& firmware, const fs::path& folder,
                                 const char* weights) {
  const auto t = some_target();
  const auto runtime = resource_folder("runtime");
  std::vector<std::string> objects;
  const auto compile = [&](std::vector<std::string> flags, const std::string& source) -> Status {
    const std::string object = (folder / (fs::path(source).filename().string() + ".o")).string();
    std::vector<std::string> argv{"arm-none-eabi-gcc"};
    argv.insert(argv.end(), flags.begin(), flags.end());
    argv.insert(argv.end(), {"-I" + folder.string(), "-Wa,-I" + folder.string(),
                             "-I" + (runtime / "include").string(), "-c", source, "-o", object});
    ATML_TRY(const auto out, run(argv));
    (void)out;
    objects.push_back(object);
    return {};
  };
  const auto flags = compile_flags(t, Optimize::kBalanced);
  for (const char* file : {"model.c", "main.c", weights})
    ATML_TRY_STATUS(compile(flags, (folder / file).string()));
  for (const auto& source : runtime_sources(t))
    ATML_TRY_STATUS(compile(flags, (runtime / source).string()));
  for (const auto& source : startup_sources(t))
    ATML_TRY_STATUS(compile(startup_flags(t), (runtime / source).string()));
  std::vector<std::string> argv{"arm-none-eabi-gcc"};
  argv.insert(argv.end(), objects.begin(), objects.end());
  argv.insert(argv.end(),
              {"-T", (folder / "link.ld").string(), "-o", (folder / "firmware.elf").string()});
  const auto link = link_flags(t);
  argv.insert(argv.end(), link.begin(), link.end());
  ATML_TRY(const auto linked, run(argv));
  (void)linked;
  (void)firmware;
  return run({"arm-none-eabi-size", "-A", "firmware.elf"}, folder);
}

std::int64_t section_size(const std::string& sizes, const std::string& section) {
  std::smatch match;
  const std::regex pattern("\\" + section + R"(\s+(\d+))");
  return std::regex_search(sizes, match, pattern) ? std::stoll(match[1]) : 0;
}

TEST(Build, BothFormsOfTheWeightsLinkToTheSameSizesAndTheEstimateIsNear) {
  if (!has_arm_compiler()) GTEST_SKIP() << "needs gcc-arm-none-eabi";
  const auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  const auto model = mixed_model();
  const auto firmware = generate(model, some_target(), {});
  ASSERT_TRUE(firmware.ok());
  write_all(*firmware, folder->path());
  const auto arrays = linked_sizes(*firmware, folder->path(), "model_weights.c");
  ASSERT_TRUE(arrays.ok()) << arrays.error().message;
  const auto blob = linked_sizes(*firmware, folder->path(), "model_weights.S");
  ASSERT_TRUE(blob.ok()) << blob.error().message;
  for (const char* section : {".text", ".data", ".arena", ".bss"}) {
    EXPECT_EQ(section_size(*arrays, section), section_size(*blob, section)) << section;
  }
  EXPECT_EQ(section_size(*blob, ".arena"), firmware->plan.arena.value);
  const std::int64_t flash = section_size(*blob, ".text") + section_size(*blob, ".data");
  const Estimate e = estimate(model, some_target(), {});
  EXPECT_EQ(e.arena, firmware->plan.arena);
  EXPECT_NEAR(static_cast<double>(e.flash.value), static_cast<double>(flash), 500.0);
  EXPECT_LE(e.flash.value, flash + 100);
}

// Conv, depthwise, pointwise and dense with weights of so many bits.
quantize::Int8Model filters_model(int bits) {
  using namespace network;
  Network net(Shape{16, 16, 4});
  int last = *net.add(Conv{32, Window{3, 3, 2, 2}, true, bits}, {0});
  last = *net.add(Depthwise{1, Window{3, 3}, true, bits}, {last});
  last = *net.add(Conv{64, Window{}, true, bits}, {last});
  last = *net.add(GlobalAveragePool{}, {last});
  last = *net.add(Dense{40, true, bits}, {last});
  return quantize::random_model(net, 5);
}

TEST(Build, WeightsOfFourBitsTakeHalfTheFlashOfTheLinkedProgram) {
  if (!has_arm_compiler()) GTEST_SKIP() << "needs gcc-arm-none-eabi";
  std::int64_t flash[2] = {0, 0};
  for (const int bits : {8, 4}) {
    const auto folder = ScratchFolder::create();
    ASSERT_TRUE(folder.ok());
    const auto model = filters_model(bits);
    const auto firmware = generate(model, some_target(), {});
    ASSERT_TRUE(firmware.ok());
    write_all(*firmware, folder->path());
    const auto sizes = linked_sizes(*firmware, folder->path(), "model_weights.S");
    ASSERT_TRUE(sizes.ok()) << sizes.error().message;
    flash[bits == 4] = section_size(*sizes, ".text") + section_size(*sizes, ".data");
    const Estimate e = estimate(model, some_target(), {});
    EXPECT_NEAR(static_cast<double>(e.flash.value), static_cast<double>(flash[bits == 4]), 500.0);
  }
  // 3x3x4x32 + 3x3x32 + 32x64 + 64x40 weights; other nibble kernels may take a little more code.
  constexpr std::int64_t kWeights = 1152 + 288 + 2048 + 2560;
  EXPECT_NEAR(static_cast<double>(flash[0] - flash[1]), kWeights / 2.0, 250.0);
}

TEST(Build, TheFirmwareFolderBuildsAloneAndItsSelfTestPasses) {
  const auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  const auto model = mixed_model();
  Options options;
  options.self_test.emplace();
  options.self_test->input = quantize::random_inputs(model, 1, 3);
  options.self_test->output.resize(10);
  quantize::Interpreter(model).run(options.self_test->input, options.self_test->output);
  const auto firmware = firmware_folder(model, some_target(), options);
  ASSERT_TRUE(firmware.ok()) << firmware.error().message;
  write_all(*firmware, folder->path());
  const auto check = run({"make", "check"}, folder->path());
  ASSERT_TRUE(check.ok()) << check.error().message;
  EXPECT_NE(check->find("self-test: passed"), std::string::npos);
  if (!has_arm_compiler()) return;
  const auto built = run({"make"}, folder->path());
  ASSERT_TRUE(built.ok()) << built.error().message;
  EXPECT_TRUE(fs::exists(folder->path() / "firmware.bin"));
}

TEST(Build, ASelfTestThatExpectsAnotherByteFails) {
  const auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  const auto model = mixed_model();
  Options options;
  options.self_test.emplace();
  options.self_test->input = quantize::random_inputs(model, 1, 3);
  options.self_test->output.resize(10);
  quantize::Interpreter(model).run(options.self_test->input, options.self_test->output);
  options.self_test->output[4] ^= 1;
  const auto firmware = firmware_folder(model, some_target(), options);
  ASSERT_TRUE(firmware.ok());
  write_all(*firmware, folder->path());
  EXPECT_FALSE(run({"make", "check"}, folder->path()).ok());
}

}  // namespace
}  // namespace atml::codegen
