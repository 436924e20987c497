/* Convolution for cores with a multiplier of 32 bits and no DSP instructions: two pixels in one register.
 *
 * A word of the patch is x_0 + 65536 x_1: one multiplication by a weight serves both pixels. Their sums keep apart
 * while each stays in int16, so the inputs of a channel are cut into chunks with 128 x sum |w| < 32768; at the end
 * of a chunk the sums move to 32 bits. The generator cuts, per channel and as late as possible: chunks of any
 * weights exist (of one input at least), and small weights give long ones.
 *
 * stream, for each channel, 4-byte aligned: its word as in a packed filter; then chunks: a byte
 * ATML_SWAR_STEP x (ATML_SWAR_CHUNK - n), then n weights, 1 <= n <= ATML_SWAR_CHUNK; k weights in all.
 * The byte is where the unrolled steps (each ATML_SWAR_STEP bytes of code) are entered.
 *
 * Weights of 4 bits ("nibbles"): k / 2 bytes instead, two inputs a byte, the first in the low half. 28 of them stay in
 * int16 whatever they are (28 x 8 x 128 < 32768), so the chunks are not in the stream. */
#ifndef ATML_SWAR_H
#define ATML_SWAR_H

#include <stdint.h>

#include "atml_filters.h"

#define ATML_SWAR_STEP 14
#define ATML_SWAR_CHUNK 14
#define ATML_SWAR_NIBBLE_CHUNK 28

/* As the functions of atml_filters.h on packed filters, but for the stream. Scratch: ATML_PATCH_BYTES(k). */
void atml_conv_swar(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p);
void atml_pointwise_swar(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_pointwise *p);

/* The same with weights of 4 bits. */
void atml_conv_nibbles_swar(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p);
void atml_pointwise_nibbles_swar(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_pointwise *p);

/* One channel of four pixels. patch: int32 [k][2], pixels 0 and 1, then 2 and 3; end: behind it. sums: for pixels
 * (0, 1), then (2, 3): the sum of all words modulo 2^32, and the sum of the upper pixel. Returns what follows in
 * the stream. */
const uint8_t *atml_swar_sums(const int32_t *patch, const uint8_t *chunks, uint32_t *sums, const int32_t *end);

/* Weights of 4 bits; patch to end: a multiple of four inputs, at least one. */
const uint8_t *atml_swar_nibble_sums(const int32_t *patch, const uint8_t *weights, uint32_t *sums, const int32_t *end);

/* All channels of `pixels` <= 4 pixels. */
typedef void (*atml_swar_dot_function)(const int32_t *patch, int8_t *out, const atml_packed_filter *f, int32_t pixels);
void atml_swar_dot(const int32_t *patch, int8_t *out, const atml_packed_filter *f, int32_t pixels);
void atml_swar_nibble_dot(const int32_t *patch, int8_t *out, const atml_packed_filter *f, int32_t pixels);

#endif
