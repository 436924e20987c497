/* What the portable inner products of 8-bit (dot.c) and 4-bit weights (nibble_dot.c) share: pairs of channels, several
 * pixels at a time. */
#ifndef ATML_PAIR_DOT_H
#define ATML_PAIR_DOT_H

#include "atml_dot.h"
#include "atml_finish_row.h"

/* Pixels whose sums fit the registers at one time. */
#if defined(__thumb__) && !defined(__thumb2__)
#define ATML_PIXELS 2
#else
#define ATML_PIXELS 4
#endif

/* Moving loads early costs more registers than there are. */
#if defined(__GNUC__) && !defined(__clang__)
#define ATML_IN_ORDER __attribute__((noinline, optimize("no-schedule-insns", "no-tree-reassoc")))
#else
#define ATML_IN_ORDER
#endif

/* One input of pixel p against a pair of weights: low is multiplied by `lower`, mix by `both`. */
#define ATML_STEP(p, offset)                     \
  do {                                           \
    const int32_t x = patch[2 * (p) + (offset)]; \
    low##p += (uint32_t)(x * lower);             \
    mix##p += (uint32_t)(x * both);              \
  } while (0)

/* The same for all pixels; the sums, and where they go: low and mix of each pixel. */
#if ATML_PIXELS == 4
#define ATML_STEPS(offset) \
  ATML_STEP(0, offset);    \
  ATML_STEP(1, offset);    \
  ATML_STEP(2, offset);    \
  ATML_STEP(3, offset)
#define ATML_NO_SUMS                                    \
  uint32_t low0 = 0, low1 = 0, mix0 = 0, mix1 = 0;      \
  uint32_t low2 = 0, low3 = 0, mix2 = 0, mix3 = 0
#define ATML_KEEP_SUMS(sums) \
  (sums)[0] = low0;          \
  (sums)[1] = mix0;          \
  (sums)[2] = low1;          \
  (sums)[3] = mix1;          \
  (sums)[4] = low2;          \
  (sums)[5] = mix2;          \
  (sums)[6] = low3;          \
  (sums)[7] = mix3
#else
#define ATML_STEPS(offset) \
  ATML_STEP(0, offset);    \
  ATML_STEP(1, offset)
#define ATML_NO_SUMS uint32_t low0 = 0, low1 = 0, mix0 = 0, mix1 = 0
#define ATML_KEEP_SUMS(sums) \
  (sums)[0] = low0;          \
  (sums)[1] = mix0;          \
  (sums)[2] = low1;          \
  (sums)[3] = mix1
#endif

/* Four pixels of a channel, from twice their accumulators. */
static inline void atml_finish_pixels(const int32_t *acc2, int8_t *out, int32_t multiplier, int32_t word,
                                      const atml_packed_filter *f) {
  const int32_t right = atml_right_of(word);
  const atml_finish_row_params finish = {multiplier, right, atml_finish_constant(right, f->zero_point), f->channels};
  atml_finish_row(acc2, out, &finish, &acc2[4]);
}

#endif
