#include "atml_arithmetic.h"
#include "atml_bytes.h"
#include "atml_dsp.h"
#include "atml_ops.h"
#include "atml_taps.h"

#if ATML_MVE && !ATML_SMALL

#include <arm_mve.h>

/* 16 channels at a time. */
static inline void pool_pixel(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  for (int32_t left = p->window.in_c; left > 0; left -= 16) {
    const mve_pred16_t live = vctp8q((uint32_t)left);
    const int8_t *row = in;
    int8x16_t value = vdupq_n_s8(p->low);
    for (int32_t r = t->rows; r > 0; r--) {
      const int8_t *tap = row;
      for (int32_t i = t->columns; i > 0; i--) {
        value = vmaxq_s8(value, vldrbq_z_s8(tap, live));
        tap += t->step;
      }
      row += t->row_step;
    }
    vstrbq_p_s8(out, vminq_s8(value, vdupq_n_s8(p->high)), live);
    in += 16;
    out += 16;
  }
}

#else

static inline int32_t larger(int32_t a, int32_t b) { return (a > b) ? a : b; }

static inline int32_t largest(const int8_t *in, const atml_taps *t) {
  int32_t value = -128;
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      value = larger(value, *tap);
      tap += t->step;
    }
    in += t->row_step;
  }
  return value;
}

#if ATML_DSP

static inline void pool_four(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  uint32_t value = atml_four_bytes(p->low);
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      value = atml_larger_bytes(value, atml_load_bytes(tap));
      tap += t->step;
    }
    in += t->row_step;
  }
  atml_store_bytes(out, atml_smaller_bytes(value, atml_four_bytes(p->high)));
}

/* Half the loops over the taps. */
static inline void pool_eight(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  const uint32_t high = atml_four_bytes(p->high);
  uint32_t first = atml_four_bytes(p->low);
  uint32_t second = first;
  for (int32_t r = t->rows; r > 0; r--) {
    const int8_t *tap = in;
    for (int32_t i = t->columns; i > 0; i--) {
      first = atml_larger_bytes(first, atml_load_bytes(tap));
      second = atml_larger_bytes(second, atml_load_bytes(&tap[4]));
      tap += t->step;
    }
    in += t->row_step;
  }
  atml_store_bytes(out, atml_smaller_bytes(first, high));
  atml_store_bytes(&out[4], atml_smaller_bytes(second, high));
}

#endif

static inline void pool_pixel(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  int32_t c = 0;
#if ATML_DSP
#if !ATML_SMALL
  for (; c + 8 <= p->window.in_c; c += 8) {
    pool_eight(&in[c], &out[c], t, p);
  }
#endif
  for (; c + 4 <= p->window.in_c; c += 4) {
    pool_four(&in[c], &out[c], t, p);
  }
#endif
  for (; c < p->window.in_c; c++) {
    out[c] = atml_clamp_int8(largest(&in[c], t), p->low, p->high);
  }
}

#if ATML_DSP && !ATML_SMALL

/* 2 x 2; channels: a multiple of 4. */
static ATML_NOINLINE void pool_squares(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  const int32_t channels = p->window.in_c;
  const int32_t next = t->pixel_step - channels;
  const uint32_t low = atml_four_bytes(p->low);
  const uint32_t high = atml_four_bytes(p->high);
  const int8_t *below = &in[t->row_step];
  for (int32_t i = t->pixels; i > 0; i--) {
    int32_t left = channels;
    uint32_t a;
    uint32_t b;
    __asm__ volatile(
        "1:\n\t"
        "ldr %[a], [%[in], %[step]]\n\t"
        "ldr %[b], [%[in]], #4\n\t"
        "ssub8 r12, %[a], %[b]\n\t"
        "sel %[a], %[a], %[b]\n\t"
        "ldr %[b], [%[below], %[step]]\n\t"
        "ssub8 r12, %[a], %[b]\n\t"
        "sel %[a], %[a], %[b]\n\t"
        "ldr %[b], [%[below]], #4\n\t"
        "ssub8 r12, %[a], %[b]\n\t"
        "sel %[a], %[a], %[b]\n\t"
        "ssub8 r12, %[a], %[low]\n\t"
        "sel %[a], %[a], %[low]\n\t"
        "ssub8 r12, %[a], %[high]\n\t"
        "sel %[a], %[high], %[a]\n\t"
        "subs %[left], %[left], #4\n\t"
        "str %[a], [%[out]], #4\n\t"
        "bne 1b\n\t"
        : [a] "=&r"(a), [b] "=&r"(b), [in] "+&r"(in), [below] "+&r"(below), [out] "+&r"(out), [left] "+&r"(left)
        : [step] "r"(t->step), [low] "r"(low), [high] "r"(high)
        : "r12", "cc", "memory");
    in += next;
    below += next;
  }
}

#define SQUARES(t, p) ((atml_is_square(t) != 0) && (((p)->window.in_c & 3) == 0))

#elif !ATML_SMALL

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
      const int32_t value = larger(larger(above[0], above[step]), larger(below[0], below[step]));
      *out = atml_clamp_int8(value, low, high);
      above++;
      below++;
      out++;
    }
    in += t->pixel_step;
  }
}

#define SQUARES(t, p) (atml_is_square(t) != 0)

#endif
#endif

#if ATML_SMALL

static inline void pool_run(const int8_t *in, int8_t *out, const atml_taps *t, const atml_pool *p) {
  pool_pixel(in, out, t, p);
}

#else

static void pool_run(const int8_t *in, int8_t *out, const atml_taps *taps, const atml_pool *p) {
  const atml_taps t = *taps; /* that no store to out may change */
#ifdef SQUARES
  if (SQUARES(&t, p)) {
    pool_squares(in, out, &t, p);
    return;
  }
#endif
  for (int32_t i = t.pixels; i > 0; i--) {
    pool_pixel(in, out, &t, p);
    in += t.pixel_step;
    out += p->window.in_c;
  }
}

#endif

void atml_max_pool(const int8_t *in, int8_t *out, const atml_pool *p) { atml_walk_pool(in, out, p, pool_run); }
