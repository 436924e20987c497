#include "atml_arithmetic.h"
#include "atml_dsp.h"
#include "atml_ops.h"

/* The taps of a window that lie inside the input. */
typedef struct {
  int32_t rows, columns;
  int32_t row_step, step; /* bytes */
} taps;

static int32_t largest(const int8_t *in, const taps *t) {
  int32_t value = -128;
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      value = (*tap > value) ? *tap : value;
      tap += t->step;
    }
    in += t->row_step;
  }
  return value;
}

#if ATML_DSP

/* Byte by byte, signed: SSUB8 sets the flags that SEL chooses by. */
static inline uint32_t larger(uint32_t a, uint32_t b) {
  uint32_t result;
  __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(result) : "r"(a), "r"(b) : "cc");
  return result;
}

static inline uint32_t smaller(uint32_t a, uint32_t b) {
  uint32_t result;
  __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(result) : "r"(a), "r"(b) : "cc");
  return result;
}

static inline uint32_t four(int32_t value) { return (uint32_t)(uint8_t)value * 0x01010101u; }

static void largest_four(const int8_t *in, int8_t *out, const taps *t, uint32_t low, uint32_t high) {
  uint32_t value = low;
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      uint32_t word;
      __builtin_memcpy(&word, tap, sizeof word); /* one load: unaligned words are legal here */
      value = larger(value, word);
      tap += t->step;
    }
    in += t->row_step;
  }
  value = smaller(value, high);
  __builtin_memcpy(out, &value, sizeof value);
}

#endif

/* All channels of one pixel. Out may lie on the window's first pixel: channels are read whole before they are
 * written. */
static void pool_pixel(const int8_t *in, int8_t *out, const taps *t, const atml_pool *p) {
  int32_t c = 0;
#if ATML_DSP
  for (; c + 4 <= p->window.in_c; c += 4) {
    largest_four(&in[c], &out[c], t, four(p->low), four(p->high));
  }
#endif
  for (; c < p->window.in_c; c++) {
    out[c] = atml_clamp_int8(largest(&in[c], t), p->low, p->high);
  }
}

void atml_max_pool(const int8_t *in, int8_t *out, const atml_pool *p) {
  const atml_window *w = &p->window;
  taps t = {0, 0, w->in_w * w->in_c * w->dilation_h, w->in_c * w->dilation_w};
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
