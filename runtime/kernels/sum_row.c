#include "atml_arithmetic.h"
#include "atml_stream.h"

void atml_sum_row(const int8_t *in, int32_t *sums, int32_t first, int32_t pixels, int32_t channels) {
  for (int32_t c = 0; c < channels; c++) {
    const int8_t *value = &in[c];
    int32_t sum = (first != 0) ? 0 : sums[c];
    for (int32_t i = 0; i < pixels; i++) {
      sum += *value;
      value += channels;
    }
    sums[c] = sum;
  }
}

void atml_finish_average(const int32_t *sums, int8_t *out, int32_t positions, int32_t channels) {
  for (int32_t c = 0; c < channels; c++) {
    const int32_t sum = sums[c];
    out[c] = (int8_t)((sum + ((sum > 0) ? (positions / 2) : (-positions / 2))) / positions);
  }
}

void atml_finish_mean(const int32_t *sums, int8_t *out, const atml_mean_params *p) {
  for (int32_t c = 0; c < p->channels; c++) {
    const int32_t mean = atml_requantize(sums[c] + p->sum_offset, p->multiplier, p->shift);
    out[c] = atml_clamp_int8(mean + p->output_offset, -128, 127);
  }
}
