#include "atml_arithmetic.h"
#include "atml_ops.h"

void atml_mean(const int8_t *in, int8_t *out, const atml_mean_params *p) {
  for (int32_t c = 0; c < p->channels; c++) {
    const int8_t *value = &in[c];
    int32_t sum = p->sum_offset;
    for (int32_t i = 0; i < p->positions; i++) {
      sum += *value;
      value += p->channels;
    }
    out[c] = atml_clamp_int8(atml_requantize(sum, p->multiplier, p->shift) + p->output_offset, -128, 127);
  }
}
