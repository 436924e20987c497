#include "atml_arithmetic.h"
#include "atml_ops.h"

static int32_t largest(const int8_t *in, const atml_window *w, int32_t y, int32_t x) {
  int32_t result = -128;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t iy = y + ky * w->dilation_h;
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      const int32_t ix = x + kx * w->dilation_w;
      if ((iy >= 0) && (iy < w->in_h) && (ix >= 0) && (ix < w->in_w)) {
        const int32_t value = in[(iy * w->in_w + ix) * w->in_c];
        result = (value > result) ? value : result;
      }
    }
  }
  return result;
}

void atml_max_pool(const int8_t *in, int8_t *out, const atml_pool *p) {
  const atml_window *w = &p->window;
  for (int32_t y = 0; y < w->out_h; y++) {
    for (int32_t x = 0; x < w->out_w; x++) {
      for (int32_t c = 0; c < w->in_c; c++) {
        const int32_t value = largest(&in[c], w, y * w->stride_h - w->pad_top, x * w->stride_w - w->pad_left);
        *out = atml_clamp_int8(value, p->low, p->high);
        out++;
      }
    }
  }
}
