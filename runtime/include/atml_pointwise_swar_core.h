/* The pointwise convolution of atml_swar.h around its inner products, for weights of 8 and 4 bits. */
#ifndef ATML_POINTWISE_SWAR_CORE_H
#define ATML_POINTWISE_SWAR_CORE_H

#include "atml_memory.h"
#include "atml_swar.h"

/* Two pixels of `count` inputs side by side. */
static inline void atml_swar_pack(const int8_t *low, const int8_t *high, int32_t *patch, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    *patch = low[i] + high[i] * 65536;
    patch += 2;
  }
}

static inline void atml_pointwise_swar_core(const int8_t *in, int8_t *out, int8_t *scratch,
                                            const atml_packed_pointwise *p, atml_swar_dot_function dot) {
  const int32_t in_c = p->in_c;
  int32_t *const patch = (int32_t *)(void *)scratch;
  memset(scratch, 0, (size_t)(8 * p->filter.k)); /* inputs behind the last have weights of zero */
  for (int32_t left = p->pixels; left > 0; left -= 4) {
    const int32_t pixels = (left < 4) ? left : 4;
    const int8_t *const last = &in[(pixels - 1) * in_c]; /* also stands for pixels that are not there */
    /* Read in whole before out is written, which may overwrite them. */
    atml_swar_pack(in, (pixels > 1) ? &in[in_c] : last, patch, in_c);
    atml_swar_pack((pixels > 2) ? &in[2 * in_c] : last, (pixels > 3) ? &in[3 * in_c] : last, &patch[1], in_c);
    dot(patch, out, &p->filter, pixels);
    in += 4 * in_c;
    out += 4 * p->filter.channels;
  }
}

#endif
