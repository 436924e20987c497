#include "atml_dot.h"
#include "atml_dsp.h"

#if !ATML_DSP && !ATML_MVE /* else dsp_nibble_dot.c or mve_nibble_dot.c */

static int32_t low_nibble(uint8_t byte) { return (int32_t)(byte & 15u) - 8; }

static int32_t high_nibble(uint8_t byte) { return (int32_t)(int8_t)byte >> 4; }

static const atml_pair_scale *next_scale(const atml_pair_scale *scale, const atml_packed_filter *f) {
  return (f->scale_step != 0) ? &scale[1] : scale;
}

static void finish_pair(int8_t *out, int32_t sum_a, int32_t sum_b, int32_t partner, const uint8_t *stream,
                        const atml_pair_scale *scale, const atml_packed_filter *f) {
  out[0] = atml_finish(2 * atml_add_wrapped(sum_a, atml_load_int32(stream)), scale->multiplier_a, scale->right_a,
                       f->zero_point);
  if (partner != 0) {
    out[1] = atml_finish(atml_add_wrapped(2 * sum_b, atml_load_int32(&stream[4])), scale->multiplier_b, scale->right_b,
                         f->zero_point);
  }
}

/* Two inputs of one pixel. */
#define STEP(p)                                  \
  do {                                           \
    const int32_t x0 = patch[2 * (p)];           \
    const int32_t x1 = patch[2 * (p) + 1];       \
    a[p] += x0 * a0 + x1 * a1;                   \
    b[p] += x0 * b0 + x1 * b1;                   \
  } while (0)

/* Four pixels, one pair of channels; byte i of a group of four belongs to pair i % 2, at i / 2 of it. */
static void dot_pair(const int16_t *patch, const uint8_t *weights, int32_t k, int32_t *a, int32_t *b) {
  for (int32_t i = 0; i < k; i += 2) {
    const uint8_t *w = &weights[(i & ~3) + ((i >> 1) & 1)];
    const int32_t a0 = low_nibble(w[0]);
    const int32_t b0 = high_nibble(w[0]);
    const int32_t a1 = low_nibble(w[2]);
    const int32_t b1 = high_nibble(w[2]);
    STEP(0);
    STEP(1);
    STEP(2);
    STEP(3);
    patch += 8;
  }
}

void atml_nibble_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const atml_pair_scale *scale = f->scales;
  for (int32_t c = 0; c < f->channels; c += 2) {
    int32_t a[4] = {0, 0, 0, 0};
    int32_t b[4] = {0, 0, 0, 0};
    dot_pair(patch, &stream[8], f->k, a, b);
    for (int32_t p = 0; p < 4; p++) {
      finish_pair(&out[p * f->channels + c], a[p], b[p], (c + 1 < f->channels) ? 1 : 0, stream, scale, f);
    }
    stream += 8 + f->k;
    scale = next_scale(scale, f);
  }
}

void atml_nibble_dot_1(const int8_t *in, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const atml_pair_scale *scale = f->scales;
  for (int32_t c = 0; c < f->channels; c += 2) {
    const uint8_t *weights = &stream[8];
    int32_t sum_a = 0;
    int32_t sum_b = 0;
    for (int32_t i = 0; i < f->k; i++) {
      sum_a += in[i] * low_nibble(weights[i]);
      sum_b += in[i] * high_nibble(weights[i]);
    }
    finish_pair(&out[c], sum_a, sum_b, (c + 1 < f->channels) ? 1 : 0, stream, scale, f);
    stream += 8 + f->k;
    scale = next_scale(scale, f);
  }
}

#endif
