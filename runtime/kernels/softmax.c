/* Softmax in fixed point after gemmlowp's fixedpoint.h (same constants, same order of rounding, so the
 * same bits as TFLite's int8 reference kernel). Always double rounding: TFLite knows no other here.
 * Q a.b: a integer bits, b fraction bits, 1 sign. */
#include "atml_arithmetic.h"
#include "atml_dsp.h"
#include "atml_ops.h"

ATML_SELDOM

static int32_t saturate(int64_t x) {
  if (x > INT32_MAX) {
    return INT32_MAX;
  }
  return (x < INT32_MIN) ? INT32_MIN : (int32_t)x;
}

/* e^a for a in [-1/4, 0), Q0.31: a Taylor polynomial of degree 4 about -1/8. */
static int32_t exp_near_zero(int32_t a) {
  const int32_t exp_minus_eighth = 1895147668;
  const int32_t third = 715827883;
  const int32_t x = a + (1 << 28);
  const int32_t x2 = atml_high_mul(x, x);
  const int32_t x3 = atml_high_mul(x2, x);
  const int32_t x4 = atml_high_mul(x2, x2);
  const int32_t tail = atml_shift_right(atml_high_mul(atml_shift_right(x4, 2) + x3, third) + x2, 1);
  return exp_minus_eighth + atml_high_mul(exp_minus_eighth, x + tail);
}

/* e^a for a <= 0, Q5.26 -> Q0.31. */
static int32_t exp_of_negative(int32_t a) {
  static const int32_t factors[7] = {/* e^-(2^k), k = -2..4 */
                                     1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const int32_t quarter = 1 << 24;
  const int32_t reduced = (int32_t)((uint32_t)a & (uint32_t)(quarter - 1)) - quarter;
  const int32_t remainder = reduced - a;
  int32_t result = exp_near_zero(saturate((int64_t)reduced * 32));
  if (a == 0) {
    return INT32_MAX;
  }
  for (int32_t k = 0; k < 7; k++) {
    if (((uint32_t)remainder & ((uint32_t)quarter << k)) != 0u) {
      result = atml_high_mul(result, factors[k]);
    }
  }
  return result;
}

/* 1 / (1 + a) for a in [0, 1], Q0.31: three Newton steps from the best line 48/17 - 32/17 d. */
static int32_t one_over_one_plus(int32_t a) {
  const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  int32_t x = 1515870810 + atml_high_mul(half, -1010580540);
  for (int32_t i = 0; i < 3; i++) {
    const int32_t error = (1 << 29) - atml_high_mul(half, x);
    x += saturate((int64_t)atml_high_mul(x, error) * 4);
  }
  return saturate((int64_t)x * 2);
}

static int32_t exponential(int32_t difference, const atml_softmax_params *p) {
  const int32_t shifted = (int32_t)((uint32_t)difference << p->shift);
  return exp_of_negative(atml_high_mul(shifted, p->multiplier));
}

static void softmax_row(const int8_t *in, int8_t *out, const atml_softmax_params *p) {
  int32_t largest = -128;
  int32_t sum = 0; /* Q12.19 */
  int32_t headroom = 0;
  for (int32_t i = 0; i < p->count; i++) {
    largest = (in[i] > largest) ? in[i] : largest;
  }
  for (int32_t i = 0; i < p->count; i++) {
    const int32_t difference = in[i] - largest;
    if (difference >= p->smallest_difference) {
      sum += atml_shift_right(exponential(difference, p), 12);
    }
  }
  while ((((uint32_t)sum << headroom) & 0x80000000u) == 0u) {
    headroom++;
  }
  const int32_t scale = one_over_one_plus((int32_t)(((uint32_t)sum << headroom) - 0x80000000u));
  for (int32_t i = 0; i < p->count; i++) {
    const int32_t difference = in[i] - largest;
    int32_t q = 0;
    if (difference >= p->smallest_difference) {
      q = atml_shift_right(atml_high_mul(scale, exponential(difference, p)), 12 - headroom + 23);
    }
    out[i] = atml_clamp_int8(q - 128, -128, 127);
  }
}

void atml_softmax(const int8_t *in, int8_t *out, const atml_softmax_params *p) {
  for (int32_t row = 0; row < p->rows; row++) {
    softmax_row(in, out, p);
    in += p->count;
    out += p->count;
  }
}
