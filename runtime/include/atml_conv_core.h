/* The convolution around its inner products, for weights of 8 and 4 bits; each is built into one file of its own. */
#ifndef ATML_CONV_CORE_H
#define ATML_CONV_CORE_H

#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_memory.h"

#if ATML_DSP && !ATML_SMALL
ATML_SELDOM /* the assembly does what runs often */
#else
#include "atml_gather.h"
#endif

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

#if !ATML_DSP

/* Windows inside the input, the first at `in`. */
static ATML_NOINLINE void atml_gather_inside(const int8_t *in, int16_t *column, int8_t *bytes, const atml_packed_conv *p,
                                             int32_t pixels) {
  const atml_window *w = &p->window;
  const int32_t run = w->kernel_w * w->in_c;
  for (; pixels > 0; pixels--) {
    const int8_t *row = in;
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
      if ((run & 3) == 0) {
        atml_expand(row, &column[ATML_PATCH_STEP * run * ky], run / 4);
      } else {
        atml_copy_run(&bytes[ky * run], row, run);
      }
      row += w->dilation_h * w->in_w * w->in_c;
    }
    if ((run & 3) != 0) {
      atml_expand(bytes, column, p->filter.k / 4);
    }
    column += 2;
    in += w->stride_w * w->in_c;
  }
}

/* As the assembly of dsp_gather.c, see atml_dot.h. */
static inline int32_t atml_gather_columns(const int8_t *in, int16_t *column, int8_t *bytes, const atml_packed_conv *p,
                                          int32_t y, int32_t x, int32_t pixels) {
  const atml_window *w = &p->window;
  while ((pixels > 0) && (x + (pixels - 1) * w->stride_w + w->kernel_w > w->in_w)) {
    pixels--;
  }
  if ((w->dilation_w == 1) && (x >= 0) && (y >= 0) && (y + (w->kernel_h - 1) * w->dilation_h < w->in_h) && (pixels > 0)) {
    atml_gather_inside(&in[(y * w->in_w + x) * w->in_c], column, bytes, p, pixels);
    return pixels;
  }
  atml_gather(in, bytes, p, y, x);
  atml_expand(bytes, column, p->filter.k / 4);
  return 1;
}

#endif

static inline void atml_conv_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p,
                                  atml_dot_4_function dot_4, atml_dot_1_function dot_1) {
  const atml_window *w = &p->window;
  int16_t *const patch = (int16_t *)(void *)scratch; /* k x 4 pixels */
  int8_t *const bytes = &scratch[8 * p->filter.k];   /* one pixel */
  int32_t left = w->out_h * w->out_w;
  int32_t column = 0; /* of the patch */
  int32_t x = 0;
  int32_t y = -w->pad_top;
  while (left > 0) {
    int32_t pixels = 0;
    if (left + column >= 4) {
      pixels = (4 - column < w->out_w - x) ? (4 - column) : (w->out_w - x);
    }
    const int32_t n = atml_gather_columns(in, &patch[2 * column], bytes, p, y, x * w->stride_w - w->pad_left, pixels);
    if (pixels == 0) { /* the last ones alone */
      dot_1(bytes, out, &p->filter);
      out += w->out_c;
    } else {
      column += n;
    }
    if (column == 4) {
      dot_4(patch, out, &p->filter);
      out += 4 * w->out_c;
      column = 0;
    }
    left -= n;
    x += n;
    if (x == w->out_w) {
      x = 0;
      y += w->stride_h;
    }
  }
}

#endif

#endif
