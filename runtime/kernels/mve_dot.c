/* The inner products of dot.c with Helium: 16 inputs an instruction. VLD2 parts the halfwords 256 w_b + w_a of the
 * stream into their bytes; the sign of w_a, borrowed from the upper one, is given back. */
#include "atml_dsp.h"

#include "atml_dot.h"

#if ATML_MVE

#include "atml_mve.h"

typedef struct {
  int8x16_t a, b;
} pair_weights;

static inline pair_weights load_16(const uint8_t *weights) {
  const int8x16x2_t bytes = vld2q_s8((const int8_t *)weights);
  const pair_weights w = {bytes.val[0], vsubq_s8(bytes.val[1], vshrq_n_s8(bytes.val[0], 7))};
  return w;
}

/* The last inputs, eight at a time, in lanes of 16 bits; inactive lanes are zero. */
static inline int16x8_t load_8(const uint8_t *weights, mve_pred16_t lanes, int16x8_t *b) {
  const int16x8_t both = vldrhq_z_s16((const int16_t *)(const void *)weights, lanes);
  const int16x8_t a = vmovlbq_s8(vreinterpretq_s8_s16(both));
  *b = vshrq_n_s16(vsubq_s16(both, a), 8);
  return a;
}

static void sum_4(const int8_t *x, const uint8_t *weights, int32_t k, atml_mve_sums *sums) {
  static const uint16_t columns[8] = {0, 1, 2, 3, 16, 17, 18, 19};
  int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
  int32_t b0 = 0, b1 = 0, b2 = 0, b3 = 0;
  for (; k >= 16; k -= 16) {
    const pair_weights w = load_16(weights);
    const int32x4x4_t v = vld4q_s32((const int32_t *)(const void *)x);
    a0 = vmladavaq_s8(a0, vreinterpretq_s8_s32(v.val[0]), w.a);
    b0 = vmladavaq_s8(b0, vreinterpretq_s8_s32(v.val[0]), w.b);
    a1 = vmladavaq_s8(a1, vreinterpretq_s8_s32(v.val[1]), w.a);
    b1 = vmladavaq_s8(b1, vreinterpretq_s8_s32(v.val[1]), w.b);
    a2 = vmladavaq_s8(a2, vreinterpretq_s8_s32(v.val[2]), w.a);
    b2 = vmladavaq_s8(b2, vreinterpretq_s8_s32(v.val[2]), w.b);
    a3 = vmladavaq_s8(a3, vreinterpretq_s8_s32(v.val[3]), w.a);
    b3 = vmladavaq_s8(b3, vreinterpretq_s8_s32(v.val[3]), w.b);
    weights += 32;
    x += 64;
  }
  for (; k > 0; k -= 8) {
    const mve_pred16_t lanes = vctp16q((uint32_t)k);
    const uint16x8_t at = vld1q_u16(columns);
    int16x8_t b;
    const int16x8_t a = load_8(weights, lanes, &b);
    int16x8_t v = vldrbq_gather_offset_z_s16(x, at, lanes);
    a0 = vmladavaq_s16(a0, v, a);
    b0 = vmladavaq_s16(b0, v, b);
    v = vldrbq_gather_offset_z_s16(&x[4], at, lanes);
    a1 = vmladavaq_s16(a1, v, a);
    b1 = vmladavaq_s16(b1, v, b);
    v = vldrbq_gather_offset_z_s16(&x[8], at, lanes);
    a2 = vmladavaq_s16(a2, v, a);
    b2 = vmladavaq_s16(b2, v, b);
    v = vldrbq_gather_offset_z_s16(&x[12], at, lanes);
    a3 = vmladavaq_s16(a3, v, a);
    b3 = vmladavaq_s16(b3, v, b);
    weights += 16;
    x += 32;
  }
  const atml_mve_sums all = {{a0, a1, a2, a3}, {b0, b1, b2, b3}};
  *sums = all;
}

void atml_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f) {
  const uint8_t *stream = f->stream;
  const int32_t *multipliers = f->multipliers;
  const uint32x4_t steps = atml_mve_steps(f->channels);
  for (int32_t c = 0; c < f->channels; c += 2) {
    atml_mve_sums sums;
    sum_4((const int8_t *)(const void *)patch, &stream[8], f->k, &sums);
    atml_mve_store_pair(&sums, stream, multipliers, &out[c], (c + 1 < f->channels) ? 1 : 0, steps, f->zero_point);
    stream += 8 + 2 * f->k;
    multipliers = atml_next_pair(multipliers, f);
  }
}

void atml_dot_1(const int8_t *in, int8_t *out, const atml_packed_filter *f) {
  static const uint16_t order[8] = {0, 2, 1, 3, 4, 6, 5, 7};
  const uint8_t *stream = f->stream;
  const int32_t *multipliers = f->multipliers;
  for (int32_t c = 0; c < f->channels; c += 2) {
    int32_t sum_a = 0;
    int32_t sum_b = 0;
    const uint8_t *weights = &stream[8];
    const int8_t *x = in;
    int32_t left = f->k;
    for (; left >= 16; left -= 16) {
      const pair_weights w = load_16(weights);
      const int8x16_t v = atml_mve_swap(vld1q_s8(x));
      sum_a = vmladavaq_s8(sum_a, v, w.a);
      sum_b = vmladavaq_s8(sum_b, v, w.b);
      weights += 32;
      x += 16;
    }
    for (; left > 0; left -= 8) {
      const mve_pred16_t lanes = vctp16q((uint32_t)left);
      int16x8_t b;
      const int16x8_t a = load_8(weights, lanes, &b);
      const int16x8_t v = vldrbq_gather_offset_z_s16(x, vld1q_u16(order), lanes);
      sum_a = vmladavaq_s16(sum_a, v, a);
      sum_b = vmladavaq_s16(sum_b, v, b);
      weights += 16;
      x += 8;
    }
    atml_finish_pair(&out[c], sum_a, sum_b, (c + 1 < f->channels) ? 1 : 0, stream, multipliers, f->zero_point);
    stream += 8 + 2 * f->k;
    multipliers = atml_next_pair(multipliers, f);
  }
}

void atml_expand(const int8_t *in, int16_t *patch, int32_t groups) {
  const uint32x4_t words = atml_mve_steps(16);
  int32_t *to = (int32_t *)(void *)patch;
  for (; groups > 0; groups -= 4) {
    const int8x16_t bytes = atml_mve_swap(vldrbq_z_s8(in, vctp8q((uint32_t)groups * 4u)));
    vstrwq_scatter_offset_p_s32(to, words, vreinterpretq_s32_s8(bytes), vctp32q((uint32_t)groups));
    in += 16;
    to += 16;
  }
}

#endif
