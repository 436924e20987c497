/* The convolution around its inner products, for weights of 8 and 4 bits; each is built into one file of its own. */
#ifndef ATML_CONV_CORE_H
#define ATML_CONV_CORE_H

#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_memory.h"

/* A few bytes, word by word where unaligned words are legal. */
static inline void atml_copy_run(int8_t *to, const int8_t *from, int32_t bytes) {
#if ATML_DSP
  for (; bytes >= 4; bytes -= 4) {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    __builtin_memcpy(to, &word, sizeof word);
    from += 4;
    to += 4;
  }
  for (; bytes > 0; bytes--) {
    *to = *from;
    to++;
    from++;
  }
#else
  memcpy(to, from, (size_t)bytes);
#endif
}

/* The k inputs of one output pixel, as bytes: what lies outside the input is its zero point. y, x: upper left corner, may
 * lie outside. Rows whose columns are all inside are copied at once. */
static ATML_NOINLINE void atml_gather(const int8_t *in, int8_t *patch, const atml_packed_conv *p, int32_t y, int32_t x) {
  const atml_window *w = &p->window;
  int32_t taps = w->kernel_w;
  int32_t bytes = w->in_c;
  if ((w->dilation_w == 1) && (x >= 0) && (x + taps <= w->in_w)) {
    bytes *= taps;
    taps = 1;
  }
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t iy = y + ky * w->dilation_h;
    int32_t ix = x;
    for (int32_t tap = 0; tap < taps; tap++) {
      if ((iy < 0) || (iy >= w->in_h) || (ix < 0) || (ix >= w->in_w)) {
        memset(patch, (int)p->input_zero_point, (size_t)bytes);
      } else {
        atml_copy_run(patch, &in[(iy * w->in_w + ix) * w->in_c], bytes);
      }
      ix += w->dilation_w;
      patch += bytes;
    }
  }
}

#if ATML_SMALL

static inline void atml_conv_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p,
                                  atml_dot_1_function dot_1) {
  const atml_window *w = &p->window;
  const int32_t k = p->filter.k;
  int32_t x = 0;
  int32_t y = 0;
  for (int32_t left = w->out_h * w->out_w; left > 0; left -= 4) {
    const int32_t pixels = (left < 4) ? left : 4;
    for (int32_t i = 0; i < pixels; i++) {
      atml_gather(in, &scratch[i * k], p, y * w->stride_h - w->pad_top, x * w->stride_w - w->pad_left);
      x++;
      if (x == w->out_w) {
        x = 0;
        y++;
      }
    }
    for (int32_t i = 0; i < pixels; i++) { /* four pixels are read before they are written */
      dot_1(&scratch[i * k], out, &p->filter);
      out += w->out_c;
    }
  }
}

#else

#if ATML_DSP

/* How many of `pixels` neighbouring windows lie inside the input, the first at y, x; 0 of dilated rows. */
static inline int32_t atml_windows_inside(const atml_window *w, int32_t y, int32_t x, int32_t pixels) {
  if ((w->dilation_w != 1) || (x < 0) || (y < 0) || (y + (w->kernel_h - 1) * w->dilation_h >= w->in_h)) {
    return 0;
  }
  while ((pixels > 0) && (x + (pixels - 1) * w->stride_w + w->kernel_w > w->in_w)) {
    pixels--;
  }
  return pixels;
}

#endif

static inline void atml_conv_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p,
                                  atml_dot_4_function dot_4, atml_dot_1_function dot_1) {
  const atml_window *w = &p->window;
  const int32_t k = p->filter.k;
  int16_t *patch = (int16_t *)(void *)scratch; /* k x 4 pixels */
  int8_t *const bytes = &scratch[8 * k];       /* one pixel */
  const int32_t pixels = w->out_h * w->out_w;
  int32_t x = 0;
  int32_t y = 0;
  int32_t i = 0;
  while (i < pixels) {
    const int32_t top = y * w->stride_h - w->pad_top;
    const int32_t left = x * w->stride_w - w->pad_left;
    const int32_t column = i & 3;
    int32_t n = 1;
    if (i >= (pixels & ~3)) {
      atml_gather(in, bytes, p, top, left);
      dot_1(bytes, out, &p->filter);
      out += w->out_c;
    } else {
#if ATML_DSP
      n = atml_windows_inside(w, top, left, (4 - column < w->out_w - x) ? (4 - column) : (w->out_w - x));
      if (n > 0) {
        atml_gather_inside(&in[(top * w->in_w + left) * w->in_c], &patch[2 * column], bytes, p, n);
      } else
#endif
      {
        n = 1;
        atml_gather(in, bytes, p, top, left);
        atml_expand(bytes, &patch[2 * column], k / 4);
      }
      if (column + n == 4) {
        dot_4(patch, out, &p->filter);
        out += 4 * w->out_c;
      }
    }
    i += n;
    x += n;
    if (x == w->out_w) {
      x = 0;
      y++;
    }
  }
}

#endif

#endif
