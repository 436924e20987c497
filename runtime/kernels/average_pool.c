#include "atml_arithmetic.h"
#include "atml_ops.h"
#include "atml_sum.h"

/* Out may lie on the window's first pixel: channels are read whole before they are written. */
void atml_average_pool(const int8_t *in, int8_t *out, const atml_pool *p) {
  const atml_window *w = &p->window;
  const int32_t step = w->in_c * w->dilation_w;
  for (int32_t y = 0; y < w->out_h; y++) {
    const int32_t top = y * w->stride_h - w->pad_top;
    const atml_span ky = atml_inside(top, w->kernel_h, w->dilation_h, w->in_h);
    for (int32_t x = 0; x < w->out_w; x++) {
      const int32_t left = x * w->stride_w - w->pad_left;
      const atml_span kx = atml_inside(left, w->kernel_w, w->dilation_w, w->in_w);
      const int32_t count = (ky.high - ky.low) * (kx.high - kx.low);
      const int32_t first = ((top + ky.low * w->dilation_h) * w->in_w + left + kx.low * w->dilation_w) * w->in_c;
      for (int32_t c = 0; c < w->in_c; c += 4) {
        const int32_t channels = (w->in_c - c < 4) ? (w->in_c - c) : 4;
        const int8_t *row = &in[first + c];
        int32_t sums[4] = {0, 0, 0, 0};
        for (int32_t ky_left = ky.high - ky.low; ky_left > 0; ky_left--) {
          atml_sum_channels(row, kx.high - kx.low, step, channels, sums);
          row += w->in_w * w->in_c * w->dilation_h;
        }
        for (int32_t i = 0; i < channels; i++) {
          out[i] = atml_clamp_int8(atml_mean_of(sums[i], count), p->low, p->high);
        }
        out += channels;
      }
    }
  }
}
