#include "atml_arithmetic.h"
#include "atml_stream.h"
#include "atml_sum.h"

void atml_sum_row(const int8_t *in, int32_t *sums, int32_t first, int32_t pixels, int32_t channels) {
  if (first != 0) {
    for (int32_t c = 0; c < channels; c++) {
      sums[c] = 0;
    }
  }
  for (int32_t c = 0; c < channels; c += 4) {
    atml_sum_channels(&in[c], pixels, channels, (channels - c < 4) ? (channels - c) : 4, &sums[c]);
  }
}

void atml_finish_average(const int32_t *sums, int8_t *out, int32_t positions, int32_t channels) {
  for (int32_t c = 0; c < channels; c++) {
    out[c] = (int8_t)atml_mean_of(sums[c], positions);
  }
}

void atml_finish_mean(const int32_t *sums, int8_t *out, const atml_mean_params *p) {
  for (int32_t c = 0; c < p->channels; c++) {
    const int32_t mean = atml_requantize(sums[c] + p->sum_offset, p->multiplier, p->shift);
    out[c] = atml_clamp_int8(mean + p->output_offset, -128, 127);
  }
}
