#include "atml_arithmetic.h"
#include "atml_ops.h"

void atml_add(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_add_params *p) {
  for (int32_t i = 0; i < p->count; i++) {
    const int32_t a = atml_requantize((in_1[i] + p->offset_1) * (1 << 20), p->multiplier_1, p->shift_1);
    const int32_t b = atml_requantize((in_2[i] + p->offset_2) * (1 << 20), p->multiplier_2, p->shift_2);
    const int32_t sum = atml_requantize(a + b, p->multiplier, p->shift);
    out[i] = atml_clamp_int8(sum + p->output_offset, p->low, p->high);
  }
}
