#include "atml_arithmetic.h"
#include "atml_ops.h"
#include "atml_sum.h"

void atml_mean(const int8_t *in, int8_t *out, const atml_mean_params *p) {
  for (int32_t c = 0; c < p->channels; c += 4) {
    const int32_t count = (p->channels - c < 4) ? (p->channels - c) : 4;
    int32_t sums[4] = {p->sum_offset, p->sum_offset, p->sum_offset, p->sum_offset};
    atml_sum_channels(&in[c], p->positions, p->channels, count, sums);
    for (int32_t i = 0; i < count; i++) {
      out[c + i] =
          atml_clamp_int8(atml_requantize(sums[i], p->multiplier, p->shift) + p->output_offset, -128, 127);
    }
  }
}
