#include "atml_arithmetic.h"
#include "atml_dsp.h"
#include "atml_ops.h"

#if !ATML_SINGLE_ROUNDING

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

static int32_t is_half(int32_t multiplier, int32_t shift) {
  return ((multiplier == (1 << 30)) && (shift == 0)) ? 1 : 0;
}

/* TFLite scales the input of the larger scale by exactly one half: (x + offset) 2^20 / 2 needs no rounding. The
 * other input is `b`, by a factor of at most one half; exactly one half is 2^-1 of an input twice as large. */
static ATML_NOINLINE void add_half(const int8_t *a, const int8_t *b, int8_t *out, const atml_add_params *p, int32_t offset_a,
                     int32_t offset_b, int32_t multiplier, int32_t shift) {
  const int32_t up = (shift == 0) ? 22 : 21;
  const int32_t right = (shift == 0) ? 1 : -shift;
  const int32_t half = (int32_t)1 << (right - 1);
  const int32_t start_a = offset_a * (1 << 19);
  const int32_t start_b = offset_b * ((int32_t)1 << up);
  const int32_t right_sum = -p->shift;
  const int32_t half_sum = (2 * p->output_offset + 1) * ((int32_t)1 << (right_sum - 1));
  const int32_t low = p->low;
  const int32_t high = p->high;
  for (int32_t i = p->count; i > 0; i--) {
    const int32_t x = *a * (1 << 19) + start_a;
    const int32_t y = scale_doubled((int32_t)((uint32_t)(int32_t)*b << up) + start_b, multiplier, half, right);
    *out = atml_clamp_int8(scale_doubled(2 * (x + y), p->multiplier, half_sum, right_sum), low, high);
    a++;
    b++;
    out++;
  }
}

#endif

void atml_add(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_add_params *p) {
#if !ATML_SINGLE_ROUNDING
  const int32_t sum_fits = ((p->shift <= -1) && (p->shift >= -22)) ? 1 : 0;
  if ((sum_fits != 0) && (is_half(p->multiplier_1, p->shift_1) != 0) &&
      ((p->shift_2 < 0) || (is_half(p->multiplier_2, p->shift_2) != 0))) {
    add_half(in_1, in_2, out, p, p->offset_1, p->offset_2, p->multiplier_2, p->shift_2);
    return;
  }
  if ((sum_fits != 0) && (is_half(p->multiplier_2, p->shift_2) != 0) && (p->shift_1 < 0)) {
    add_half(in_2, in_1, out, p, p->offset_2, p->offset_1, p->multiplier_1, p->shift_1);
    return;
  }
#endif
  for (int32_t i = 0; i < p->count; i++) {
    const int32_t a = atml_requantize((in_1[i] + p->offset_1) * (1 << 20), p->multiplier_1, p->shift_1);
    const int32_t b = atml_requantize((in_2[i] + p->offset_2) * (1 << 20), p->multiplier_2, p->shift_2);
    const int32_t sum = atml_requantize(a + b, p->multiplier, p->shift);
    out[i] = atml_clamp_int8(sum + p->output_offset, p->low, p->high);
  }
}
