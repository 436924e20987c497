// Adds for every pair of inputs and pools for every sum: the linear form of an add, and all kernels
// as C on this computer, with sanitizers, and on emulated cores.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "codegen/emulated_program_test.h"
#include "codegen/linear_add.h"

namespace atml::codegen {
namespace {

using namespace testing;
using quantize::AddParams;
using quantize::Rounding;

constexpr Rounding kRoundings[] = {Rounding::kDouble, Rounding::kSingle};

// add_params() of tensors with these scales and zero points.
AddParams params_of(double scale_1, double scale_2, double out, int zero_1, int zero_2,
                    int zero_out) {
  const double twice_largest = 2 * std::max(scale_1, scale_2);
  AddParams p;
  p.offset_1 = -zero_1;
  p.offset_2 = -zero_2;
  p.output_offset = zero_out;
  p.input_1 = quantize::quantize_multiplier(scale_1 / twice_largest);
  p.input_2 = quantize::quantize_multiplier(scale_2 / twice_largest);
  p.output = quantize::quantize_multiplier(twice_largest / (std::ldexp(1.0, p.left_shift) * out));
  return p;
}

// As trained layers have them: the output a little narrower than both inputs together, or wider.
AddParams some_params(Rng& rng) {
  const double scale_1 = 0.02 * std::exp2(2 * rng.uniform());
  const double scale_2 = 0.02 * std::exp2(2 * rng.uniform());
  const double out = (scale_1 + scale_2) * std::exp2(1.5 * rng.uniform() - 1);
  const auto zero = [&] { return static_cast<int>(rng.below(256)) - 128; };
  return params_of(scale_1, scale_2, out, zero(), zero(), zero());
}

int tflite_add(const AddParams& p, int x, int y, Rounding rounding) {
  const int a = quantize::multiply((x + p.offset_1) * (1 << 20), p.input_1, rounding);
  const int b = quantize::multiply((y + p.offset_2) * (1 << 20), p.input_2, rounding);
  return quantize::clamp_to_int8(quantize::multiply(a + b, p.output, rounding) + p.output_offset,
                                 p.low, p.high);
}

TEST(LinearAdd, NearlyAllScalesHaveAFormAndItGivesTheBitsOfAllPairs) {
  Rng rng(4);
  for (const Rounding rounding : kRoundings) {
    int found = 0;
    for (int n = 0; n < 50; ++n) {
      const AddParams p = some_params(rng);
      const auto form = linear_add(p, rounding);
      if (!form) continue;
      ++found;
      int wrong = 0;
      for (int x = -128; x <= 127; ++x) {
        for (int y = -128; y <= 127; ++y) {
          const double sum = form->constant + std::floor(std::ldexp(x, -8) * form->factor_1) +
                             std::floor(std::ldexp(y, -8) * form->factor_2);
          EXPECT_LT(std::abs(sum), 2147483648.0);
          const double q = std::floor(std::ldexp(sum, -kLinearAddBits));
          wrong += std::clamp(q, -128.0, 127.0) != tflite_add(p, x, y, rounding) ? 1 : 0;
        }
      }
      EXPECT_EQ(wrong, 0);
    }
    EXPECT_GE(found, 48);
  }
}

// Ties away from zero depend on the sign of the sum, which no linear form knows.
TEST(LinearAdd, NoneForTiesAwayFromZeroNorForSumsThatAreTooLarge) {
  const AddParams ties = params_of(0.25, 0.25, 0.5, 0, 0, 0);
  EXPECT_FALSE(linear_add(ties, Rounding::kDouble));
  EXPECT_TRUE(linear_add(ties, Rounding::kSingle)) << "half up is linear";
  EXPECT_TRUE(linear_add(params_of(0.5, 0.5, 0.5, 3, -4, 5), Rounding::kDouble)) << "no ties";
  for (const Rounding rounding : kRoundings) {
    EXPECT_FALSE(linear_add(params_of(0.5, 0.4, 0.05, 1, 2, 3), rounding));
    EXPECT_FALSE(linear_add(params_of(0.5, 0.4, 1e-6, 1, 2, 3), rounding));
    EXPECT_TRUE(linear_add(params_of(0.5, 1e-9, 0.61, 1, 2, 3), rounding)) << "one input counts";
  }
}

// Every pair through atml_add, whose bytes it prints, and through the kernel `other`, which must
// give the same: as a whole, for short counts, and in place over either input. Ends with the number
// of differences, at most 127.
constexpr const char* kAddProgram = R"(
static signed char x[256], y[256], out[272], expected[256];
static int wrong;
static void check(int same) { if (!same && wrong < 127) wrong++; }
static int equal(const signed char *a, const signed char *b, int count) {
  while (count > 0 && a[count - 1] == b[count - 1]) count--;
  return count == 0;
}
static void all_pairs(const atml_add_params *p, const void *other_params, kernel other) {
  for (int i = 0; i < 256; i++) {
    for (int j = 0; j < 256; j++) { x[j] = (signed char)(i - 128); y[j] = (signed char)(j - 128); }
    atml_add(x, y, expected, p);
    fwrite(expected, 1, 256, stdout);
    memset(out, 0x55, sizeof out);
    other(x, y, out, other_params, 256);
    check(equal(out, expected, 256) && out[256] == 0x55);
    if (i % 16 != 3) continue;
    for (int count = 1; count < 12; count++) {
      memset(out, 0x55, sizeof out);
      other(&x[1], &y[count], &out[1], other_params, count);
      check(equal(&out[1], &expected[count], count) && out[0] == 0x55 && out[count + 1] == 0x55);
    }
    other(x, y, x, other_params, 256);
    check(equal(x, expected, 256));
    memset(x, i - 128, sizeof x);
    other(x, y, y, other_params, 256);
    check(equal(y, expected, 256));
  }
}
)";

struct AddCase {
  AddParams params;
  bool half = false;
};

std::string add_program(const std::vector<AddCase>& cases, Rounding rounding) {
  std::string text =
      "#include <stdio.h>\n#include <string.h>\n#include \"atml_ops.h\"\n"
      "typedef void (*kernel)(const signed char *, const signed char *, signed char *, const void "
      "*, int);\n";
  text += kAddProgram;
  for (const std::string kind : {"linear", "half"}) {
    const std::string type = kind == "linear" ? "atml_add_linear_params" : "atml_add_params";
    text += fmt::format(
        "static void {0}(const signed char *a, const signed char *b, signed char *to, const void "
        "*p, int count) {{\n"
        "  {1} mine = *(const {1} *)p;\n  mine.count = count;\n  atml_add_{0}(a, b, to, "
        "&mine);\n}}\n",
        kind, type);
  }
  std::string body;
  for (const AddCase& c : cases) {
    const AddParams& p = c.params;
    const auto factor = [](const quantize::Multiplier& m) {
      return fmt::format("{}, {}", m.mantissa, m.shift);
    };
    body += fmt::format(
        "  {{ static const atml_add_params p = {{256, {}, {}, {}, {}, {}, {}, {}, {}}};\n",
        p.offset_1, p.offset_2, p.output_offset, factor(p.input_1), factor(p.input_2),
        factor(p.output), p.low, p.high);
    if (c.half) {
      body += "    all_pairs(&p, &p, half); }\n";
      continue;
    }
    const LinearAdd l = linear_add(p, rounding).value();
    body += fmt::format(
        "    static const atml_add_linear_params l = {{256, {}, {}, {}}};\n    all_pairs(&p, &l, "
        "linear); }}\n",
        l.factor_1, l.factor_2, l.constant);
  }
  return text + "int main(void) {\n" + body +
         "  out[0] = (signed char)wrong;\n  fwrite(out, 1, 1, stdout);\n  return 0;\n}\n";
}

std::vector<AddCase> add_cases(Rounding rounding) {
  std::vector<AddCase> cases{{params_of(0.5, 0.5, 0.5, 3, -4, 5)},
                             {params_of(0.5, 1e-9, 0.6, -128, 127, -128)}};
  Rng rng(17);
  while (cases.size() < 4) {
    const AddParams p = some_params(rng);
    if (linear_add(p, rounding)) cases.push_back({p});
  }
  if (rounding == Rounding::kDouble) {
    cases.push_back({params_of(0.25, 0.25, 0.5, 0, 0, 0), true});
    cases.push_back({params_of(0.03, 0.02, 0.05, -128, 7, -1), true});
  }
  return cases;
}

void expect_all_pairs(const HostProgram& program, Rounding rounding) {
  const auto cases = add_cases(rounding);
  const auto out =
      program.run_text(add_program(cases, rounding),
                       {"kernels/add.c", "kernels/add_half.c", "kernels/add_linear.c"}, rounding);
  ASSERT_TRUE(out.ok()) << out.error().message.substr(0, 3000);
  std::string expected;
  for (const AddCase& c : cases) {
    for (int x = -128; x <= 127; ++x) {
      for (int y = -128; y <= 127; ++y)
        expected.push_back(static_cast<char>(tflite_add(c.params, x, y, rounding)));
    }
  }
  ASSERT_EQ(out->size(), expected.size() + 1);
  EXPECT_TRUE(out->starts_with(expected)) << "atml_add";
  EXPECT_EQ(out->back(), 0) << "differences from atml_add";
}

// Prints how many of its cases went wrong, at most 127.
constexpr const char* kPoolProgram = R"(#include <stdio.h>
#include <string.h>
#include "atml_ops.h"
static signed char in[1 << 14], out[1 << 14], expected[1 << 14], result;
static int wrong;
static void check(int same) { if (!same && wrong < 127) wrong++; }
static int equal(const signed char *a, const signed char *b, int count) {
  while (count > 0 && a[count - 1] == b[count - 1]) count--;
  return count == 0;
}
static int mean(int sum, int n) { return (sum + (sum > 0 ? n / 2 : -(n / 2))) / n; }

/* All sums of rows x columns values, a part of them in each channel. */
static void all_sums(int rows, int columns, int channels) {
  const int n = rows * columns;
  const int step = (255 * n + channels) / channels;
  atml_pool p = {{0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0}, -128, 127};
  p.window.in_h = rows;
  p.window.in_w = columns;
  p.window.in_c = p.window.out_c = channels;
  p.window.kernel_h = (unsigned char)rows;
  p.window.kernel_w = (unsigned char)columns;
  for (int i = 0; i < step; i++) {
    for (int c = 0; c < channels; c++) {
      const int above = c * step + i; /* the lowest sum */
      if (i == 0) {
        for (int v = 0; v < n; v++)
          in[v * channels + c] = (signed char)(above / n - 128 + (v < above % n ? 1 : 0));
      } else if (above <= 255 * n) {
        in[(above - 1) % n * channels + c]++;
      }
    }
    atml_average_pool(in, out, &p);
    for (int c = 0; c < channels; c++) {
      const int above = c * step + i;
      if (above <= 255 * n) check(out[c] == mean(above - 128 * n, n));
    }
  }
}

static unsigned state = 1;
static int below(int n) {
  state = state * 1664525u + 1013904223u;
  return (int)((state >> 8) % (unsigned)n);
}

static void reference(const atml_pool *p, int largest) {
  const atml_window *w = &p->window;
  signed char *to = expected;
  for (int y = 0; y < w->out_h; y++)
    for (int x = 0; x < w->out_w; x++)
      for (int c = 0; c < w->in_c; c++) {
        int sum = 0, n = 0, most = -128;
        for (int i = 0; i < w->kernel_h; i++)
          for (int j = 0; j < w->kernel_w; j++) {
            const int row = y * w->stride_h - w->pad_top + i * w->dilation_h;
            const int column = x * w->stride_w - w->pad_left + j * w->dilation_w;
            if (row < 0 || row >= w->in_h || column < 0 || column >= w->in_w) continue;
            const int value = in[(row * w->in_w + column) * w->in_c + c];
            sum += value;
            n++;
            most = value > most ? value : most;
          }
        int value = largest ? most : mean(sum, n);
        value = value < p->low ? p->low : value;
        *to++ = (signed char)(value > p->high ? p->high : value);
      }
}

static int outputs(int in_size, int kernel, int dilation, int stride, int pad) {
  const int span = (kernel - 1) * dilation + 1;
  return (in_size + 2 * pad - span) / stride + 1;
}

static void random_window(void) {
  const int pads = below(2);
  atml_window w = {3 + below(9), 3 + below(9), 1 + below(19), 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0};
  w.kernel_h = (unsigned char)(1 + below(3));
  w.kernel_w = (unsigned char)(1 + below(3));
  if (below(3) == 0) w.kernel_h = w.kernel_w = 2;
  w.stride_h = (unsigned char)(1 + below(3));
  w.stride_w = (unsigned char)(1 + below(3));
  if (below(4) == 0 && w.in_h > 4 && w.in_w > 4) w.dilation_h = w.dilation_w = 2;
  if (pads && w.kernel_h > 1) w.pad_top = 1;
  if (pads && w.kernel_w > 1) w.pad_left = 1;
  w.out_h = outputs(w.in_h, w.kernel_h, w.dilation_h, w.stride_h, w.pad_top);
  w.out_w = outputs(w.in_w, w.kernel_w, w.dilation_w, w.stride_w, w.pad_left);
  w.out_c = w.in_c;
  if (w.out_h < 1 || w.out_w < 1) return;
  const int in_place = w.pad_top == 0 && w.pad_left == 0;
  const int bytes = w.out_h * w.out_w * w.out_c;
  const atml_pool p = {w, (signed char)(below(2) ? -128 : below(100) - 128), (signed char)(below(2) ? 127 : below(100))};
  for (int largest = 0; largest < 2; largest++) {
    for (int i = 0; i < w.in_h * w.in_w * w.in_c; i++) in[i] = (signed char)(below(256) - 128);
    reference(&p, largest);
    memset(out, 0x55, (size_t)bytes + 4);
    (largest ? atml_max_pool : atml_average_pool)(in, out, &p);
    check(equal(out, expected, bytes) && out[bytes] == 0x55);
    if (!in_place) continue;
    (largest ? atml_max_pool : atml_average_pool)(in, in, &p);
    check(equal(in, expected, bytes));
  }
}

int main(void) {
  for (int n = 1; n <= 64; n++) all_sums(1, n, 5);
  all_sums(2, 2, 4);
  all_sums(2, 2, 7);
  all_sums(2, 2, 8);
  all_sums(3, 3, 12);
  all_sums(1, 127, 4);
  all_sums(2, 127, 4);
  all_sums(1, 255, 3);
  all_sums(16, 16, 4);
  all_sums(19, 17, 5);
  for (int i = 0; i < 400; i++) random_window();
  result = (signed char)wrong;
  fwrite(&result, 1, 1, stdout);
  return 0;
}
)";

