#include "atml_arithmetic.h"
#include "atml_bytes.h"
#include "atml_dsp.h"
#include "atml_ops.h"
#include "atml_taps.h"

#if ATML_MVE && !ATML_SMALL
#include <arm_mve.h>
#endif

/* Out may lie on the window's first pixel: the taps of a channel are read before it is written, with the channels of
 * its group. */

/* The mean of n values, half away from zero, is floor((2 sum + n - (sum < 0)) / 2 n): for odd n the dividend without
 * the last term is odd, which the term does not bring below a multiple of 2 n; for even n it moves the ties of
 * negative sums. With 256 n more the quotient is u = mean + 128 >= 0, and up to n = ATML_LARGEST_MEAN a product with
 * factor = ceil(2^24 / 2 n) / 2^24 in 32 bits gives it: the dividend is at most 511 n, the factor too large by
 * less than 2 n / (2 n 2^24), and 511 n 2 n < 2^24. */
#define ATML_LARGEST_MEAN 128

typedef struct {
  int32_t count;
  uint32_t factor, constant; /* factor 0: too many values */
} mean;

static void set_count(mean *m, int32_t count) {
  if (m->count != count) {
    m->count = count;
    m->factor = (count <= ATML_LARGEST_MEAN) ? (((1u << 23) + (uint32_t)count - 1u) / (uint32_t)count) : 0u;
    m->constant = 257u * (uint32_t)count * m->factor;
  }
}

/* Mean + 128. */
static inline uint32_t raised_mean(int32_t sum, uint32_t factor, uint32_t constant) {
  return ((uint32_t)(2 * sum + (sum >> 31)) * factor + constant) >> 24;
}

static int32_t mean_of(int32_t sum, const mean *m) {
  return (m->factor != 0u) ? ((int32_t)raised_mean(sum, m->factor, m->constant) - 128) : atml_mean_of(sum, m->count);
}

static int32_t sum_of(const int8_t *in, const atml_taps *t) {
  int32_t sum = 0;
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      sum += *tap;
      tap += t->step;
    }
    in += t->row_step;
  }
  return sum;
}

#if ATML_DSP

/* Sums of bytes 0 and 2, and of 1 and 3, in halfwords. */
typedef struct {
  uint32_t even, odd;
} pairs;

static inline void add_four(pairs *sums, const int8_t *in) {
  const uint32_t word = atml_load_bytes(in);
  __asm__("sxtab16 %0, %0, %1" : "+r"(sums->even) : "r"(word));
  __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(sums->odd) : "r"(word));
}

static inline pairs sum_four(const int8_t *in, const atml_taps *t) {
  pairs sums = {0, 0};
  if (atml_is_square(t)) {
    add_four(&sums, in);
    add_four(&sums, &in[t->step]);
    in += t->row_step;
    add_four(&sums, in);
    add_four(&sums, &in[t->step]);
    return sums;
  }
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      add_four(&sums, tap);
      tap += t->step;
    }
    in += t->row_step;
  }
  return sums;
}

/* Returns the channels that are done. */
static int32_t pool_groups(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p, const mean *m) {
  const uint32_t factor = m->factor;
  const uint32_t constant = m->constant;
  const uint32_t low = atml_four_bytes(p->low);
  const uint32_t high = atml_four_bytes(p->high);
  int32_t c = 0;
  if (factor == 0u) {
    return 0;
  }
  for (; c + 4 <= p->window.in_c; c += 4) {
    const pairs sums = sum_four(&in[c], t);
    const uint32_t raised = raised_mean((int16_t)sums.even, factor, constant) |
                            (raised_mean((int16_t)sums.odd, factor, constant) << 8) |
                            (raised_mean((int32_t)sums.even >> 16, factor, constant) << 16) |
                            (raised_mean((int32_t)sums.odd >> 16, factor, constant) << 24);
    const uint32_t means = raised ^ 0x80808080u;
    atml_store_bytes(&out[c], atml_smaller_bytes(atml_larger_bytes(means, low), high));
  }
  return c;
}

#elif ATML_MVE && !ATML_SMALL

static int32_t pool_groups(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p, const mean *m) {
  if (m->factor == 0u) {
    return 0;
  }
  for (int32_t c = 0; c < p->window.in_c; c += 4) {
    const mve_pred16_t live = vctp32q((uint32_t)(p->window.in_c - c));
    const int8_t *row = &in[c];
    int32x4_t sums = vdupq_n_s32(0);
    for (int32_t r = t->rows; r > 0; r--) {
      const int8_t *tap = row;
      for (int32_t i = t->columns; i > 0; i--) {
        sums = vaddq_s32(sums, vldrbq_z_s32(tap, live));
        tap += t->step;
      }
      row += t->row_step;
    }
    sums = vaddq_s32(vaddq_s32(sums, sums), vshrq_n_s32(sums, 31));
    const uint32x4_t products = vmulq_n_u32(vreinterpretq_u32_s32(sums), m->factor);
    const uint32x4_t raised = vshrq_n_u32(vaddq_n_u32(products, m->constant), 24);
    const int32x4_t means = vaddq_n_s32(vreinterpretq_s32_u32(raised), -128);
    const int32x4_t kept = vminq_s32(vmaxq_s32(means, vdupq_n_s32(p->low)), vdupq_n_s32(p->high));
    vstrbq_p_s32(&out[c], kept, live);
  }
  return p->window.in_c;
}

#endif

static void pool_pixel(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p, const mean *m) {
  int32_t c = 0;
#if ATML_DSP || (ATML_MVE && !ATML_SMALL)
  c = pool_groups(in, out, t, p, m);
#endif
  for (; c < p->window.in_c; c++) {
    int32_t sum;
#if !ATML_DSP && !ATML_MVE
    if (atml_is_square(t)) {
      const int8_t *const below = &in[c + t->row_step];
      sum = in[c] + in[c + t->step] + below[0] + below[t->step];
    } else
#endif
    {
      sum = sum_of(&in[c], t);
    }
    out[c] = atml_clamp_int8(mean_of(sum, m), p->low, p->high);
  }
}

void atml_average_pool(const int8_t *in, int8_t *out, const atml_pool *p) {
  const atml_window *w = &p->window;
  atml_taps t = {0, 0, w->in_w * w->in_c * w->dilation_h, w->in_c * w->dilation_w};
  mean m = {0, 0u, 0u};
  for (int32_t y = 0; y < w->out_h; y++) {
    const int32_t top = y * w->stride_h - w->pad_top;
    const atml_span ky = atml_inside(top, w->kernel_h, w->dilation_h, w->in_h);
    t.rows = ky.high - ky.low;
    for (int32_t x = 0; x < w->out_w; x++) {
      const int32_t left = x * w->stride_w - w->pad_left;
      const atml_span kx = atml_inside(left, w->kernel_w, w->dilation_w, w->in_w);
      t.columns = kx.high - kx.low;
      set_count(&m, t.rows * t.columns);
      pool_pixel(&in[((top + ky.low * w->dilation_h) * w->in_w + left + kx.low * w->dilation_w) * w->in_c], out, &t, p,
                 &m);
      out += w->out_c;
    }
  }
}
