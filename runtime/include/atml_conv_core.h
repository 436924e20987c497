/* The convolution around its inner products, for weights of 8 and 4 bits; each is built into one file of its own. */
#ifndef ATML_CONV_CORE_H
#define ATML_CONV_CORE_H

#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_memory.h"

/* A few bytes, word by word where unaligned words are legal. */
static inline void atml_copy_run(int8_t *to, const int8_t *from, int32_t bytes) {
#if ATML_DSP
  for (; bytes >= 4; bytes -= 4) {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    __builtin_memcpy(to, &word, sizeof word);
    from += 4;
    to += 4;
  }
  for (; bytes > 0; bytes--) {
    *to = *from;
    to++;
    from++;
  }
#else
  memcpy(to, from, (size_t)bytes);
#endif
}

/* `count` columns of one input row from column x on; what lies outside the input is its zero point. */
static ATML_NOINLINE void atml_gather_row(const int8_t *row, int8_t *patch, const atml_packed_conv *p, int32_t x,
                                          int32_t count) {
  const int32_t channels = p->window.in_c;
  const int32_t left = (x < 0) ? ((-x < count) ? -x : count) : 0;
  const int32_t end = (x + count > p->window.in_w) ? (p->window.in_w - x) : count; /* first column behind the input */
  if (left > 0) {
    memset(patch, (int)p->input_zero_point, (size_t)(left * channels));
  }
  if (end > left) {
    atml_copy_run(&patch[left * channels], &row[(x + left) * channels], (end - left) * channels);
  }
  if (end < count) {
    const int32_t from = (end > left) ? end : left;
    memset(&patch[from * channels], (int)p->input_zero_point, (size_t)((count - from) * channels));
  }
}

/* The k inputs of one output pixel, as bytes. y, x: upper left corner, may lie outside. */
static ATML_NOINLINE void atml_gather(const int8_t *in, int8_t *patch, const atml_packed_conv *p, int32_t y, int32_t x) {
  const atml_window *w = &p->window;
  const int32_t row_bytes = w->in_w * w->in_c;
  const int32_t runs = (w->dilation_w == 1) ? 1 : w->kernel_w; /* neighbouring columns are copied at once */
  const int32_t columns = w->kernel_w / runs;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t iy = y + ky * w->dilation_h;
    for (int32_t r = 0; r < runs; r++) {
      const int32_t bytes = columns * w->in_c;
      if ((iy < 0) || (iy >= w->in_h)) {
        memset(patch, (int)p->input_zero_point, (size_t)bytes);
      } else {
        atml_gather_row(&in[iy * row_bytes], patch, p, x + r * w->dilation_w, columns);
      }
      patch += bytes;
    }
  }
}

#if ATML_SMALL

static inline void atml_conv_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p,
                                  atml_dot_1_function dot_1) {
  const atml_window *w = &p->window;
  const int32_t k = p->filter.k;
  int32_t x = 0;
  int32_t y = 0;
  memset(scratch, 0, (size_t)(4 * k));
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

#if ATML_DSP

/* The same as halfwords, into a column of a patch. Kernel rows of whole words inside the input go straight there. */
static ATML_NOINLINE void atml_gather_expanded(const int8_t *in, int8_t *bytes, int16_t *column,
                                               const atml_packed_conv *p, int32_t y, int32_t x) {
  const atml_window *w = &p->window;
  const int32_t row_bytes = w->in_w * w->in_c;
  const int32_t run = w->kernel_w * w->in_c;
  if ((w->dilation_w != 1) || ((run & 3) != 0)) {
    atml_gather(in, bytes, p, y, x);
    atml_expand(bytes, column, p->filter.k / 4);
    return;
  }
  const int32_t columns_inside = ((x >= 0) && (x + w->kernel_w <= w->in_w)) ? 1 : 0;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t iy = y + ky * w->dilation_h;
    const int8_t *from = bytes;
    if ((iy < 0) || (iy >= w->in_h)) {
      memset(bytes, (int)p->input_zero_point, (size_t)run);
    } else if (columns_inside != 0) {
      from = &in[iy * row_bytes + x * w->in_c];
    } else {
      atml_gather_row(&in[iy * row_bytes], bytes, p, x, w->kernel_w);
    }
    atml_expand(from, column, run / 4);
    column += 4 * run; /* four pixels of int16: 8 bytes an input */
  }
}

#else

static inline void atml_gather_expanded(const int8_t *in, int8_t *bytes, int16_t *column, const atml_packed_conv *p,
                                        int32_t y, int32_t x) {
  atml_gather(in, bytes, p, y, x);
  atml_expand(bytes, column, p->filter.k / 4);
}

#endif

static inline void atml_conv_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p,
                                  atml_dot_4_function dot_4, atml_dot_1_function dot_1) {
  const atml_window *w = &p->window;
  const int32_t k = p->filter.k;
  int16_t *const patch = (int16_t *)(void *)scratch; /* k x 4 pixels */
  int8_t *const bytes = &scratch[8 * k];             /* one pixel */
  const int32_t pixels = w->out_h * w->out_w;
  int32_t x = 0;
  int32_t y = 0;
  memset(bytes, 0, (size_t)k);
  for (int32_t i = 0; i < pixels; i++) {
    const int32_t top = y * w->stride_h - w->pad_top;
    const int32_t left = x * w->stride_w - w->pad_left;
    if (i < (pixels & ~3)) {
      atml_gather_expanded(in, bytes, &patch[2 * (i & 3)], p, top, left);
      if ((i & 3) == 3) {
        dot_4(patch, out, &p->filter);
        out += 4 * w->out_c;
      }
    } else {
      atml_gather(in, bytes, p, top, left);
      dot_1(bytes, out, &p->filter);
      out += w->out_c;
    }
    x++;
    if (x == w->out_w) {
      x = 0;
      y++;
    }
  }
}

#endif

#endif
