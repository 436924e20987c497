/* Helium pieces of the inner loops. The patch of atml_dot.h is int8 [k / 4][4 pixels][4] here, the middle two inputs
 * of each four exchanged, which is the order of the 8-bit stream. */
#ifndef ATML_MVE_H
#define ATML_MVE_H

#include <arm_mve.h>

#include "atml_dot.h"

/* Exchanges bytes 1 and 2 of every word. */
static inline int8x16_t atml_mve_swap(int8x16_t bytes) { return vpselq_s8(vrev32q_s8(bytes), bytes, 0x6666u); }

static inline uint32x4_t atml_mve_steps(int32_t step) { return vmulq_n_u32(vidupq_n_u32(0u, 1), (uint32_t)step); }

/* Accumulators -> outputs in [-128, 127]: as atml_finish(2 acc, ...). */
static inline int32x4_t atml_mve_finish(int32x4_t acc, int32_t multiplier, int32_t right, int32_t zero_point) {
#if ATML_SINGLE_ROUNDING
  int32_t lanes[4];
  vst1q_s32(lanes, acc);
  for (int32_t i = 0; i < 4; i++) {
    lanes[i] = atml_finish(2 * lanes[i], multiplier, right, zero_point);
  }
  return vld1q_s32(lanes);
#else
  int32x4_t y = vqrdmulhq_n_s32(acc, multiplier);
  y = vaddq_s32(y, vshrq_n_s32(y, 31)); /* ties away from zero */
  y = vaddq_n_s32(vrshlq_n_s32(y, -right), zero_point);
  return vminq_s32(vmaxq_s32(y, vdupq_n_s32(-128)), vdupq_n_s32(127));
#endif
}

typedef struct {
  int32_t a[4], b[4]; /* sums of a pair of channels for four pixels */
} atml_mve_sums;

/* Adds the biases of the pair and stores four pixels. */
static inline void atml_mve_store_pair(const atml_mve_sums *sums, const uint8_t *stream, const int32_t *multipliers,
                                       int8_t *out, int32_t partner, uint32x4_t steps, int32_t zero_point) {
  int32_t word = atml_load_int32(stream);
  const int32x4_t a = vaddq_n_s32(vld1q_s32(sums->a), atml_bias_of(word));
  vstrbq_scatter_offset_s32(out, steps, atml_mve_finish(a, multipliers[0], atml_right_of(word), zero_point));
  if (partner != 0) {
    word = atml_load_int32(&stream[4]);
    const int32x4_t b = vaddq_n_s32(vld1q_s32(sums->b), atml_bias_of(word));
    vstrbq_scatter_offset_s32(&out[1], steps, atml_mve_finish(b, multipliers[1], atml_right_of(word), zero_point));
  }
}

#endif
