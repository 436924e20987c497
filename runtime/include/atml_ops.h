/* Pooling, element-wise and shape operators on HWC int8 activations. Arithmetic of each: TFLite's int8
 * reference kernels. */
#ifndef ATML_OPS_H
#define ATML_OPS_H

#include <stdint.h>

#include "atml_window.h"

typedef struct {
  atml_window window; /* out_c = in_c */
  int8_t low, high;
} atml_pool;

/* Padding takes no part in the maximum or the mean. */
void atml_max_pool(const int8_t *in, int8_t *out, const atml_pool *p);
/* Mean rounded half away from zero. */
void atml_average_pool(const int8_t *in, int8_t *out, const atml_pool *p);

typedef struct {
  int32_t positions, channels;
  int32_t sum_offset;
  int32_t multiplier, shift;
  int32_t output_offset;
} atml_mean_params;

/* Over all positions, channel by channel, requantised. */
void atml_mean(const int8_t *in, int8_t *out, const atml_mean_params *p);
/* Global average with the scale kept: positions >= 1, |sum| < 2^31. */
void atml_global_average(const int8_t *in, int8_t *out, int32_t positions, int32_t channels);

typedef struct {
  int32_t count;
  int32_t offset_1, offset_2, output_offset;
  int32_t multiplier_1, shift_1, multiplier_2, shift_2, multiplier, shift;
  int32_t low, high;
} atml_add_params;

/* Inputs are scaled up by 2^20 before they are brought to one scale. out may be in_1 or in_2. */
void atml_add(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_add_params *p);
/* The same bits where TFLite scales in_1 by exactly one half, which needs no rounding ((x + offset) 2^20 / 2), and
 * in_2 by at most that, as it does with the input of the larger scale: multiplier_1 = 2^30 and shift_1 = 0, shift_2 < 0 or
 * in_2 the same; shift in [-22, -1]; double rounding only. */
void atml_add_half(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_add_params *p);

typedef struct {
  int32_t count;
  int32_t factor_1, factor_2, constant;
} atml_add_linear_params;

/* (constant + floor(in_1 factor_1 / 256) + floor(in_2 factor_2 / 256)) / 2^21, rounded down and saturated: the bits of
 * atml_add for the parameters that the generator has tried with all pairs of inputs. The sum fits 32 bits in any order of
 * its terms, factors are below 2^31. out may be in_1 or in_2. */
void atml_add_linear(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_add_linear_params *p);

typedef struct {
  int32_t count;
  int32_t period; /* in_2 repeats after so many elements: count, or the channels */
  int32_t offset_1, offset_2, output_offset;
  int32_t multiplier, shift;
  int32_t low, high;
} atml_mul_params;

void atml_mul(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_mul_params *p);

/* One input of a concatenation along the channels: in [positions][channels] goes to every out_step-th
 * byte of out; table: 256 values for requantised inputs, or 0 for a copy. */
void atml_place(const int8_t *in, int8_t *out, int32_t positions, int32_t channels, int32_t out_step,
                const int8_t *table);

typedef struct {
  int32_t in_h, in_w, in_c;
  int32_t top, bottom, left, right, front, back;
  int8_t value;
} atml_pad_params;

void atml_pad(const int8_t *in, int8_t *out, const atml_pad_params *p);

/* out[i] = table[in[i] + 128]; in place allowed. */
void atml_table(const int8_t *in, int8_t *out, int32_t count, const int8_t *table);

void atml_copy(const int8_t *in, int8_t *out, int32_t count);

typedef struct {
  int32_t rows, count;
  int32_t multiplier, shift;
  int32_t smallest_difference;
} atml_softmax_params;

/* Over `count` <= 4096 channels, row by row; out = in allowed. Output scale 1/256, zero point -128. */
void atml_softmax(const int8_t *in, int8_t *out, const atml_softmax_params *p);

#endif
