#include "atml_arithmetic.h"
#include "atml_bytes.h"
#include "atml_dsp.h"
#include "atml_ops.h"
#include "atml_taps.h"

#if ATML_SMALL && ATML_DSP

#include "atml_sum.h"

static inline void pool_run(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  const int32_t count = t->rows * t->columns;
  for (int32_t c = 0; c < p->window.in_c; c += 4) {
    const int32_t channels = (p->window.in_c - c < 4) ? (p->window.in_c - c) : 4;
    const int8_t *row = &in[c];
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t rows = t->rows; rows > 0; rows--) {
      atml_sum_channels(row, t->columns, t->step, channels, sums);
      row += t->row_step;
    }
    for (int32_t i = 0; i < channels; i++) {
      out[c + i] = atml_clamp_int8(atml_mean_of(sums[i], count), p->low, p->high);
    }
  }
}

#else

/* The mean of n values, half away from zero, is floor(sum / n + 1/2), but for ties of negative sums, which go down. A
 * factor just above 1 / n makes both of it: it moves ties away from zero, and other quotients by less than the 1 / 2 n
 * that they are off a tie at least: |sum| <= 128 n, the factor is too large by at most 2^-24, and 128 n < 2^24 / 2 n
 * up to n = 255. 128 more keep all in 32 bits without a sign. */
#define LARGEST_COUNT 255
#define HALF_RAISED (257u << 23)

static inline uint32_t factor_of(int32_t count) {
  return ((ATML_SMALL == 0) && (count <= LARGEST_COUNT)) ? ((uint32_t)(((int32_t)1 << 24) / count) + 1u) : 0u;
}

/* 2^24 (mean + 128), and less than 2^24 more. */
static inline uint32_t raised_mean(int32_t sum, uint32_t factor) { return (uint32_t)sum * factor + HALF_RAISED; }

static inline int32_t sum_of(const int8_t *in, const atml_taps *t) {
  int32_t sum = 0;
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      sum += *tap;
      tap += t->step;
    }
    in += t->row_step;
  }
  return sum;
}

#if ATML_SMALL

#define HAS_GROUPS 0

#elif ATML_MVE

#include <arm_mve.h>

#define HAS_GROUPS 1

/* Four channels. */
static inline void pool_group(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p, uint32_t factor) {
  int32x4_t sums = vdupq_n_s32(0);
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      sums = vaddq_s32(sums, vldrbq_s32(tap));
      tap += t->step;
    }
    in += t->row_step;
  }
  const uint32x4_t products = vmulq_n_u32(vreinterpretq_u32_s32(sums), factor);
  const uint32x4_t raised = vshrq_n_u32(vaddq_n_u32(products, HALF_RAISED), 24);
  const int32x4_t means = vaddq_n_s32(vreinterpretq_s32_u32(raised), -128);
  vstrbq_s32(out, vminq_s32(vmaxq_s32(means, vdupq_n_s32(p->low)), vdupq_n_s32(p->high)));
}

#elif ATML_DSP

#define HAS_GROUPS 1

/* Sums of bytes 0 and 2, and of 1 and 3, in halfwords: up to 255 of them fit. */
typedef struct {
  uint32_t even, odd;
} pairs;

static inline void add_four(pairs *sums, const int8_t *in) {
  const uint32_t word = atml_load_bytes(in);
  __asm__("sxtab16 %0, %0, %1" : "+r"(sums->even) : "r"(word));
  __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(sums->odd) : "r"(word));
}

/* Upper bytes of four words, first to last. */
static inline uint32_t upper_bytes(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  uint32_t even;
  uint32_t odd;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(even) : "r"(c), "r"(a));
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(odd) : "r"(d), "r"(b));
  return ((even >> 8) & 0x00FF00FFu) | (odd & 0xFF00FF00u);
}

static inline void store_means(int8_t *out, const pairs *sums, uint32_t factor, uint32_t low, uint32_t high) {
  const uint32_t raised =
      upper_bytes(raised_mean((int16_t)sums->even, factor), raised_mean((int16_t)sums->odd, factor),
                  raised_mean((int32_t)sums->even >> 16, factor), raised_mean((int32_t)sums->odd >> 16, factor));
  atml_store_bytes(out, atml_smaller_bytes(atml_larger_bytes(raised ^ 0x80808080u, low), high));
}

/* Four channels. */
static inline void pool_group(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p, uint32_t factor) {
  pairs sums = {0, 0};
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      add_four(&sums, tap);
      tap += t->step;
    }
    in += t->row_step;
  }
  store_means(out, &sums, factor, atml_four_bytes(p->low), atml_four_bytes(p->high));
}

#define SQUARES(t, p) ((atml_is_square(t) != 0) && (((p)->window.in_c & 3) == 0))

/* 2 x 2; channels: a multiple of 4. */
static ATML_NOINLINE void pool_squares(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  const int32_t channels = p->window.in_c;
  const int32_t step = t->step;
  const int32_t next = t->pixel_step - channels;
  const uint32_t low = atml_four_bytes(p->low);
  const uint32_t high = atml_four_bytes(p->high);
  const uint32_t factor = factor_of(4);
  const int8_t *below = &in[t->row_step];
  for (int32_t i = t->pixels; i > 0; i--) {
    for (int32_t left = channels; left > 0; left -= 4) {
      pairs sums = {0, 0};
      add_four(&sums, in);
      add_four(&sums, &in[step]);
      add_four(&sums, below);
      add_four(&sums, &below[step]);
      store_means(out, &sums, factor, low, high);
      in += 4;
      below += 4;
      out += 4;
    }
    in += next;
    below += next;
  }
}

#else

#define HAS_GROUPS 0
#define SQUARES(t, p) (atml_is_square(t) != 0)

/* 2 x 2. */
static ATML_NOINLINE void pool_squares(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  const int32_t channels = p->window.in_c;
  const int32_t step = t->step;
  const int32_t low = p->low;
  const int32_t high = p->high;
  for (int32_t i = t->pixels; i > 0; i--) {
    const int8_t *above = in;
    const int8_t *below = &in[t->row_step];
    for (int32_t c = channels; c > 0; c--) {
      const int32_t sum = above[0] + above[step] + below[0] + below[step];
      *out = atml_clamp_int8((int32_t)(raised_mean(sum, factor_of(4)) >> 24) - 128, low, high);
      above++;
      below++;
      out++;
    }
    in += t->pixel_step;
  }
}

#endif

static void pool_run(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  const int32_t count = t->rows * t->columns;
  const uint32_t factor = factor_of(count);
#ifdef SQUARES
  if (SQUARES(t, p)) {
    pool_squares(in, out, t, p);
    return;
  }
#endif
  for (int32_t i = t->pixels; i > 0; i--) {
    int32_t c = 0;
#if HAS_GROUPS
    for (; (factor != 0u) && (c + 4 <= p->window.in_c); c += 4) {
      pool_group(&in[c], &out[c], t, p, factor);
    }
#endif
    for (; c < p->window.in_c; c++) {
      const int32_t sum = sum_of(&in[c], t);
      const int32_t mean = (factor != 0u) ? ((int32_t)(raised_mean(sum, factor) >> 24) - 128) : atml_mean_of(sum, count);
      out[c] = atml_clamp_int8(mean, p->low, p->high);
    }
    in += t->pixel_step;
    out += p->window.in_c;
  }
}

#endif

void atml_average_pool(const int8_t *in, int8_t *out, const atml_pool *p) { atml_walk_pool(in, out, p, pool_run); }
