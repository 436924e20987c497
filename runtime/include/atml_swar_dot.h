/* What the inner products of atml_swar.h share, for weights of 8 and 4 bits. */
#ifndef ATML_SWAR_DOT_H
#define ATML_SWAR_DOT_H

#include "atml_finish_row.h"
#include "atml_swar.h"

typedef const uint8_t *(*atml_swar_sums_function)(const int32_t *patch, const uint8_t *weights, uint32_t *sums,
                                                  const int32_t *end);

/* One channel of four pixels: twice the accumulators. Returns the next channel's stream. */
static inline const uint8_t *atml_swar_accumulate(const int32_t *patch, const uint8_t *stream, int32_t *acc2, int32_t k,
                                                  atml_swar_sums_function sums_of) {
  uint32_t sums[4];
  const uint32_t bias = (uint32_t)atml_bias_of(atml_load_int32(stream));
  const uint8_t *const next = sums_of(patch, &stream[4], sums, &patch[2 * k]);
  acc2[0] = (int32_t)(2u * (sums[0] - (sums[1] << 16) + bias));
  acc2[1] = (int32_t)(2u * (sums[1] + bias));
  acc2[2] = (int32_t)(2u * (sums[2] - (sums[3] << 16) + bias));
  acc2[3] = (int32_t)(2u * (sums[3] + bias));
  return &next[(0u - (uint32_t)(uintptr_t)next) & 3u];
}

static inline void atml_swar_channels(const int32_t *patch, int8_t *out, const atml_packed_filter *f, int32_t pixels,
                                      atml_swar_sums_function sums_of) {
  const uint8_t *stream = f->stream;
  const int32_t *multiplier = f->multipliers;
  atml_finish_row_params finish;
  finish.step = f->channels;
  for (int32_t c = 0; c < f->channels; c++) {
    int32_t acc2[4];
    finish.multiplier = *multiplier;
    finish.right = atml_right_of(atml_load_int32(stream));
    finish.constant = atml_finish_constant(finish.right, f->zero_point);
    stream = atml_swar_accumulate(patch, stream, acc2, f->k, sums_of);
    atml_finish_row(acc2, &out[c], &finish, &acc2[pixels]);
    if (f->multiplier_step != 0) {
      multiplier++;
    }
  }
}

#endif
