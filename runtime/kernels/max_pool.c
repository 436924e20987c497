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

#if ATML_MVE && !ATML_SMALL

static void pool_pixel(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  for (int32_t left = p->window.in_c; left > 0; left -= 16) {
    const mve_pred16_t live = vctp8q((uint32_t)left);
    const int8_t *row = in;
    int8x16_t value = vdupq_n_s8(p->low);
    for (int32_t r = t->rows; r > 0; r--) {
      const int8_t *tap = row;
      for (int32_t i = t->columns; i > 0; i--) {
        value = vmaxq_s8(value, vldrbq_z_s8(tap, live));
        tap += t->step;
      }
      row += t->row_step;
    }
    vstrbq_p_s8(out, vminq_s8(value, vdupq_n_s8(p->high)), live);
    in += 16;
    out += 16;
  }
}

#else

static int32_t larger(int32_t a, int32_t b) { return (a > b) ? a : b; }

static int32_t largest(const int8_t *in, const atml_taps *t) {
  int32_t value = -128;
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      value = larger(value, *tap);
      tap += t->step;
    }
    in += t->row_step;
  }
  return value;
}

#if ATML_DSP

static uint32_t largest_four(const int8_t *in, const atml_taps *t, uint32_t low, uint32_t high) {
  uint32_t value = low;
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      value = atml_larger_bytes(value, atml_load_bytes(tap));
      tap += t->step;
    }
    in += t->row_step;
  }
  return atml_smaller_bytes(value, high);
}

#if !ATML_SMALL

/* channels: a multiple of 4. */
static void pool_square(const int8_t *in, int8_t *out, const atml_taps *t, int32_t channels, uint32_t low,
                        uint32_t high) {
  const int8_t *const end = &in[channels];
  const int8_t *below = &in[t->row_step];
  uint32_t a;
  uint32_t b;
  __asm__ volatile(
      "1:\n\t"
      "ldr %[a], [%[in], %[step]]\n\t"
      "ldr %[b], [%[in]], #4\n\t"
      "ssub8 r12, %[a], %[b]\n\t"
      "sel %[a], %[a], %[b]\n\t"
      "ldr %[b], [%[below], %[step]]\n\t"
      "ssub8 r12, %[a], %[b]\n\t"
      "sel %[a], %[a], %[b]\n\t"
      "ldr %[b], [%[below]], #4\n\t"
      "ssub8 r12, %[a], %[b]\n\t"
      "sel %[a], %[a], %[b]\n\t"
      "ssub8 r12, %[a], %[low]\n\t"
      "sel %[a], %[a], %[low]\n\t"
      "ssub8 r12, %[a], %[high]\n\t"
      "sel %[a], %[high], %[a]\n\t"
      "cmp %[in], %[end]\n\t"
      "str %[a], [%[out]], #4\n\t"
      "bne 1b\n\t"
      : [a] "=&r"(a), [b] "=&r"(b), [in] "+&r"(in), [below] "+&r"(below), [out] "+&r"(out)
      : [step] "r"(t->step), [end] "r"(end), [low] "r"(low), [high] "r"(high)
      : "r12", "cc", "memory");
}

/* Eight channels: half the loops. */
static void pool_eight(const int8_t *in, int8_t *out, const atml_taps *t, uint32_t low, uint32_t high) {
  uint32_t first = low;
  uint32_t second = low;
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      first = atml_larger_bytes(first, atml_load_bytes(tap));
      second = atml_larger_bytes(second, atml_load_bytes(&tap[4]));
      tap += t->step;
    }
    in += t->row_step;
  }
  atml_store_bytes(out, atml_smaller_bytes(first, high));
  atml_store_bytes(&out[4], atml_smaller_bytes(second, high));
}

#endif

/* Returns the channels that are done. */
static int32_t pool_groups(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  const int32_t channels = p->window.in_c & ~3;
  const uint32_t low = atml_four_bytes(p->low);
  const uint32_t high = atml_four_bytes(p->high);
  int32_t c = 0;
#if !ATML_SMALL
  if (atml_is_square(t) && (channels > 0)) {
    pool_square(in, out, t, channels, low, high);
    return channels;
  }
  for (; c + 8 <= channels; c += 8) {
    pool_eight(&in[c], &out[c], t, low, high);
  }
#endif
  for (; c < channels; c += 4) {
    atml_store_bytes(&out[c], largest_four(&in[c], t, low, high));
  }
  return c;
}

#endif

static void pool_pixel(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  int32_t c = 0;
#if ATML_DSP
  c = pool_groups(in, out, t, p);
#endif
  for (; c < p->window.in_c; c++) {
    int32_t value;
#if !ATML_DSP
    if (atml_is_square(t)) {
      const int8_t *const below = &in[c + t->row_step];
      value = larger(larger(in[c], in[c + t->step]), larger(below[0], below[t->step]));
    } else
#endif
    {
      value = largest(&in[c], t);
    }
    out[c] = atml_clamp_int8(value, p->low, p->high);
  }
}

#endif

void atml_max_pool(const int8_t *in, int8_t *out, const atml_pool *p) {
  const atml_window *w = &p->window;
  atml_taps t = {0, 0, w->in_w * w->in_c * w->dilation_h, w->in_c * w->dilation_w};
  for (int32_t y = 0; y < w->out_h; y++) {
    const int32_t top = y * w->stride_h - w->pad_top;
    const atml_span ky = atml_inside(top, w->kernel_h, w->dilation_h, w->in_h);
    t.rows = ky.high - ky.low;
    for (int32_t x = 0; x < w->out_w; x++) {
      const int32_t left = x * w->stride_w - w->pad_left;
      const atml_span kx = atml_inside(left, w->kernel_w, w->dilation_w, w->in_w);
      t.columns = kx.high - kx.low;
      pool_pixel(&in[((top + ky.low * w->dilation_h) * w->in_w + left + kx.low * w->dilation_w) * w->in_c], out, &t, p);
      out += w->out_c;
    }
  }
}
