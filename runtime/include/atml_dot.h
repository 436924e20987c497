/* The inner products of the packed kernels: C (dot.c) or assembly for cores with DSP (dsp_dot.S), same
 * bits, same symbols. */
#ifndef ATML_DOT_H
#define ATML_DOT_H

#include <stdint.h>

#include "atml_arithmetic.h"
#include "atml_dsp.h"
#include "atml_filters.h"

/* All channels of four pixels. patch: int16 [k / 2][4 pixels][2], pair i of group g (four inputs) holds
 * inputs 4 g + i and 4 g + i + 2. out: pixel p, channel c at out[p x channels + c]. */
void atml_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f);

/* All channels of one pixel; in: k readable bytes. */
void atml_dot_1(const int8_t *in, int8_t *out, const atml_packed_filter *f);

/* The same with weights of 4 bits. */
void atml_nibble_dot_4(const int16_t *patch, int8_t *out, const atml_packed_filter *f);
void atml_nibble_dot_1(const int8_t *in, int8_t *out, const atml_packed_filter *f);

/* What a convolution calls: builds for size know one pixel at a time only (ATML_SMALL). */
#if ATML_SMALL
#define ATML_DOTS(four, one) (one)
#else
#define ATML_DOTS(four, one) (four), (one)
#endif

typedef void (*atml_dot_4_function)(const int16_t *patch, int8_t *out, const atml_packed_filter *f);
typedef void (*atml_dot_1_function)(const int8_t *in, int8_t *out, const atml_packed_filter *f);

/* Halfwords of the patch an input takes: of four pixels, on Helium in bytes (atml_mve.h). */
#if ATML_MVE
#define ATML_PATCH_STEP 2
#else
#define ATML_PATCH_STEP 4
#endif

/* Copies `groups` x 4 bytes as int16 into pixel column `patch` of the layout above; groups > 0. */
void atml_expand(const int8_t *in, int16_t *patch, int32_t groups);

#if ATML_DSP
/* The windows at y, x (upper left corner, may lie outside) and behind it in the row, into neighbouring columns of the
 * patch: at most `pixels`, as many as lie inside the input, or one. What lies outside is the input's zero point.
 * bytes: room for k, 4-byte aligned; with pixels = 0 they hold the one window that is read. Returns how many are. */
int32_t atml_gather_columns(const int8_t *in, int16_t *column, int8_t *bytes, const atml_packed_conv *p, int32_t y, int32_t x,
                            int32_t pixels);
#endif

/* What atml_finish_with() adds before it shifts: half a unit, and the zero point. */
static inline int32_t atml_finish_constant(int32_t right, int32_t zero_point) {
  return (2 * zero_point + 1) * ((int32_t)1 << (right - 1));
}

/* acc2 = twice the accumulator. */
static inline int8_t atml_finish_with(int32_t acc2, int32_t multiplier, int32_t right, int32_t constant) {
#if ATML_SINGLE_ROUNDING
  const int32_t high = atml_upper_half(acc2, multiplier, 0);
#else
  const int32_t high = atml_upper_half(acc2, multiplier, 1) + (acc2 >> 31); /* ties away from zero */
#endif
  return atml_clamp_int8((high + constant) >> right, -128, 127);
}

static inline int8_t atml_finish(int32_t acc2, int32_t multiplier, int32_t right, int32_t zero_point) {
  return atml_finish_with(acc2, multiplier, right, atml_finish_constant(right, zero_point));
}

/* The multipliers of the next pair of channels. */
static inline const int32_t *atml_next_pair(const int32_t *multipliers, const atml_packed_filter *f) {
  return (f->multiplier_step != 0) ? &multipliers[2] : multipliers;
}

/* A channel's word of the stream: its bias and right shift. */
static inline int32_t atml_bias_of(int32_t word) { return word >> 6; }
static inline int32_t atml_right_of(int32_t word) { return (int32_t)((uint32_t)word & 63u) + 1; }

/* The output of one channel of one pixel. */
static inline int8_t atml_finish_channel(int32_t sum, const uint8_t *stream, int32_t multiplier, int32_t zero_point) {
  const int32_t word = atml_load_int32(stream);
  return atml_finish(2 * atml_add_wrapped(sum, atml_bias_of(word)), multiplier, atml_right_of(word), zero_point);
}

/* Outputs of a pair of channels of one pixel; `partner` is 0 where the last pair has one channel. */
static inline void atml_finish_pair(int8_t *out, int32_t sum_a, int32_t sum_b, int32_t partner, const uint8_t *stream,
                                    const int32_t *multipliers, int32_t zero_point) {
  out[0] = atml_finish_channel(sum_a, stream, multipliers[0], zero_point);
  if (partner != 0) {
    out[1] = atml_finish_channel(sum_b, &stream[4], multipliers[1], zero_point);
  }
}

#endif
