/* The pointwise convolution around its inner products, for weights of 8 and 4 bits. */
#ifndef ATML_POINTWISE_CORE_H
#define ATML_POINTWISE_CORE_H

#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_memory.h"

#if ATML_SMALL

/* Four pixels are read, then written: out may lie over the input as far as in the other form. */
static inline void atml_pointwise_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_pointwise *p,
                                       atml_dot_1_function dot_1) {
  for (int32_t left = p->pixels; left > 0; left -= 4) {
    const int32_t pixels = (left < 4) ? left : 4;
    memcpy(scratch, in, (size_t)(pixels * p->in_c));
    in += pixels * p->in_c;
    for (int32_t i = 0; i < pixels; i++) {
      dot_1(&scratch[i * p->in_c], out, &p->filter);
      out += p->filter.channels;
    }
  }
}

#else

static inline void atml_pointwise_core(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_pointwise *p,
                                       atml_dot_4_function dot_4, atml_dot_1_function dot_1) {
  const int32_t k = p->filter.k;
  const int32_t channels = p->filter.channels;
  int16_t *const patch = (int16_t *)(void *)scratch;
  int32_t left = p->pixels;
  /* Groups are read in whole, so out may overwrite the pixels that were read. The last bytes of a
   * pixel whose channels are no multiple of 4 belong to the next; their weights are zero. */
  for (; left >= 4; left -= 4) {
    for (int32_t i = 0; i < 4; i++) {
      atml_expand(in, &patch[2 * i], k / 4);
      in += p->in_c;
    }
    dot_4(patch, out, &p->filter);
    out += 4 * channels;
  }
  for (; left > 0; left--) {
    memcpy(scratch, in, (size_t)p->in_c);
    dot_1(scratch, out, &p->filter);
    in += p->in_c;
    out += channels;
  }
}

#endif

#endif
