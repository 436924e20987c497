/* The inner products of nibble_dot.c with Helium. A vector of 16 bytes holds 16 weights of two channels. */
#include "atml_dsp.h"

#include "atml_dot.h"

#if ATML_MVE

#include "atml_mve.h"

static inline int8x16_t low_nibbles(int8x16_t bytes) {
  return vsubq_n_s8(vandq_s8(bytes, vdupq_n_s8(15)), 8);
}

static void sum_4(const int8_t *x, const uint8_t *weights, int32_t k, atml_mve_sums *sums) {
  int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
  int32_t b0 = 0, b1 = 0, b2 = 0, b3 = 0;
  for (; k >= 16; k -= 16) {
    const int8x16_t both = atml_mve_swap(vld1q_s8((const int8_t *)weights));
    const int8x16_t a = low_nibbles(both);
    const int8x16_t b = vshrq_n_s8(both, 4);
    const int32x4x4_t v = vld4q_s32((const int32_t *)(const void *)x);
    a0 = vmladavaq_s8(a0, vreinterpretq_s8_s32(v.val[0]), a);
    b0 = vmladavaq_s8(b0, vreinterpretq_s8_s32(v.val[0]), b);
    a1 = vmladavaq_s8(a1, vreinterpretq_s8_s32(v.val[1]), a);
    b1 = vmladavaq_s8(b1, vreinterpretq_s8_s32(v.val[1]), b);
    a2 = vmladavaq_s8(a2, vreinterpretq_s8_s32(v.val[2]), a);
    b2 = vmladavaq_s8(b2, vreinterpretq_s8_s32(v.val[2]), b);
    a3 = vmladavaq_s8(a3, vreinterpretq_s8_s32(v.val[3]), a);
    b3 = vmladavaq_s8(b3, vreinterpretq_s8_s32(v.val[3]), b);
    weights += 16;
    x += 64;
  }
  if (k > 0) { /* inputs of inactive lanes are zero */
    const mve_pred16_t lanes = vctp32q((uint32_t)k / 4u);
    const uint32x4_t at = atml_mve_steps(16);
    const int32_t *words = (const int32_t *)(const void *)x;
    const int8x16_t both = atml_mve_swap(vldrbq_z_s8((const int8_t *)weights, vctp8q((uint32_t)k)));
    const int8x16_t a = low_nibbles(both);
    const int8x16_t b = vshrq_n_s8(both, 4);
    int8x16_t v = vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(words, at, lanes));
    a0 = vmladavaq_s8(a0, v, a);
    b0 = vmladavaq_s8(b0, v, b);
    v = vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(&words[1], at, lanes));
    a1 = vmladavaq_s8(a1, v, a);
    b1 = vmladavaq_s8(b1, v, b);
    v = vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(&words[2], at, lanes));
    a2 = vmladavaq_s8(a2, v, a);
    b2 = vmladavaq_s8(b2, v, b);
    v = vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(&words[3], at, lanes));
    a3 = vmladavaq_s8(a3, v, a);
    b3 = vmladavaq_s8(b3, v, b);
  }
  const atml_mve_sums all = {{a0, a1, a2, a3}, {b0, b1, b2, b3}};
  *sums = all;
}

void atml_nibble_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const int32_t *multipliers = f->multipliers;
  const uint32x4_t steps = atml_mve_steps(f->channels);
  for (int32_t c = 0; c < f->channels; c += 2) {
    atml_mve_sums sums;
    sum_4((const int8_t *)(const void *)patch, &stream[8], f->k, &sums);
    atml_mve_store_pair(&sums, stream, multipliers, &out[c], (c + 1 < f->channels) ? 1 : 0, steps, f->zero_point);
    stream += 8 + f->k;
    multipliers = atml_next_pair(multipliers, f);
  }
}

void atml_nibble_dot_1(const int8_t *in, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const int32_t *multipliers = f->multipliers;
  for (int32_t c = 0; c < f->channels; c += 2) {
    int32_t sum_a = 0;
    int32_t sum_b = 0;
    for (int32_t i = 0; i < f->k; i += 16) {
      const mve_pred16_t lanes = vctp8q((uint32_t)(f->k - i));
      const int8x16_t both = vldrbq_z_s8((const int8_t *)&stream[8 + i], lanes);
      const int8x16_t v = vldrbq_z_s8(&in[i], lanes);
      sum_a = vmladavaq_s8(sum_a, v, low_nibbles(both));
      sum_b = vmladavaq_s8(sum_b, v, vshrq_n_s8(both, 4));
    }
    atml_finish_pair(&out[c], sum_a, sum_b, (c + 1 < f->channels) ? 1 : 0, stream, multipliers, f->zero_point);
    stream += 8 + f->k;
    multipliers = atml_next_pair(multipliers, f);
  }
}

#endif
