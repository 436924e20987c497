#include "atml_arithmetic.h"
#include "atml_ops.h"

void atml_mul(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_mul_params *p) {
  int32_t j = 0;
  for (int32_t i = 0; i < p->count; i++) {
    const int32_t product = (in_1[i] + p->offset_1) * (in_2[j] + p->offset_2);
    out[i] = atml_clamp_int8(atml_requantize(product, p->multiplier, p->shift) + p->output_offset, p->low, p->high);
    j = (j + 1 == p->period) ? 0 : (j + 1);
  }
}
