#include "atml_arithmetic.h"
#include "atml_taps.h"

ATML_SELDOM

#if !ATML_SMALL

/* Of a window along one axis: existing taps, and the coordinate of the first. */
typedef struct {
  int32_t taps, first;
} existing;

static ATML_NOINLINE existing existing_taps(int32_t start, int32_t taps, int32_t dilation, int32_t size) {
  existing e = {taps, start};
  while ((e.taps > 0) && (e.first < 0)) {
    e.first += dilation;
    e.taps--;
  }
  while ((e.taps > 0) && (e.first + (e.taps - 1) * dilation >= size)) {
    e.taps--;
  }
  return e;
}

void atml_walk_pool(const int8_t *in, int8_t *out, const atml_pool *p, atml_pool_run *run) {
  const atml_window *w = &p->window;
  atml_taps t = {0, 0, w->in_w * w->in_c * w->dilation_h, w->in_c * w->dilation_w, 0, w->in_c * w->stride_w};
  int32_t top = -w->pad_top;
  for (int32_t y = w->out_h; y > 0; y--) {
    const existing rows = existing_taps(top, w->kernel_h, w->dilation_h, w->in_h);
    int32_t left = -w->pad_left;
    t.rows = rows.taps;
    for (int32_t x = w->out_w; x > 0; x -= t.pixels) {
      const existing columns = existing_taps(left, w->kernel_w, w->dilation_w, w->in_w);
      int32_t last = left + (w->kernel_w - 1) * w->dilation_w;
      t.columns = columns.taps;
      t.pixels = 0;
      do {
        t.pixels++;
        last += w->stride_w;
        left += w->stride_w;
      } while ((t.columns == w->kernel_w) && (last < w->in_w) && (t.pixels < x));
      run(&in[(rows.first * w->in_w + columns.first) * w->in_c], out, &t, p);
      out += t.pixels * w->in_c;
    }
    top += w->stride_h;
  }
}

#endif
