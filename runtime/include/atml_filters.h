/* Convolution, depthwise convolution and dense layers.
 *
 * Arithmetic of all of them: acc = bias[oc] + sum w (x - input zero point), in int32, which cannot overflow
 * (checked when the code was generated); out = clamp(requantize(acc) + output zero point, low, high).
 * Padding counts as x = input zero point. Activations are HWC.
 *
 * Two families compute the same bits:
 *  - plain: weights in TFLite's order, any factor, any shape, portable C: the reference;
 *  - packed: weights, biases and factors re-ordered when the code is generated (below), several outputs at
 *    a time, with assembly where the core has the DSP extension.
 * In and out may overlap only as the memory plan allows: see codegen/overlap.h for each function's rule. */
#ifndef ATML_FILTERS_H
#define ATML_FILTERS_H

#include <stdint.h>

#include "atml_window.h"

/* ---- plain ---- */

typedef struct {
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
  uint8_t per_channel; /* 0: one multiplier and shift for all channels */
  uint8_t nibbles;     /* 1: weights of 4 bits, two a byte (atml_nibbles.h) */
  int16_t input_offset;  /* -zero point */
  int16_t output_offset; /* zero point */
  int8_t low, high;
} atml_plain_filter;

typedef struct {
  atml_plain_filter filter; /* conv: [out_c][kernel_h][kernel_w][in_c]; depthwise: [kernel_h][kernel_w][out_c] */
  atml_window window;
} atml_plain_conv;

typedef struct {
  atml_plain_filter filter; /* [out][in] */
  int32_t in, out;
} atml_plain_dense;

void atml_conv_plain(const int8_t *in, int8_t *out, const atml_plain_conv *p);
/* out_c = in_c x multiplier; output channel c reads input channel c / (out_c / in_c). */
void atml_depthwise_plain(const int8_t *in, int8_t *out, const atml_plain_conv *p);
void atml_dense_plain(const int8_t *in, int8_t *out, const atml_plain_dense *p);

/* ---- packed ----
 * Output channels go in pairs (a, b); an odd last channel has a partner of zeros. k = inputs of a
 * channel, rounded up to a multiple of 4 with zero weights. The zero point of the input is folded into
 * the bias. `stream` holds for each pair:
 *   a word of each channel (64 bias + right shift - 1), then k halfwords 256 w_b + w_a in the order
 *   0 2 1 3 4 6 5 7 ...
 * The halfword is a weight of b plus a weight of a in one register: sum x (256 w_b + w_a) - sum x w_a
 * = 256 sum x w_b, so that only w_a must be unpacked. Needs |sum x w_b| < 2^23, |acc| < 2^30, |bias| < 2^25,
 * which the generator checks. The order serves SXTB16, which splits bytes 0 2 and 1 3.
 * Weights of 4 bits ("nibbles"): k bytes a pair instead, 16 w_b + (w_a + 8) in the order of the inputs; needs
 * |sum x w_b| < 2^27.
 * Factors: right shifts in [1, 22] only, multiplier / 2^(31 + right). */
typedef struct {
  const uint8_t *stream;      /* 4-byte aligned */
  const int32_t *multipliers; /* of pairs, or one pair for all */
  int32_t k;
  int32_t channels;
  int32_t multiplier_step; /* bytes from pair to pair: 8 or 0 */
  int32_t zero_point;  /* of the output, [-128, 127] */
} atml_packed_filter;

typedef struct {
  atml_packed_filter filter;
  atml_window window;
  int32_t input_zero_point;
} atml_packed_conv;

typedef struct {
  atml_packed_filter filter;
  int32_t pixels;
  int32_t in_c;
} atml_packed_pointwise;

/* scratch: 4-byte aligned, atml_patch_bytes(k). */
#define ATML_PATCH_BYTES(k) ((k) * 9)

void atml_conv_packed(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p);
void atml_pointwise_packed(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_pointwise *p);
/* in: k readable bytes; in and out do not overlap. */
void atml_dense_packed(const int8_t *in, int8_t *out, const atml_packed_filter *f);

/* The same sums with weights in a prefix code, for layers whose weights are mostly small; k = inputs. `codes`, from the
 * highest bit of each halfword on: for each channel three bits n - 1, then its weights in the order of the inputs. A weight
 * w is the number u = 2 w, or -2 w - 1 below zero: the lower n bits of u, u / 2^n zeros, a one (Golomb 1966, Rice 1979); at
 * most 16 bits, so one large weight may lengthen the others. Two halfwords of zeros end the codes. */
typedef struct {
  const uint8_t *codes;       /* 2-byte aligned */
  const int32_t *words;       /* of channels, as in a packed filter */
  const int32_t *multipliers; /* of channels, or one for all */
  int32_t inputs;
  int32_t channels;
  int32_t multiplier_step; /* 1 or 0 */
  int32_t zero_point;      /* of the output */
} atml_coded_filter;

/* in and out do not overlap. */
void atml_dense_coded(const int8_t *in, int8_t *out, const atml_coded_filter *f);

/* The same with weights of 4 bits. */
void atml_conv_nibbles(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p);
void atml_pointwise_nibbles(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_pointwise *p);
void atml_dense_nibbles(const int8_t *in, int8_t *out, const atml_packed_filter *f);

/* Depthwise, channel by channel over a ring of rows in scratch. `in` axes: x slides along the longer side.
 * taps: int8 [channels][rows][row_taps].
 * Six bytes a channel say the rest: its bias in 16 bits, without the input zero point, and a factor, the multiplier
 * less 2^30 in the lower 30 bits and the right shift less `right` in the upper 2. Where a layer does not fit that
 * (`wide`): biases as pairs of halfwords, the lower first, and factors as pairs of multiplier and right shift. */
typedef struct {
  const int8_t *taps;
  const int16_t *bias;
  const int32_t *factors;
  int32_t channels;
  uint8_t per_channel;      /* 0: one factor for all */
  uint8_t wide, right;
  int32_t in_x, in_y;       /* elements along x and y */
  int32_t in_step_x, in_step_y;
  int32_t out_x, out_y;
  int32_t out_step_x, out_step_y;
  uint8_t row_taps, rows;   /* kernel along x and y */
  uint8_t stride_x, stride_y;
  uint8_t pad_x, pad_y;
  int8_t input_zero_point, zero_point;
  int32_t pitch;            /* int16 elements of a row in scratch: even, >= all reads of a row */
} atml_packed_depthwise;

/* scratch: 4-byte aligned, 2 x rows x pitch bytes and the taps as int16 pairs. */
void atml_depthwise_packed(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_depthwise *p);
/* The same for windows of one row (rows 1, pad_y 0), which needs no ring: each line is copied to scratch, then its outputs
 * are written, so out may also be in where in_y and out_y are 1 and the line becomes shorter. scratch: 4-byte aligned,
 * ATML_LINE_BYTES. */
#define ATML_LINE_BYTES(pitch, row_taps) \
  (2 * (pitch) + (((row_taps) <= 2) ? 16 : (8 * ((row_taps) / 2 + 1)))) /* the taps: words, or 16 a vector */
void atml_depthwise_line(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_depthwise *p);
/* Taps of 4 bits (atml_nibbles.h), unpacked channel by channel; rows x row_taps bytes more of scratch. */
void atml_depthwise_nibbles(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_depthwise *p);

/* Fused clamps that the packed kernels leave out (they saturate to [-128, 127]). */
void atml_clamp(int8_t *values, int32_t count, int32_t low, int32_t high);

#endif
