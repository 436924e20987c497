#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_pair_dot.h"

#if !ATML_DSP && !ATML_MVE /* else dsp_nibble_dot.c or mve_nibble_dot.c */

/* A byte is 16 w_b + (w_a + 8). With low = sum x (w_a + 8), which needs one AND, and mix = sum x byte, the sum of b is
 * (mix - low) / 16 and that of a is low - 8 sum x: neither weight is unpacked. All modulo 2^32. */

/* The weights of one input against its place in the patch. */
#define INPUT(i, offset)                          \
  do {                                            \
    const int32_t both = (int8_t)weights[i];      \
    const int32_t lower = (int32_t)(both & 15);   \
    ATML_STEPS(offset);                                \
  } while (0)

/* ATML_PIXELS pixels from `patch` on, one pair of channels; byte i of a group of four belongs to pair i % 2, at i / 2 of it. */
static ATML_IN_ORDER void dot_pair(const int16_t *patch, const uint8_t *weights, int32_t k, uint32_t *sums) {
  ATML_NO_SUMS;
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
  ATML_KEEP_SUMS(sums);
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

void atml_nibble_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const int32_t *multipliers = f->multipliers;
  uint32_t too_much[4];
  sum_inputs(patch, f->k, too_much);
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
        a[first + p] = (int32_t)(2u * low - too_much[first + p] + bias_a);
        b[first + p] = (int32_t)(2u * (uint32_t)((int32_t)(sums[2 * p + 1] - low) >> 4) + bias_b);
      }
    }
    atml_finish_pixels(a, &out[c], multipliers[0], word_a, f);
    if (c + 1 < f->channels) {
      atml_finish_pixels(b, &out[c + 1], multipliers[1], word_b, f);
    }
    stream += 8 + f->k;
    multipliers = atml_next_pair(multipliers, f);
  }
}

void atml_nibble_dot_1(const int8_t *in, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const int32_t *multipliers = f->multipliers;
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
    atml_finish_pair(&out[c], (int32_t)(low - 8u * (uint32_t)sum), (int32_t)(mix - low) >> 4,
                     (c + 1 < f->channels) ? 1 : 0, stream,
                     multipliers, f->zero_point);
    stream += 8 + f->k;
    multipliers = atml_next_pair(multipliers, f);
  }
}

#endif
