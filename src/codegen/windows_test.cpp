// The convolution kernels at all borders of the input, by a program that calls them as generated C
// does: every kernel from 1x1 to 7x7 with strides, dilations, few channels, inputs narrower than
// the window and padding larger than it.
#include <gtest/gtest.h>

#include "codegen/emulated_program_test.h"
#include "codegen/random_models_test.h"

namespace atml::codegen {
namespace {

using namespace testing;

// Prints nothing where all kernels give the plain one's bytes and write nothing beside their
// scratch.
constexpr const char* kProgram = R"(#include <stdio.h>
#include <string.h>
#include "atml_filters.h"
#include "atml_swar.h"
enum { MOST_K = 248, CHANNELS = 3, GUARD = 16, SCRATCH = ATML_PATCH_BYTES(MOST_K) };
static uint32_t state = 1;
static int8_t input[12 * 12 * 5], weights[CHANNELS * MOST_K], expected[6 * 6 * CHANNELS], got[6 * 6 * CHANNELS];
static union { int32_t aligned; int8_t bytes[SCRATCH + 2 * GUARD]; } scratch;
static union { int32_t aligned; uint8_t bytes[2 * (8 + 2 * MOST_K)]; } pairs, chunks;
static const int32_t multipliers[4] = {1518500250, 1118481066, 2025112765, 0};
static const int8_t shifts[3] = {-7, -8, -6};
static const int32_t bias[4] = {300, -700, 45, 0};
static int32_t below(int32_t n) {
  state = state * 1664525u + 1013904223u;
  return (int32_t)((state >> 8) % (uint32_t)n);
}
static void put_word(uint8_t *to, int32_t channel, int32_t sum, int32_t zero_point) {
  const int32_t word = (channel < CHANNELS) ? 64 * (bias[channel] - sum * zero_point) - shifts[channel] - 1 : 0;
  memcpy(to, &word, 4);
}
static int32_t weight(int32_t channel, int32_t i, int32_t inputs) {
  return (channel < CHANNELS && i < inputs) ? weights[channel * inputs + i] : 0;
}
static int32_t sum_of(int32_t channel, int32_t inputs) {
  int32_t sum = 0;
  for (int32_t i = 0; i < inputs; i++) sum += weight(channel, i, inputs);
  return sum;
}
static void pack(int32_t inputs, int32_t k, int32_t zero_point) {
  static const uint8_t order[4] = {0, 2, 1, 3};
  uint8_t *to = pairs.bytes;
  for (int32_t c = 0; c < CHANNELS; c += 2) {
    put_word(to, c, sum_of(c, inputs), zero_point);
    put_word(&to[4], c + 1, sum_of(c + 1, inputs), zero_point);
    to += 8;
    for (int32_t i = 0; i < k; i++, to += 2) {
      const int32_t from = (i & ~3) + order[i & 3];
      const int16_t both = (int16_t)(256 * weight(c + 1, from, inputs) + weight(c, from, inputs));
      memcpy(to, &both, 2);
    }
  }
}
/* One channel at a time: its chunks have one weight each. */
static void pack_chunks(int32_t channel, int32_t inputs, int32_t k, int32_t zero_point) {
  put_word(chunks.bytes, channel, sum_of(channel, inputs), zero_point);
  for (int32_t i = 0; i < k; i++) {
    chunks.bytes[4 + 2 * i] = ATML_SWAR_STEP * (ATML_SWAR_CHUNK - 1);
    chunks.bytes[5 + 2 * i] = (uint8_t)weight(channel, i, inputs);
  }
}
static int32_t guards_hold(int32_t k) {
  for (int32_t i = 0; i < GUARD; i++) {
    if (scratch.bytes[i] != 0x5A || scratch.bytes[GUARD + ATML_PATCH_BYTES(k) + i] != 0x5A) return 0;
  }
  return 1;
}
static void fail(const char *kernel, const atml_window *w) {
  const int32_t values[14] = {w->in_h, w->in_w, w->in_c, w->out_h, w->out_w, w->out_c, w->kernel_h, w->kernel_w,
                              w->stride_h, w->stride_w, w->dilation_h, w->dilation_w, w->pad_top, w->pad_left};
  fwrite(kernel, 1, 5, stdout);
  for (int32_t i = 0; i < 14; i++) {
    const char text[3] = {' ', (char)('0' + values[i] / 10), (char)('0' + values[i] % 10)};
    fwrite(text, 1, 3, stdout);
  }
  fwrite("\n", 1, 1, stdout);
}
static void check(const atml_window *w) {
  const int32_t inputs = w->kernel_h * w->kernel_w * w->in_c;
  const int32_t k = (inputs + 3) & ~3;
  const int32_t pixels = w->out_h * w->out_w;
  const int32_t zero_point = below(256) - 128;
  for (int32_t i = 0; i < w->in_h * w->in_w * w->in_c; i++) input[i] = (int8_t)(below(256) - 128);
  for (int32_t i = 0; i < CHANNELS * inputs; i++) weights[i] = (int8_t)(below(255) - 127);
  const atml_plain_conv plain = {{weights, bias, multipliers, shifts, 1, 0, (int16_t)-zero_point, 3, -128, 127}, *w};
  atml_conv_plain(input, expected, &plain);
  pack(inputs, k, zero_point);
  memset(scratch.bytes, 0x5A, sizeof scratch.bytes);
  memset(got, 0, sizeof got);
  const atml_packed_conv packed = {{pairs.bytes, multipliers, k, CHANNELS, 8, 3}, *w, zero_point};
  atml_conv_packed(input, got, &scratch.bytes[GUARD], &packed);
  for (int32_t i = 0; i < pixels * CHANNELS; i++) {
    if (got[i] != expected[i] || !guards_hold(k)) {
      fail("pairs", w);
      break;
    }
  }
  for (int32_t c = 0; c < CHANNELS; c++) {
    atml_packed_conv swar = {{chunks.bytes, &multipliers[c], k, 1, 0, 3}, *w, zero_point};
    swar.window.out_c = 1;
    pack_chunks(c, inputs, k, zero_point);
    atml_conv_swar(input, got, &scratch.bytes[GUARD], &swar);
    for (int32_t i = 0; i < pixels; i++) {
      if (got[i] != expected[i * CHANNELS + c] || !guards_hold(k)) {
        fail("words", w);
        break;
      }
    }
  }
}
int main(void) {
  for (int32_t h = 1; h <= 7; h++) {
    for (int32_t w = 1; w <= 7; w++) {
      for (int32_t c = 1; c <= 5; c++) {
        for (int32_t stride = 1; stride <= 3; stride++) {
          for (int32_t dilation = 1; dilation <= 2; dilation++) {
            const int32_t wide = below(2);
            const atml_window window = {1 + below(12), (wide != 0) ? 12 : (1 + below(12)), c, 1 + below(6), 1 + below(6),
                CHANNELS, (uint8_t)h, (uint8_t)w, (uint8_t)stride, (uint8_t)(1 + below(3)), (uint8_t)dilation,
                (uint8_t)(1 + below(4) / 3), (uint8_t)below(2 * h + 1), (uint8_t)(below(2) * below(2 * w + 1))};
            check(&window);
          }
        }
      }
    }
  }
  fwrite("done\n", 1, 5, stdout);
  return 0;
}
)";

std::string run_windows(HostProgram program, const std::vector<std::string>& level) {
  const auto folder = ScratchFolder::create();
  EXPECT_TRUE(folder.ok());
  std::erase_if(program.flags, [](const std::string& flag) { return flag.starts_with("-O"); });
  program.extra_files.emplace_back("windows.c", kProgram);
  const auto runtime = resource_folder("runtime");
  const std::string executable = (folder->path() / "program").string();
  Command compile;
  compile.timeout = Seconds(300);
  compile.argv = program.compiler;
  compile.argv.insert(compile.argv.end(), program.flags.begin(), program.flags.end());
  compile.argv.insert(compile.argv.end(), level.begin(), level.end());
  compile.argv.insert(compile.argv.end(),
                      {"-std=c99", "-o", executable, "-I" + folder->path().string(),
                       "-I" + (runtime / "include").string()});
  for (const char* source : {"conv_packed", "conv_plain", "conv_swar", "dot", "dsp_dot",
                             "dsp_gather", "mve_dot", "swar_dot", "swar_sums"})
    compile.argv.push_back((runtime / "kernels" / (std::string(source) + ".c")).string());
  for (const auto& [name, text] : program.extra_files) {
    const std::string path = (folder->path() / name).string();
    EXPECT_TRUE(write_scratch_file(path, text).ok());
    if (name.ends_with(".c")) compile.argv.push_back(path);
    if (name.ends_with(".ld")) compile.argv.insert(compile.argv.end(), {"-T", path});
  }
  const auto built = run_process(compile);
  if (!built.ok() || !built->succeeded()) return built.ok() ? built->err : built.error().message;
  Command execute;
  execute.argv = program.runner;
  execute.argv.push_back(executable);
  execute.timeout = Seconds(300);
  const auto ran = run_process(execute);
  if (!ran.ok()) return ran.error().message;
  return ran->out.substr(0, 2000) + ran->err.substr(0, 2000);
}

TEST(Windows, AtAllBordersUnderSanitizers) {
  HostProgram program;
  program.flags = {"-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  EXPECT_EQ(run_windows(program, {"-O1"}), "done\n");
  EXPECT_EQ(run_windows(program, {"-Os"}), "done\n");
}

// A line of single pixels is one row to the kernels, unless its rows are dilated or run one by one.
TEST(Windows, AlongALineAreReadTogether) {
  std::vector<quantize::Int8Model> models;
  for (const int kernel : {2, 5, 9}) {
    for (const auto padding : {network::Padding::kSame, network::Padding::kValid}) {
      const int stride = kernel == 9 ? 2 : 1;
      network::Network net(Shape{23, 1, 3});
      network::Window window{kernel, 1, stride, stride};
      window.padding = padding;
      *net.add(network::Conv{5, window, true, kernel == 5 ? 4 : 8}, {0});
      models.push_back(quantize::random_model(net, static_cast<std::uint64_t>(models.size())));
    }
  }
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  expect_same_layers(models, program);
  for (const Board& board : kBoards) {
    if (board.core == target::Core::kCortexM0Plus && can_emulate(board))
      expect_same_layers(models, emulated_program(board));
  }
  const auto text = generate(models.back(), some_target(), {})->find("model.c")->bytes;
  EXPECT_NE(text.find("{1, 23, 3, 1, 8, 5, 1, 9, 1, 2, 1, 1, 0, 0}"), std::string::npos) << text;
}

class WindowsOn : public ::testing::TestWithParam<Board> {};

TEST_P(WindowsOn, AtAllBorders) {
  if (!can_emulate(GetParam())) GTEST_SKIP() << kEmulationNeeds;
  const HostProgram program = emulated_program(GetParam());
  EXPECT_EQ(run_windows(program, {"-O2"}), "done\n");
  EXPECT_EQ(run_windows(program, {"-Os"}), "done\n");
  EXPECT_EQ(run_windows(program, {"-O3", "-DATML_UNROLL=1"}), "done\n");
}

INSTANTIATE_TEST_SUITE_P(Cores, WindowsOn, ::testing::ValuesIn(kBoards),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace atml::codegen
