#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_finish_row.h"

#if !ATML_DSP && !ATML_MVE /* else dsp_nibble_dot.c or mve_nibble_dot.c */

/* A byte is 16 w_b + (w_a + 8). With low = sum x (w_a + 8), which needs one AND, and mix = sum x byte, the sum of b is
 * (mix - low) / 16 and that of a is low - 8 sum x: neither weight is unpacked. All modulo 2^32. */

/* Pixels whose sums fit the registers at one time. */
#if defined(__thumb__) && !defined(__thumb2__)
#define PIXELS 2
#else
#define PIXELS 4
#endif

static const atml_pair_scale *next_scale(const atml_pair_scale *scale, const atml_packed_filter *f) {
  return (f->scale_step != 0) ? &scale[1] : scale;
}

/* One input of one pixel. */
#define STEP(p, offset)                          \
  do {                                           \
    const int32_t x = patch[2 * (p) + (offset)]; \
    low##p += (uint32_t)(x * lower);             \
    mix##p += (uint32_t)(x * both);              \
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

/* The weights of one input against its place in the patch. */
#define INPUT(i, offset)                          \
  do {                                            \
    const int32_t both = (int8_t)weights[i];      \
    const int32_t lower = (int32_t)(both & 15);   \
    STEPS(offset);                                \
  } while (0)

/* Moving loads early costs more registers than there are. */
#if defined(__GNUC__) && !defined(__clang__)
#define ATML_IN_ORDER __attribute__((noinline, optimize("no-schedule-insns", "no-tree-reassoc")))
#else
#define ATML_IN_ORDER
#endif

/* PIXELS pixels from `patch` on, one pair of channels; byte i of a group of four belongs to pair i % 2, at i / 2 of it. */
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
  const uint8_t *const end = &weights[k];
  while (weights != end) {
    INPUT(0, 0);
    INPUT(2, 1);
    patch += 8;
    INPUT(1, 0);
    INPUT(3, 1);
    patch += 8;
    weights += 4;
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

/* 16 x the sum of each pixel: twice what the weights of a are too high by. */
static void sum_inputs(const int16_t *patch, int32_t k, uint32_t *too_much) {
  for (int32_t p = 0; p < 4; p++) {
    const int16_t *x = &patch[2 * p];
    int32_t sum = 0;
    for (int32_t i = 0; i < k; i += 2) {
      sum += x[0] + x[1];
      x += 8;
    }
    too_much[p] = 16u * (uint32_t)sum;
  }
}

/* Four pixels of a channel, from twice their accumulators. */
static inline void finish_pixels(const int32_t *acc2, int8_t *out, int32_t multiplier, int32_t right,
                                 const atml_packed_filter *f) {
  const atml_finish_row_params finish = {multiplier, right, atml_finish_constant(right, f->zero_point), f->channels};
  atml_finish_row(acc2, out, &finish, &acc2[4]);
}

void atml_nibble_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const atml_pair_scale *scale = f->scales;
  uint32_t too_much[4];
  sum_inputs(patch, f->k, too_much);
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
        a[first + p] = (int32_t)(2u * low - too_much[first + p] + bias_a);
        b[first + p] = (int32_t)(2u * (uint32_t)((int32_t)(sums[2 * p + 1] - low) >> 4) + bias_b);
      }
    }
    finish_pixels(a, &out[c], scale->multiplier_a, scale->right_a, f);
    if (c + 1 < f->channels) {
      finish_pixels(b, &out[c + 1], scale->multiplier_b, scale->right_b, f);
    }
    stream += 8 + f->k;
    scale = next_scale(scale, f);
  }
}

void atml_nibble_dot_1(const int8_t *in, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const atml_pair_scale *scale = f->scales;
  int32_t sum = 0;
  for (int32_t i = 0; i < f->k; i++) {
    sum += in[i];
  }
  for (int32_t c = 0; c < f->channels; c += 2) {
    const uint8_t *weights = &stream[8];
    uint32_t low = 0;
    uint32_t mix = 0;
    for (int32_t i = 0; i < f->k; i++) {
      const int32_t both = (int8_t)weights[i];
      low += (uint32_t)(in[i] * (both & 15));
      mix += (uint32_t)(in[i] * both);
    }
    out[c] = atml_finish((int32_t)(2u * (low - 8u * (uint32_t)sum + (uint32_t)atml_load_int32(stream))),
                         scale->multiplier_a, scale->right_a, f->zero_point);
    if (c + 1 < f->channels) {
      out[c + 1] = atml_finish((int32_t)(2u * (uint32_t)((int32_t)(mix - low) >> 4) + (uint32_t)atml_load_int32(&stream[4])),
                               scale->multiplier_b, scale->right_b, f->zero_point);
    }
    stream += 8 + f->k;
    scale = next_scale(scale, f);
  }
}

#endif
