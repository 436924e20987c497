/* The inputs of one output pixel of a convolution. */
#ifndef ATML_GATHER_H
#define ATML_GATHER_H

#include "atml_arithmetic.h"
#include "atml_dsp.h"
#include "atml_filters.h"
#include "atml_memory.h"

#if ATML_MVE
#include <arm_mve.h>
#endif

/* Some bytes, by the widest words that may lie anywhere. */
static inline void atml_copy_run(int8_t *to, const int8_t *from, int32_t bytes) {
#if ATML_MVE && !ATML_SMALL
  for (; bytes > 0; bytes -= 16) {
    const mve_pred16_t lanes = vctp8q((uint32_t)bytes);
    vstrbq_p_s8(to, vldrbq_z_s8(from, lanes), lanes);
    from += 16;
    to += 16;
  }
#elif ATML_DSP
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

/* The k inputs of one output pixel, as bytes: what lies outside the input is its zero point. y, x: upper left corner, may
 * lie outside. patch: 4-byte aligned. Neighbouring columns are copied at once. */
static ATML_SELDOM_CALLED void atml_gather(const int8_t *in, int8_t *patch, const atml_packed_conv *p, int32_t y,
                                           int32_t x) {
  const atml_window *w = &p->window;
  int32_t taps = w->kernel_w;
  int32_t bytes = w->in_c;
  int32_t skipped = 0;
  int32_t outside = 1;
  if (w->dilation_w == 1) {
    const int32_t end = (x + taps > w->in_w) ? (w->in_w - x) : taps;
    skipped = (x < 0) ? -x : 0;
    outside = ((end - skipped < taps) || (y < 0) || (y + (w->kernel_h - 1) * w->dilation_h >= w->in_h)) ? 1 : 0;
    bytes *= end - skipped;
    taps = (end > skipped) ? 1 : 0;
    x += skipped;
  }
  if (outside != 0) {
    const uint32_t word = 0x01010101u * (uint32_t)(uint8_t)p->input_zero_point;
    for (int32_t i = 0; i < p->filter.k; i += 4) {
      *(uint32_t *)(void *)&patch[i] = word;
    }
  }
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    int32_t at = skipped * w->in_c;
    int32_t ix = x;
    for (int32_t tap = 0; tap < taps; tap++) {
      if (((uint32_t)y < (uint32_t)w->in_h) && ((uint32_t)ix < (uint32_t)w->in_w)) {
        atml_copy_run(&patch[at], &in[(y * w->in_w + ix) * w->in_c], bytes);
      }
      at += w->in_c;
      ix += w->dilation_w;
    }
    y += w->dilation_h;
    patch += w->kernel_w * w->in_c;
  }
}

#endif