void expect_pools(const HostProgram& program) {
  const auto out = program.run_text(
      kPoolProgram, {"kernels/average_pool.c", "kernels/max_pool.c", "kernels/walk_pool.c"},
      Rounding::kDouble);
  ASSERT_TRUE(out.ok()) << out.error().message.substr(0, 3000);
  EXPECT_EQ(*out, std::string(1, '\0'));
}

void expect_all(const HostProgram& program) {
  for (const Rounding rounding : kRoundings) expect_all_pairs(program, rounding);
  expect_pools(program);
}

HostProgram at_level(HostProgram program, const std::vector<std::string>& level) {
  std::erase_if(program.flags, [](const std::string& flag) { return flag.starts_with("-O"); });
  program.flags.insert(program.flags.end(), level.begin(), level.end());
  return program;
}

TEST(Elementwise, AllPairsAndSumsInPortableCUnderSanitizers) {
  HostProgram program;
  program.flags = {"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
  expect_all(program);
  program.flags.emplace_back("-DATML_SMALL=1");
  expect_all(program);
}

class ElementwiseOnCores : public ::testing::TestWithParam<Board> {};

TEST_P(ElementwiseOnCores, AllPairsAndSums) {
  if (!can_emulate(GetParam())) GTEST_SKIP() << kEmulationNeeds;
  const HostProgram program = emulated_program(GetParam());
  expect_all(program);
  expect_all(at_level(program, {"-Os"}));
  expect_all(at_level(program, {"-O3", "-DATML_UNROLL=1"}));
}

INSTANTIATE_TEST_SUITE_P(Cores, ElementwiseOnCores, ::testing::ValuesIn(kBoards),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace atml::codegen
