#include "atml_arithmetic.h"
#include "atml_ops.h"

#if !ATML_SINGLE_ROUNDING

/* A factor below one, right = -shift: 2 x times it, rounded twice as atml_requantize() does. */
typedef struct {
  int32_t multiplier, right, half, negative;
} factor;

static factor make_factor(int32_t multiplier, int32_t shift) {
  const factor f = {multiplier, -shift, (shift < 0) ? ((int32_t)1 << (-shift - 1)) : 0, (shift < 0) ? -1 : 0};
  return f;
}

static inline int32_t scale_doubled(int32_t x2, const factor *f) {
  const int32_t y = (int32_t)(((int64_t)x2 * f->multiplier + ((int64_t)1 << 31)) >> 32);
  return (y + ((y >> 31) & f->negative) + f->half) >> f->right; /* ties away from zero */
}

/* All shifts <= 0, so that the doubled sums fit: inputs are scaled by at most one half. */
static void add_small(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_add_params *p) {
  const factor first = make_factor(p->multiplier_1, p->shift_1);
  const factor second = make_factor(p->multiplier_2, p->shift_2);
  const factor last = make_factor(p->multiplier, p->shift);
  const int32_t count = p->count;
  for (int32_t i = 0; i < count; i++) {
    const int32_t a = scale_doubled((in_1[i] + p->offset_1) * (1 << 21), &first);
    const int32_t b = scale_doubled((in_2[i] + p->offset_2) * (1 << 21), &second);
    out[i] = atml_clamp_int8(scale_doubled(2 * (a + b), &last) + p->output_offset, p->low, p->high);
  }
}

#endif

void atml_add(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_add_params *p) {
#if !ATML_SINGLE_ROUNDING
  if ((p->shift_1 <= 0) && (p->shift_2 <= 0) && (p->shift <= 0)) {
    add_small(in_1, in_2, out, p);
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
