#include "atml_depthwise_row.h"

#include "atml_dot.h"
#include "atml_dsp.h"

#if !ATML_DSP && !ATML_MVE /* else dsp_depthwise_row.c or mve_depthwise_row.c */

void atml_depthwise_pack_taps(const int8_t *source, int16_t *taps, const atml_packed_depthwise *p) {
  for (int32_t i = 0; i < p->rows * p->row_taps; i++) {
    taps[i] = source[i];
  }
}

void atml_depthwise_row(const int16_t *const *rows, int8_t *out, const atml_packed_depthwise *p,
                        const atml_depthwise_channel *channel) {
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
