/* Fixed-point arithmetic of the int8 kernels: requantisation and unaligned access.
 *
 * A real factor is multiplier x 2^(shift - 31): multiplier is 0 or in [2^30, 2^31), shift in [-31, 30].
 * Two roundings exist; a firmware is built for one of them:
 *   default                        double rounding, TFLite's reference kernels (gemmlowp)
 *   -DATML_SINGLE_ROUNDING=1       single rounding, half up
 * Right shifts of negative numbers are arithmetic on every supported compiler; the typedef below does
 * not compile where they are not. */
#ifndef ATML_ARITHMETIC_H
#define ATML_ARITHMETIC_H

#include <stdint.h>

#ifndef ATML_SINGLE_ROUNDING
#define ATML_SINGLE_ROUNDING 0
#endif

/* Functions that are called often from a few places: a copy at each would only cost flash and stack. */
#if defined(__GNUC__)
#define ATML_NOINLINE __attribute__((noinline))
#else
#define ATML_NOINLINE
#endif

typedef char atml_right_shift_is_arithmetic[((-3) >> 1) == -2 ? 1 : -1];

/* Armv6-M multiplies 32 x 32 -> 32 bits only: products of 64 bits are made of 16 x 16 ones there, instead of by
 * library calls. */
#ifndef ATML_PARTIAL_PRODUCTS
#if defined(__thumb__) && !defined(__thumb2__)
#define ATML_PARTIAL_PRODUCTS 1
#else
#define ATML_PARTIAL_PRODUCTS 0
#endif
#endif

#if ATML_PARTIAL_PRODUCTS
/* a b = 2^32 high + 2^16 middle + 16 bits more. */
typedef struct {
  int32_t high, middle;
} atml_product;

static inline atml_product atml_multiply(int32_t a, int32_t b) {
  const uint32_t a_low = (uint32_t)a & 0xFFFFu;
  const int32_t a_high = a >> 16;
  const uint32_t b_low = (uint32_t)b & 0xFFFFu;
  const int32_t b_high = b >> 16;
  const int32_t cross = a_high * (int32_t)b_low + (int32_t)((a_low * b_low) >> 16);
  atml_product p;
  p.high = a_high * b_high + (cross >> 16);
  p.middle = (int32_t)a_low * b_high + (int32_t)((uint32_t)cross & 0xFFFFu);
  return p;
}

/* floor((a b + 2^30) / 2^31). Equal to gemmlowp's SaturatingRoundingDoublingHighMul wherever
 * b is not INT32_MIN, as multipliers never are. */
static inline int32_t atml_high_mul(int32_t a, int32_t b) {
  const atml_product p = atml_multiply(a, b);
  return (int32_t)(2u * (uint32_t)p.high + (uint32_t)((p.middle + 0x4000) >> 15));
}

/* floor((a b + rounding) / 2^32); rounding: 2^31 (round != 0) or 0. */
static inline int32_t atml_upper_half(int32_t a, int32_t b, int32_t round) {
  const atml_product p = atml_multiply(a, b);
  return p.high + (((p.middle >> 1) + ((round != 0) ? 0x4000 : 0)) >> 15);
}
#else
/* floor((a b + 2^30) / 2^31). Equal to gemmlowp's SaturatingRoundingDoublingHighMul wherever
 * b is not INT32_MIN, as multipliers never are. */
static inline int32_t atml_high_mul(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* floor((a b + rounding) / 2^32); rounding: 2^31 (round != 0) or 0. */
static inline int32_t atml_upper_half(int32_t a, int32_t b, int32_t round) {
  return (int32_t)(((int64_t)a * b + ((round != 0) ? ((int64_t)1 << 31) : 0)) >> 32);
}
#endif

/* x / 2^right, ties away from zero; right in [0, 31]. */
static inline int32_t atml_shift_right(int32_t x, int32_t right) {
  const uint32_t mask = ((uint32_t)1 << right) - 1u;
  const uint32_t remainder = (uint32_t)x & mask;
  const uint32_t threshold = (mask >> 1) + (x < 0 ? 1u : 0u);
  return (x >> right) + (remainder > threshold ? 1 : 0);
}

/* x times the factor, rounded as the firmware is built. x << shift must fit when shift > 0. */
static inline int32_t atml_requantize(int32_t x, int32_t multiplier, int32_t shift) {
#if ATML_SINGLE_ROUNDING
  const int32_t total = 31 - shift;
  return (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << (total - 1))) >> total);
#else
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = shift > 0 ? 0 : -shift;
  const int32_t shifted = (int32_t)((uint32_t)x << left);
  return atml_shift_right(atml_high_mul(shifted, multiplier), right);
#endif
}

static inline int8_t atml_clamp_int8(int32_t x, int32_t low, int32_t high) {
  if (x < low) {
    return (int8_t)low;
  }
  return (int8_t)(x > high ? high : x);
}

/* Rounded half away from zero. */
static inline int32_t atml_mean_of(int32_t sum, int32_t count) {
  return (sum + ((sum > 0) ? (count / 2) : (-count / 2))) / count;
}

/* Two's complement sums that may wrap on the way to a result that fits. */
static inline int32_t atml_add_wrapped(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* Little endian, 2-byte aligned. */
static inline int32_t atml_load_int16(const uint8_t *p) {
#if defined(__GNUC__) && defined(__BYTE_ORDER__) && (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
  int16_t value; /* one load, also where unaligned words fault */
  __builtin_memcpy(&value, __builtin_assume_aligned(p, 2), sizeof value);
  return value;
#else
  return (int32_t)(int16_t)(uint16_t)((uint32_t)p[0] | ((uint32_t)p[1] << 8));
#endif
}

/* Little endian, 4-byte aligned loads from packed parameters. */
static inline int32_t atml_load_int32(const uint8_t *p) {
#if defined(__GNUC__) && defined(__BYTE_ORDER__) && (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
  int32_t value;
  __builtin_memcpy(&value, __builtin_assume_aligned(p, 4), sizeof value);
  return value;
#else
  return (int32_t)((uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24));
#endif
}

#endif
