#include <string.h>

#include "atml_dot.h"

/* The k inputs of one output pixel, as bytes; what lies outside the input is its zero point. */
static void gather(const int8_t *in, int8_t *patch, const atml_packed_conv *p, int32_t y, int32_t x) {
  const atml_window *w = &p->window;
  const int32_t channels = w->in_c;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t iy = y + ky * w->dilation_h;
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      const int32_t ix = x + kx * w->dilation_w;
      if ((iy >= 0) && (iy < w->in_h) && (ix >= 0) && (ix < w->in_w)) {
        memcpy(patch, &in[(iy * w->in_w + ix) * channels], (size_t)channels);
      } else {
        memset(patch, (int)p->input_zero_point, (size_t)channels);
      }
      patch += channels;
    }
  }
}

void atml_conv_packed(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p) {
  const atml_window *w = &p->window;
  const int32_t k = p->filter.k;
  int16_t *const patch = (int16_t *)(void *)scratch; /* k x 4 pixels */
  int8_t *const bytes = &scratch[8 * k];             /* one pixel */
  const int32_t pixels = w->out_h * w->out_w;
  int32_t x = 0;
  int32_t y = 0;
  memset(bytes, 0, (size_t)k);
  for (int32_t i = 0; i < pixels; i++) {
    gather(in, bytes, p, y * w->stride_h - w->pad_top, x * w->stride_w - w->pad_left);
    x++;
    if (x == w->out_w) {
      x = 0;
      y++;
    }
    if (i < (pixels & ~3)) {
      atml_expand(bytes, &patch[2 * (i & 3)], k / 4);
      if ((i & 3) == 3) {
        atml_dot_4(patch, out, &p->filter);
        out += 4 * w->out_c;
      }
    } else {
      atml_dot_1(bytes, out, &p->filter);
      out += w->out_c;
    }
  }
}
