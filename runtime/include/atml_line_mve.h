/* atml_line.h with Helium: 16 taps of an output an instruction. The line and the taps are int8, the taps filled up
 * with zeros. */
#ifndef ATML_LINE_MVE_H
#define ATML_LINE_MVE_H

#include "atml_depthwise_channel.h"
#include "atml_mve.h"

typedef struct {
  int8_t *line, *taps;
  const atml_packed_depthwise *p;
  int32_t bias, multiplier, right;
} atml_line;

static inline void atml_line_open(atml_line *l, int8_t *scratch, const atml_packed_depthwise *p) {
  for (int32_t i = 0; i < 2 * p->pitch; i += 16) {
    vstrbq_p_s8(&scratch[i], vdupq_n_s8(p->input_zero_point), vctp8q((uint32_t)(2 * p->pitch - i)));
  }
  l->line = scratch;
  l->taps = &scratch[2 * p->pitch];
  l->p = p;
}

static inline void atml_line_factors(atml_line *l, const atml_depthwise_channel *channel) {
  l->bias = channel->bias;
  l->multiplier = channel->multiplier;
  l->right = channel->right;
}

static inline int32_t atml_line_taps(const int8_t *source, const atml_line *l) {
  int8_t *to = l->taps;
  int32_t sum = 0;
  for (int32_t left = l->p->row_taps; left > 0; left -= 16) {
    const int8x16_t bytes = vldrbq_z_s8(source, vctp8q((uint32_t)left));
    vstrbq_s8(to, bytes);
    sum = vaddvaq_s8(sum, bytes);
    source += 16;
    to += 16;
  }
  return -sum * l->p->input_zero_point;
}

/* Eight at a time where halfwords hold their offsets. */
static inline void atml_line_load(const int8_t *in, const atml_line *l) {
  const int32_t step = l->p->in_step_x;
  const uint16x8_t steps = vmulq_n_u16(vidupq_n_u16(0u, 1), (uint16_t)step);
  int8_t *to = &l->line[l->p->pad_x];
  int32_t left = l->p->in_x;
  for (; (left >= 8) && (step <= 8192); left -= 8) {
    vstrbq_s16(to, vldrbq_gather_offset_s16(in, steps));
    in += 8 * step;
    to += 8;
  }
  for (; left > 0; left -= 4) {
    const mve_pred16_t lanes = vctp32q((uint32_t)left);
    vstrbq_p_s32(to, vldrbq_gather_offset_z_s32(in, atml_mve_steps(step), lanes), lanes);
    in += 4 * step;
    to += 4;
  }
}

/* Sums of four windows; inputs behind the last window are there. */
static inline int32x4_t atml_line_sums(const int8_t *in, int32_t stride, int8x16_t taps) {
  const int32_t two = 2 * stride;
  const int32_t a = vmladavq_s8(vldrbq_s8(in), taps);
  const int32_t b = vmladavq_s8(vldrbq_s8(&in[stride]), taps);
  const int32_t c = vmladavq_s8(vldrbq_s8(&in[two]), taps);
  const int32_t d = vmladavq_s8(vldrbq_s8(&in[two + stride]), taps);
  const int32x4_t sums = {a, b, c, d};
  return sums;
}

/* Adds the taps behind the first 16. */
static ATML_NOINLINE int32x4_t atml_line_rest(const atml_line *l, const int8_t *in, int32x4_t sums) {
  for (int32_t t = 16; t < l->p->row_taps; t += 16) {
    sums = vaddq_s32(sums, atml_line_sums(&in[t], l->p->stride_x, vldrbq_s8(&l->taps[t])));
  }
  return sums;
}

static inline void atml_line_run(const atml_line *l, int8_t *out) {
  const int8x16_t taps = vldrbq_s8(l->taps); /* copies: a byte written to out might be any of them */
  const uint32x4_t steps = atml_mve_steps(l->p->out_step_x);
  const int32_t stride = l->p->stride_x;
  const int32_t four = 4 * l->p->out_step_x;
  const int32_t bias = l->bias;
  const int32_t multiplier = l->multiplier;
  const int32_t right = l->right;
  const int32_t zero_point = l->p->zero_point;
  const int32_t row_taps = l->p->row_taps;
  const int8_t *in = l->line;
  int32_t left = l->p->out_x;
  for (;;) {
    int32x4_t sums = vaddq_n_s32(atml_line_sums(in, stride, taps), bias);
    if (row_taps > 16) {
      sums = atml_line_rest(l, in, sums);
    }
    const int32x4_t y = atml_mve_finish(sums, multiplier, right, zero_point);
    if (left < 4) {
      vstrbq_scatter_offset_p_s32(out, steps, y, vctp32q((uint32_t)left));
      break;
    }
    vstrbq_scatter_offset_s32(out, steps, y);
    left -= 4;
    if (left == 0) {
      break;
    }
    in += 4 * stride;
    out += four;
  }
}

#endif
