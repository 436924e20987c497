#include "atml_finish_row.h"
#include "atml_swar.h"

/* One channel of four pixels: twice the accumulators. Returns the next channel's stream. */
static inline const uint8_t *accumulate(const int32_t *patch, const uint8_t *stream, int32_t *acc2, int32_t k) {
  uint32_t sums[4];
  const uint32_t bias = (uint32_t)atml_bias_of(atml_load_int32(stream));
  const uint8_t *const next = atml_swar_sums(patch, &stream[4], sums, &patch[2 * k]);
  acc2[0] = (int32_t)(2u * (sums[0] - (sums[1] << 16) + bias));
  acc2[1] = (int32_t)(2u * (sums[1] + bias));
  acc2[2] = (int32_t)(2u * (sums[2] - (sums[3] << 16) + bias));
  acc2[3] = (int32_t)(2u * (sums[3] + bias));
  return &next[(0u - (uint32_t)(uintptr_t)next) & 3u];
}

void atml_swar_dot(const int32_t *patch, int8_t *out, const atml_packed_filter *f, int32_t pixels) {
  const uint8_t *stream = f->stream;
  const int32_t *multiplier = f->multipliers;
  atml_finish_row_params finish;
  finish.step = f->channels;
  for (int32_t c = 0; c < f->channels; c++) {
    int32_t acc2[4];
    finish.multiplier = *multiplier;
    finish.right = atml_right_of(atml_load_int32(stream));
    finish.constant = atml_finish_constant(finish.right, f->zero_point);
    stream = accumulate(patch, stream, acc2, f->k);
    atml_finish_row(acc2, &out[c], &finish, &acc2[pixels]);
    if (f->multiplier_step != 0) {
      multiplier++;
    }
  }
}
