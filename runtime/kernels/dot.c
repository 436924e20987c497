#include "atml_dot.h"

#include "atml_dsp.h"

#if !ATML_DSP && !ATML_MVE /* else dsp_dot.c or mve_dot.c */

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

/* Halfword i of a pair's weights. */
static int32_t load_pair(const uint8_t *weights, int32_t i) {
  const uint32_t bits = (uint32_t)weights[2 * i] | ((uint32_t)weights[2 * i + 1] << 8);
  return (int32_t)(int16_t)(uint16_t)bits;
}

static const atml_pair_scale *next_scale(const atml_pair_scale *scale, const atml_packed_filter *f) {
  return (f->scale_step != 0) ? &scale[1] : scale;
}

void atml_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const atml_pair_scale *scale = f->scales;
  for (int32_t c = 0; c < f->channels; c += 2) {
    const int32_t bias_a = atml_load_int32(stream);
    const int32_t bias_b = atml_load_int32(&stream[4]);
    for (int32_t p = 0; p < 4; p++) {
      int32_t sum_a = 0;
      int32_t sum_b = 0;
      for (int32_t i = 0; i < f->k; i++) {
        const int32_t both = load_pair(&stream[8], i);
        const int32_t a = (int8_t)(uint8_t)(both & 255);
        const int32_t x = patch[(i / 2) * 8 + 2 * p + (i & 1)];
        sum_a += x * a;
        sum_b += x * ((both - a) / 256);
      }
      out[p * f->channels + c] = atml_finish(2 * atml_add_wrapped(sum_a, bias_a), scale->multiplier_a, scale->right_a, f->zero_point);
      if (c + 1 < f->channels) {
        out[p * f->channels + c + 1] = atml_finish(atml_add_wrapped(2 * sum_b, bias_b), scale->multiplier_b, scale->right_b, f->zero_point);
      }
    }
    stream += 8 + 2 * f->k;
    scale = next_scale(scale, f);
  }
}

void atml_dot_1(const int8_t *in, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const atml_pair_scale *scale = f->scales;
  for (int32_t c = 0; c < f->channels; c += 2) {
    const int32_t bias_a = atml_load_int32(stream);
    const int32_t bias_b = atml_load_int32(&stream[4]);
    int32_t sum_a = 0;
    int32_t sum_b = 0;
    stream += 8;
    for (int32_t i = 0; i < f->k; i++) {
      /* 0 2 1 3: swap the two middle ones of each group. */
      const int32_t middle = (i ^ (i >> 1)) & 1;
      const int32_t x = in[(middle != 0) ? (i ^ 3) : i];
      const int32_t both = load_pair(stream, i);
      const int32_t a = (int8_t)(uint8_t)(both & 255);
      sum_a += x * a;
      sum_b += x * ((both - a) / 256);
    }
    stream += 2 * f->k;
    out[c] = atml_finish(2 * atml_add_wrapped(sum_a, bias_a), scale->multiplier_a, scale->right_a, f->zero_point);
    if (c + 1 < f->channels) {
      out[c + 1] = atml_finish(atml_add_wrapped(2 * sum_b, bias_b), scale->multiplier_b, scale->right_b, f->zero_point);
    }
    scale = next_scale(scale, f);
  }
}

#endif
