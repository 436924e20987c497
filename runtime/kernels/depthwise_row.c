#include "atml_depthwise_row.h"

#include "atml_dot.h"
#include "atml_dsp.h"

#if !ATML_DSP && !ATML_MVE /* else dsp_depthwise_row.c or mve_depthwise_row.c */

void atml_depthwise_pack_taps(const int8_t *source, int16_t *taps, const atml_packed_depthwise *p) {
  for (int32_t i = 0; i < p->rows * p->row_taps; i++) {
    taps[i] = source[i];
  }
}

static inline int32_t dot_3(const int16_t *in, const int16_t *tap, int32_t acc) {
  return acc + tap[0] * in[0] + tap[1] * in[1] + tap[2] * in[2];
}

static void row_3x3(const int16_t *const *rows, int8_t *out, const atml_packed_depthwise *p,
                    const atml_depthwise_channel *channel) {
  const int16_t *const tap = channel->taps;
  const int32_t stride = p->stride_x;
  const int16_t *a = rows[0];
  const int16_t *b = rows[1];
  const int16_t *c = rows[2];
  for (int32_t x = p->out_x; x > 0; x--) {
    const int32_t acc = dot_3(c, &tap[6], dot_3(b, &tap[3], dot_3(a, tap, channel->bias)));
    *out = atml_finish(2 * acc, channel->multiplier, channel->right, p->zero_point);
    out += p->out_step_x;
    a += stride;
    b += stride;
    c += stride;
  }
}

void atml_depthwise_row(const int16_t *const *rows, int8_t *out, const atml_packed_depthwise *p,
                        const atml_depthwise_channel *channel) {
  if ((p->rows == 3) && (p->row_taps == 3)) {
    row_3x3(rows, out, p, channel);
    return;
  }
  for (int32_t x = 0; x < p->out_x; x++) {
    int32_t acc = channel->bias;
    const int16_t *tap = channel->taps;
    for (int32_t r = 0; r < p->rows; r++) {
      const int16_t *in = &rows[r][x * p->stride_x];
      for (int32_t t = 0; t < p->row_taps; t++) {
        acc += tap[t] * in[t];
      }
      tap += p->row_taps;
    }
    *out = atml_finish(2 * acc, channel->multiplier, channel->right, p->zero_point);
    out += p->out_step_x;
  }
}

#endif
