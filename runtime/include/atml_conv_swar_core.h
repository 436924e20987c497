/* The convolution of atml_swar.h around its inner products, for weights of 8 and 4 bits. */
#ifndef ATML_CONV_SWAR_CORE_H
#define ATML_CONV_SWAR_CORE_H

#include "atml_gather.h"
#include "atml_swar.h"

/* The lower pixel of `count` words. */
static inline void atml_swar_put_lower(const int8_t *in, int32_t *patch, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    *patch = in[i];
    patch += 2;
  }
}

/* Then the upper one. */
static inline void atml_swar_put_upper(const int8_t *in, int32_t *patch, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    *patch += in[i] * 65536;
    patch += 2;
  }
}

/* A pair of windows inside the input, the second `distance` bytes behind the first. */
static ATML_NOINLINE void atml_swar_put_pair(const int8_t *in, int32_t *patch, const atml_window *w, int32_t distance) {
  const int32_t run = w->kernel_w * w->in_c;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int8_t *const end = &in[run];
    for (const int8_t *at = in; at != end; at++) {
      *patch = at[0] + at[distance] * 65536;
      patch += 2;
    }
    in += w->dilation_h * w->in_w * w->in_c;
  }
}

static inline void atml_conv_swar_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p,
                                       atml_swar_dot_function dot) {
  const atml_window *w = &p->window;
  const int32_t k = p->filter.k;
  int32_t *const patch = (int32_t *)(void *)scratch; /* four pixels */
  int8_t *const bytes = &scratch[8 * k];             /* one pixel */
  const int32_t pixels = w->out_h * w->out_w;
  const int32_t last = w->in_w - w->kernel_w - w->stride_w; /* where the first of a pair may begin */
  int32_t x = 0;
  int32_t y = -w->pad_top;
  memset(scratch, 0, (size_t)(8 * k));
  for (int32_t i = 0; i < pixels; i++) {
    const int32_t left = x * w->stride_w - w->pad_left;
    int32_t *const pair = &patch[(i >> 1) & 1];
    if (((i & 1) == 0) && (x + 1 < w->out_w) && (left >= 0) && (left <= last) && (y >= 0) &&
        (y + (w->kernel_h - 1) * w->dilation_h < w->in_h) && (w->dilation_w == 1)) {
      atml_swar_put_pair(&in[(y * w->in_w + left) * w->in_c], pair, w, w->stride_w * w->in_c);
      i++;
      x++;
    } else {
      atml_gather(in, bytes, p, y, left);
      if ((i & 1) == 0) {
        atml_swar_put_lower(bytes, pair, k);
      } else {
        atml_swar_put_upper(bytes, pair, k);
      }
    }
    x++;
    if (x == w->out_w) {
      x = 0;
      y += w->stride_h;
    }
    if (((i & 3) == 3) || (i + 1 == pixels)) { /* words of missing pixels are old ones: within their bounds */
      dot(patch, out, &p->filter, (i & 3) + 1);
      out += 4 * w->out_c;
    }
  }
}

#endif
