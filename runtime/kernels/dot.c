#include "atml_dot.h"

#include "atml_dsp.h"
#include "atml_finish_row.h"

#if !ATML_DSP && !ATML_MVE /* else dsp_dot.c or mve_dot.c */

/* The lower weight of a halfword: taken out of it in one instruction where the core can, else loaded again. */
#if defined(__riscv)
#define LOW_WEIGHT(both, bytes) ((int32_t)(int8_t)(bytes)[0])
#else
#define LOW_WEIGHT(both, bytes) ((int32_t)(int8_t)(uint8_t)((uint32_t)(both) & 255u))
#endif

/* Pixels whose sums fit the registers at one time. */
#if defined(__thumb__) && !defined(__thumb2__)
#define PIXELS 2
#else
#define PIXELS 4
#endif

void atml_expand(const int8_t *in, int16_t *patch, int32_t groups) {
  for (int32_t g = 0; g < groups; g++) {
    patch[0] = in[0];
    patch[1] = in[2];
    patch[8] = in[1];
    patch[9] = in[3];
    in += 4;
    patch += 16;
  }
}

static const atml_pair_scale *next_scale(const atml_pair_scale *scale, const atml_packed_filter *f) {
  return (f->scale_step != 0) ? &scale[1] : scale;
}

/* low = sum x w_a and mix = 256 sum x w_b + low, both modulo 2^32: the sum of b is (mix - low) / 256. */
static void finish_pair(int8_t *out, uint32_t low, uint32_t mix, int32_t partner, const uint8_t *stream,
                        const atml_pair_scale *scale, const atml_packed_filter *f) {
  const int32_t sum_a = (int32_t)low;
  const int32_t sum_b = (int32_t)(mix - low) >> 8;
  out[0] = atml_finish(2 * atml_add_wrapped(sum_a, atml_load_int32(stream)), scale->multiplier_a, scale->right_a,
                       f->zero_point);
  if (partner != 0) {
    out[1] = atml_finish(atml_add_wrapped(2 * sum_b, atml_load_int32(&stream[4])), scale->multiplier_b, scale->right_b,
                         f->zero_point);
  }
}

/* One input of one pixel against a pair of weights whose lower one is low_weight. */
#define STEP(p, offset)                                \
  do {                                                 \
    const int32_t x = patch[2 * (p) + (offset)];       \
    low##p += (uint32_t)(x * low_weight);              \
    mix##p += (uint32_t)(x * both);                    \
  } while (0)

#if PIXELS == 4
#define STEPS(offset) \
  STEP(0, offset);    \
  STEP(1, offset);    \
  STEP(2, offset);    \
  STEP(3, offset)
#else
#define STEPS(offset) \
  STEP(0, offset);    \
  STEP(1, offset)
#endif

/* Moving loads early costs more registers than there are. */
#if defined(__GNUC__) && !defined(__clang__)
#define ATML_IN_ORDER __attribute__((noinline, optimize("no-schedule-insns", "no-tree-reassoc")))
#else
#define ATML_IN_ORDER
#endif

/* PIXELS pixels from `patch` on, one pair of channels. */
static ATML_IN_ORDER void dot_pair(const int16_t *patch, const uint8_t *weights, int32_t k, uint32_t *sums) {
  uint32_t low0 = 0;
  uint32_t low1 = 0;
  uint32_t mix0 = 0;
  uint32_t mix1 = 0;
#if PIXELS == 4
  uint32_t low2 = 0;
  uint32_t low3 = 0;
  uint32_t mix2 = 0;
  uint32_t mix3 = 0;
#endif
  const uint8_t *const end = &weights[2 * k];
  while (weights != end) {
    int32_t both = atml_load_int16(weights);
    int32_t low_weight = LOW_WEIGHT(both, weights);
    STEPS(0);
    both = atml_load_int16(&weights[2]);
    low_weight = LOW_WEIGHT(both, &weights[2]);
    STEPS(1);
    weights += 4;
    patch += 8;
  }
  sums[0] = low0;
  sums[1] = mix0;
  sums[2] = low1;
  sums[3] = mix1;
#if PIXELS == 4
  sums[4] = low2;
  sums[5] = mix2;
  sums[6] = low3;
  sums[7] = mix3;
#endif
}

/* Four pixels of channel c, from twice their accumulators. */
static inline void finish_pixels(const int32_t *acc2, int8_t *out, int32_t multiplier, int32_t right,
                                 const atml_packed_filter *f) {
  const atml_finish_row_params finish = {multiplier, right, atml_finish_constant(right, f->zero_point), f->channels};
  atml_finish_row(acc2, out, &finish, &acc2[4]);
}

