#include "atml_arithmetic.h"
#include "atml_dsp.h"
#include "atml_ops.h"

/* 2 x times a factor below one, multiplier / 2^31 / 2^right with right >= 1, rounded twice as atml_requantize()
 * does: the sign of x breaks ties away from zero. constant: 2^(right - 1), plus what is added to the result times
 * 2^right. */
static inline int32_t scale_doubled(int32_t x2, int32_t multiplier, int32_t constant, int32_t right) {
#if ATML_DSP
  int32_t y;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(x2), "r"(multiplier), "r"(constant + (x2 >> 31)));
#else
  const int32_t y = (int32_t)(((int64_t)x2 * multiplier + ((int64_t)1 << 31)) >> 32) + constant + (x2 >> 31);
#endif
  return y >> right;
}

void atml_add_half(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_add_params *p) {
  const int32_t up = (p->shift_2 == 0) ? 22 : 21; /* exactly one half is 2^-1 of an input twice as large */
  const int32_t right = (p->shift_2 == 0) ? 1 : -p->shift_2;
  const int32_t multiplier = p->multiplier_2;
  const int32_t half = (int32_t)1 << (right - 1);
  const int32_t start_1 = p->offset_1 * (1 << 19);
  const int32_t start_2 = p->offset_2 * ((int32_t)1 << up);
  const int32_t right_sum = -p->shift;
  const int32_t half_sum = (2 * p->output_offset + 1) * ((int32_t)1 << (right_sum - 1));
  const int32_t low = p->low;
  const int32_t high = p->high;
  for (int32_t i = p->count; i > 0; i--) {
    const int32_t x = *in_1 * (1 << 19) + start_1;
    const int32_t y = scale_doubled((int32_t)((uint32_t)(int32_t)*in_2 << up) + start_2, multiplier, half, right);
    *out = atml_clamp_int8(scale_doubled(2 * (x + y), p->multiplier, half_sum, right_sum), low, high);
    in_1++;
    in_2++;
    out++;
  }
}
