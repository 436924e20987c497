/* Rows of depthwise_row.c with Helium: eight outputs at a time, four a vector. Taps stay as in the portable form. */
#include "atml_dsp.h"

#include "atml_depthwise_row.h"

#if ATML_MVE

#include "atml_mve.h"

int32_t atml_depthwise_pack_taps(const int8_t *source, int16_t *taps, const atml_packed_depthwise *p) {
  int32_t sum = 0;
  for (int32_t i = 0; i < p->rows * p->row_taps; i++) {
    taps[i] = source[i];
    sum += source[i];
  }
  return sum;
}

/* Four inputs `stride` apart, those of active lanes only. */
static inline int32x4_t load_4(const int16_t *in, uint32x4_t at, mve_pred16_t lanes) {
  return vldrhq_gather_shifted_offset_z_s32(in, at, lanes);
}

typedef struct {
  int32x4_t left, right;
} eight;

static inline eight sum_stride_1(int16_t *const *rows, int32_t x, const atml_packed_depthwise *p,
                                 const atml_depthwise_channel *channel) {
  const int16_t *tap = channel->taps;
  eight acc = {vdupq_n_s32(channel->bias), vdupq_n_s32(channel->bias)};
  for (int32_t r = 0; r < p->rows; r++) {
    const int16_t *in = &rows[r][x];
    for (int32_t t = 0; t < p->row_taps; t++) {
      const int32_t weight = *tap;
      acc.left = vmlaq_n_s32(acc.left, vldrhq_s32(in), weight);
      acc.right = vmlaq_n_s32(acc.right, vldrhq_s32(&in[4]), weight);
      in++;
      tap++;
    }
  }
  return acc;
}

static inline int32x4_t sum_any(int16_t *const *rows, int32_t x, mve_pred16_t lanes, uint32x4_t at,
                                const atml_packed_depthwise *p, const atml_depthwise_channel *channel) {
  const int16_t *tap = channel->taps;
  int32x4_t acc = vdupq_n_s32(channel->bias);
  for (int32_t r = 0; r < p->rows; r++) {
    const int16_t *in = &rows[r][x * p->stride_x];
    for (int32_t t = 0; t < p->row_taps; t++) {
      acc = vmlaq_n_s32(acc, load_4(in, at, lanes), *tap);
      in++;
      tap++;
    }
  }
  return acc;
}

void atml_depthwise_row(int16_t *const *rows, int8_t *out, const atml_packed_depthwise *p,
                        atml_depthwise_channel *channel) {
  const uint32x4_t at = atml_mve_steps(p->stride_x);
  const uint32x4_t steps = atml_mve_steps(p->out_step_x);
  const int32_t m = channel->multiplier;
  const int32_t right = channel->right;
  int32_t x = 0;
  if (p->stride_x == 1) {
    for (; x + 8 <= p->out_x; x += 8) {
      const eight acc = sum_stride_1(rows, x, p, channel);
      vstrbq_scatter_offset_s32(out, steps, atml_mve_finish(acc.left, m, right, p->zero_point));
      out += 4 * p->out_step_x;
      vstrbq_scatter_offset_s32(out, steps, atml_mve_finish(acc.right, m, right, p->zero_point));
      out += 4 * p->out_step_x;
    }
  }
  for (; x < p->out_x; x += 4) {
    const mve_pred16_t lanes = vctp32q((uint32_t)(p->out_x - x));
    const int32x4_t acc = sum_any(rows, x, lanes, at, p, channel);
    vstrbq_scatter_offset_p_s32(out, steps, atml_mve_finish(acc, m, right, p->zero_point), lanes);
    out += 4 * p->out_step_x;
  }
}

#endif
