/* The convolution around its inner products, for weights of 8 and 4 bits; each is built into one file of its own. */
#ifndef ATML_CONV_CORE_H
#define ATML_CONV_CORE_H

#include "atml_dot.h"
#include "atml_gather.h"
#include "atml_memory.h"

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

/* The windows of pixel x and of those behind it, at most `pixels` and of one row, into neighbouring columns of the patch;
 * returns how many. Those inside the input are read together, one of them also where none is. y: of the windows. */
static inline int32_t atml_gather_columns(const int8_t *in, int16_t *column, int8_t *bytes, const atml_packed_conv *p,
                                          int32_t y, int32_t x, int32_t pixels) {
  const atml_window *w = &p->window;
  const int32_t left = x * w->stride_w - w->pad_left;
#if ATML_DSP
  int32_t inside = (pixels < w->out_w - x) ? pixels : (w->out_w - x);
  if ((w->dilation_w != 1) || (left < 0) || (y < 0) || (y + (w->kernel_h - 1) * w->dilation_h >= w->in_h)) {
    inside = 0;
  }
  while ((inside > 0) && (left + (inside - 1) * w->stride_w + w->kernel_w > w->in_w)) {
    inside--;
  }
  if (inside > 0) {
    atml_gather_inside(&in[(y * w->in_w + left) * w->in_c], column, bytes, p, inside);
    return inside;
  }
#else
  (void)pixels;
#endif
  atml_gather(in, bytes, p, y, left);
  atml_expand(bytes, column, p->filter.k / 4);
  return 1;
}

static inline void atml_conv_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p,
                                  atml_dot_4_function dot_4, atml_dot_1_function dot_1) {
  const atml_window *w = &p->window;
  int16_t *const patch = (int16_t *)(void *)scratch;   /* k x 4 pixels */
  int8_t *const bytes = &scratch[8 * p->filter.k]; /* one pixel */
  int32_t left = w->out_h * w->out_w;
  int32_t x = 0;
  int32_t y = -w->pad_top;
  int32_t room = 4; /* of the patch */
  while (left > 0) {
    int32_t n = 1;
    if ((left >= 4) || (room < 4)) {
      n = atml_gather_columns(in, &patch[2 * (4 - room)], bytes, p, y, x, room);
      room -= n;
      if (room == 0) {
        dot_4(patch, out, &p->filter);
        out += 4 * w->out_c;
        room = 4;
      }
    } else {
      atml_gather(in, bytes, p, y, x * w->stride_w - w->pad_left);
      dot_1(bytes, out, &p->filter);
      out += w->out_c;
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
