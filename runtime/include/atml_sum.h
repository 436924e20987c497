/* Sums of neighbouring channels: four at a time where the core adds halfwords in pairs. */
#ifndef ATML_SUM_H
#define ATML_SUM_H

#include <stdint.h>

#include "atml_arithmetic.h"
#include "atml_dsp.h"

#if ATML_MVE && !ATML_SMALL
#include <arm_mve.h>
#endif

#if ATML_DSP
/* The sum of 255 int8 fits a halfword; the halves do not carry into each other. */
static inline void atml_sum_four(const int8_t *in, int32_t count, int32_t step, int32_t *sums) {
  while (count > 0) {
    int32_t part = (count < 255) ? count : 255;
    int32_t even = 0;
    int32_t odd = 0;
    count -= part;
    for (; part > 0; part--) {
      uint32_t word;
      __builtin_memcpy(&word, in, sizeof word); /* one load: unaligned words are legal here */
      in += step;
      __asm__("sxtab16 %0, %0, %1" : "+r"(even) : "r"(word));
      __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(odd) : "r"(word));
    }
    sums[0] += (int16_t)even;
    sums[1] += (int16_t)odd;
    sums[2] += even >> 16;
    sums[3] += odd >> 16;
  }
}
#endif

#if ATML_MVE && !ATML_SMALL
static inline void atml_sum_four(const int8_t *in, int32_t count, int32_t step, int32_t *sums) {
  int32x4_t sum = vld1q_s32(sums);
  for (; count > 0; count--) {
    sum = vaddq_s32(sum, vldrbq_s32(in));
    in += step;
  }
  vst1q_s32(sums, sum);
}
#endif

/* sums[i] += channel i, i < channels <= 4, of `count` pixels `step` bytes apart. */
static ATML_NOINLINE void atml_sum_channels(const int8_t *in, int32_t count, int32_t step, int32_t channels, int32_t *sums) {
#if ATML_DSP || (ATML_MVE && !ATML_SMALL)
  if (channels == 4) {
    atml_sum_four(in, count, step, sums);
    return;
  }
#endif
  for (int32_t c = 0; c < channels; c++) {
    const int8_t *value = &in[c];
    int32_t sum = sums[c];
    for (int32_t i = 0; i < count; i++) {
      sum += *value;
      value += step;
    }
    sums[c] = sum;
  }
}

#endif