void atml_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const atml_pair_scale *scale = f->scales;
  for (int32_t c = 0; c < f->channels; c += 2) {
    const uint32_t bias_a = 2u * (uint32_t)atml_load_int32(stream);
    const uint32_t bias_b = (uint32_t)atml_load_int32(&stream[4]);
    int32_t a[4];
    int32_t b[4];
    for (int32_t first = 0; first < 4; first += PIXELS) {
      uint32_t sums[2 * PIXELS];
      dot_pair(&patch[2 * first], &stream[8], f->k, sums);
      for (int32_t p = 0; p < PIXELS; p++) {
        const uint32_t low = sums[2 * p];
        a[first + p] = (int32_t)(2u * low + bias_a);
        b[first + p] = (int32_t)(2u * (uint32_t)((int32_t)(sums[2 * p + 1] - low) >> 8) + bias_b);
      }
    }
    finish_pixels(a, &out[c], scale->multiplier_a, scale->right_a, f);
    if (c + 1 < f->channels) {
      finish_pixels(b, &out[c + 1], scale->multiplier_b, scale->right_b, f);
    }
    stream += 8 + 2 * f->k;
    scale = next_scale(scale, f);
  }
}

#if defined(__thumb__) && !defined(ATML_PORTABLE)

/* r0 in, r1 weights, r3 end of in; r8 sum x w_a, r9 sum x (256 w_b + w_a). Halfwords stand in the order 0 2 1 3. */
#if defined(__thumb2__)
#define INPUT(i) \
  "ldrsh r4, [r1], #2\n\tldrsb r6, [r0, #" #i "]\n\tsxtb r5, r4\n\tmla r9, r4, r6, r9\n\tmla r8, r5, r6, r8\n\t"
#define GROUP INPUT(0) INPUT(2) INPUT(1) INPUT(3)
#else
#define PRODUCTS(both, i)                                                                             \
  "sxtb r5, " both "\n\tldrb r6, [r0, #" #i "]\n\tsxtb r6, r6\n\tmuls " both ", r6, " both "\n\tadd r9, " both \
  "\n\tmuls r5, r6, r5\n\tadd r8, r5\n\t"
#define WORD(i, j) "ldmia r1!, {r4}\n\tsxth r7, r4\n\tasrs r4, r4, #16\n\t" PRODUCTS("r7", i) PRODUCTS("r4", j)
#define GROUP WORD(0, 2) WORD(1, 3)
#endif

#define UNUSED __attribute__((unused))
/* Sums of one pair of channels: sums[0] low, sums[1] mix. */
static __attribute__((naked, noinline)) void dot_pair_1(const int8_t *in UNUSED, const uint8_t *weights UNUSED,
                                                        uint32_t *sums UNUSED, const int8_t *end UNUSED) {
  __asm__ volatile(
      ".syntax unified\n\t"
      "push {r4-r7, lr}\n\t"
      "mov r4, r8\n\t"
      "mov r5, r9\n\t"
      "push {r2, r4, r5}\n\t"
      "movs r4, #0\n\t"
      "mov r8, r4\n\t"
      "mov r9, r4\n\t"
      "1:\n\t" GROUP
      "adds r0, r0, #4\n\t"
      "cmp r0, r3\n\t"
      "bne 1b\n\t"
      "mov r6, r8\n\t"
      "mov r7, r9\n\t"
      "pop {r2, r4, r5}\n\t"
      "stmia r2!, {r6, r7}\n\t"
      "mov r8, r4\n\t"
      "mov r9, r5\n\t"
      "pop {r4-r7, pc}\n\t");
}

#else

/* Halfword j of a group of four holds the weights of input x. */
#define STEP_1(j, input)                                        \
  do {                                                          \
    const int32_t both = atml_load_int16(&weights[2 * (j)]);    \
    const int32_t x = in[input];                                \
    low += (uint32_t)(x * LOW_WEIGHT(both, &weights[2 * (j)])); \
    mix += (uint32_t)(x * both);                                \
  } while (0)

static void dot_pair_1(const int8_t *in, const uint8_t *weights, uint32_t *sums, const int8_t *end) {
  uint32_t low = 0;
  uint32_t mix = 0;
  for (; in != end; in += 4) {
    STEP_1(0, 0);
    STEP_1(1, 2);
    STEP_1(2, 1);
    STEP_1(3, 3);
    weights += 8;
  }
  sums[0] = low;
  sums[1] = mix;
}

#endif

void atml_dot_1(const int8_t *in, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const atml_pair_scale *scale = f->scales;
  for (int32_t c = 0; c < f->channels; c += 2) {
    uint32_t sums[2];
    dot_pair_1(in, &stream[8], sums, &in[f->k]);
    finish_pair(&out[c], sums[0], sums[1], (c + 1 < f->channels) ? 1 : 0, stream, scale, f);
    stream += 8 + 2 * f->k;
    scale = next_scale(scale, f);
  }
}

#endif
