/* A pool's windows: which of their taps lie inside the input, and runs of windows that have the same. */
#ifndef ATML_TAPS_H
#define ATML_TAPS_H

#include <stdint.h>

#include "atml_dsp.h"
#include "atml_ops.h"

/* Of `pixels` neighbouring windows. Steps in bytes. */
typedef struct {
  int32_t rows, columns;
  int32_t row_step, step;
  int32_t pixels, pixel_step;
} atml_taps;

/* 2 x 2, the usual window, goes without loops over its taps. */
static inline int32_t atml_is_square(const atml_taps *t) { return (t->rows == 2) && (t->columns == 2); }

/* Out may lie on the first pixel of a window: a run reads the taps of a channel before it writes it, and writes pixel
 * after pixel, channel after channel or in groups of channels that it has read before. */
typedef void atml_pool_run(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p);

/* Runs of windows that are inside the input from left to right, and single ones at the borders. Built for size, each
 * pool has a copy of its own, which knows single windows only. */
#if !ATML_SMALL
void atml_walk_pool(const int8_t *in, int8_t *out, const atml_pool *p, atml_pool_run *run);
#else
static inline void atml_walk_pool(const int8_t *in, int8_t *out, const atml_pool *p, atml_pool_run *run) {
  const atml_window *w = &p->window;
  atml_taps t = {0, 0, w->in_w * w->in_c * w->dilation_h, w->in_c * w->dilation_w, 1, 0};
  for (int32_t y = 0; y < w->out_h; y++) {
    const int32_t top = y * w->stride_h - w->pad_top;
    const atml_span ky = atml_inside(top, w->kernel_h, w->dilation_h, w->in_h);
    t.rows = ky.high - ky.low;
    for (int32_t x = 0; x < w->out_w; x++) {
      const int32_t left = x * w->stride_w - w->pad_left;
      const atml_span kx = atml_inside(left, w->kernel_w, w->dilation_w, w->in_w);
      t.columns = kx.high - kx.low;
      run(&in[((top + ky.low * w->dilation_h) * w->in_w + left + kx.low * w->dilation_w) * w->in_c], out, &t, p);
      out += w->in_c;
    }
  }
}
#endif

#endif
