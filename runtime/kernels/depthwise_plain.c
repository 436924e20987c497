#include "atml_arithmetic.h"
#include "atml_filters.h"
#include "atml_nibbles.h"

static int32_t dot_window(const int8_t *in, int32_t channel, const atml_plain_conv *p, int32_t y,
                          int32_t x) {
  const atml_window *w = &p->window;
  int32_t acc = 0;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t iy = y + ky * w->dilation_h;
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      const int32_t ix = x + kx * w->dilation_w;
      if ((iy >= 0) && (iy < w->in_h) && (ix >= 0) && (ix < w->in_w)) {
        acc += atml_weight(p->filter.weights, (ky * w->kernel_w + kx) * w->out_c + channel, p->filter.nibbles) *
               (in[(iy * w->in_w + ix) * w->in_c] + p->filter.input_offset);
      }
    }
  }
  return acc;
}

void atml_depthwise_plain(const int8_t *in, int8_t *out, const atml_plain_conv *p) {
  const atml_window *w = &p->window;
  const atml_plain_filter *f = &p->filter;
  const int32_t repeat = w->out_c / w->in_c;
  for (int32_t y = 0; y < w->out_h; y++) {
    for (int32_t x = 0; x < w->out_w; x++) {
      for (int32_t c = 0; c < w->out_c; c++) {
        const int32_t s = (f->per_channel != 0) ? c : 0;
        const int32_t acc = f->bias[c] + dot_window(&in[c / repeat], c, p, y * w->stride_h - w->pad_top,
                                                    x * w->stride_w - w->pad_left);
        *out = atml_clamp_int8(atml_requantize(acc, f->multiplier[s], f->shift[s]) + f->output_offset, f->low, f->high);
        out++;
      }
    }
  }
}
