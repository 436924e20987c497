#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_pair_dot.h"

#if !ATML_DSP && !ATML_MVE /* else dsp_dot.c or mve_dot.c */

/* The lower weight of a halfword: taken out of it in one instruction where the core can, else loaded again. */
#if defined(__riscv)
#define LOW_WEIGHT(both, bytes) ((int32_t)(int8_t)(bytes)[0])
#else
#define LOW_WEIGHT(both, bytes) ((int32_t)(int8_t)(uint8_t)((uint32_t)(both) & 255u))
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

/* ATML_PIXELS pixels from `patch` on, one pair of channels. */
static ATML_IN_ORDER void dot_pair(const int16_t *patch, const uint8_t *weights, int32_t k, uint32_t *sums) {
  ATML_NO_SUMS;
  const uint8_t *const end = &weights[2 * k];
  while (weights != end) {
    int32_t both = atml_load_int16(weights);
    int32_t lower = LOW_WEIGHT(both, weights);
    ATML_STEPS(0);
    both = atml_load_int16(&weights[2]);
    lower = LOW_WEIGHT(both, &weights[2]);
    ATML_STEPS(1);
    weights += 4;
    patch += 8;
  }
  ATML_KEEP_SUMS(sums);
}

void atml_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const int32_t *multipliers = f->multipliers;
  for (int32_t c = 0; c < f->channels; c += 2) {
    const int32_t word_a = atml_load_int32(stream);
    const int32_t word_b = atml_load_int32(&stream[4]);
    const uint32_t bias_a = 2u * (uint32_t)atml_bias_of(word_a);
    const uint32_t bias_b = 2u * (uint32_t)atml_bias_of(word_b);
    int32_t a[4];
    int32_t b[4];
    for (int32_t first = 0; first < 4; first += ATML_PIXELS) {
      uint32_t sums[2 * ATML_PIXELS];
      dot_pair(&patch[2 * first], &stream[8], f->k, sums);
      for (int32_t p = 0; p < ATML_PIXELS; p++) {
        const uint32_t low = sums[2 * p];
        a[first + p] = (int32_t)(2u * low + bias_a);
        b[first + p] = (int32_t)(2u * (uint32_t)((int32_t)(sums[2 * p + 1] - low) >> 8) + bias_b);
      }
    }
    atml_finish_pixels(a, &out[c], multipliers[0], word_a, f);
    if (c + 1 < f->channels) {
      atml_finish_pixels(b, &out[c + 1], multipliers[1], word_b, f);
    }
    stream += 8 + 2 * f->k;
    multipliers = atml_next_pair(multipliers, f);
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
  const int32_t *multipliers = f->multipliers;
  for (int32_t c = 0; c < f->channels; c += 2) {
    uint32_t sums[2];
    dot_pair_1(in, &stream[8], sums, &in[f->k]);
    /* low = sum x w_a and mix = 256 sum x w_b + low, both modulo 2^32: the sum of b is (mix - low) / 256. */
    atml_finish_pair(&out[c], (int32_t)sums[0], (int32_t)(sums[1] - sums[0]) >> 8, (c + 1 < f->channels) ? 1 : 0, stream,
                     multipliers, f->zero_point);
    stream += 8 + 2 * f->k;
    multipliers = atml_next_pair(multipliers, f);
  }
}

#endif
