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

static inline void atml_conv_swar_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p,
                                       atml_swar_dot_function dot) {
  const atml_window *w = &p->window;
  const int32_t k = p->filter.k;
  int32_t *const patch = (int32_t *)(void *)scratch; /* four pixels */
  int8_t *const bytes = &scratch[8 * k];             /* one pixel */
  const int32_t pixels = w->out_h * w->out_w;
  int32_t x = 0;
  int32_t y = 0;
  memset(scratch, 0, (size_t)(9 * k));
  for (int32_t i = 0; i < pixels; i++) {
    atml_gather(in, bytes, p, y * w->stride_h - w->pad_top, x * w->stride_w - w->pad_left);
    x++;
    if (x == w->out_w) {
      x = 0;
      y++;
    }
    if ((i & 1) == 0) {
      atml_swar_put_lower(bytes, &patch[(i >> 1) & 1], k);
    } else {
      atml_swar_put_upper(bytes, &patch[(i >> 1) & 1], k);
    }
    if (((i & 3) == 3) || (i + 1 == pixels)) { /* words of missing pixels are old ones: within their bounds */
      dot(patch, out, &p->filter, (i & 3) + 1);
      out += 4 * w->out_c;
    }
  }
}

#endif
