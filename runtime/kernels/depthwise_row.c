#include "atml_depthwise_row.h"

#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_finish_row.h"

#if !ATML_DSP && !ATML_MVE /* else dsp_depthwise_row.c or mve_depthwise_row.c */

#if ATML_PARTIAL_PRODUCTS && defined(__thumb__) && !defined(ATML_PORTABLE)

#define AT_ONCE 16 /* outputs whose sums wait for their requantisation */

static int32_t is_3x3(const atml_packed_depthwise *p) { return ((p->rows == 3) && (p->row_taps == 3)) ? 1 : 0; }

/* 3 x 3 taps become words, which load three at a time: 36 of the 48 bytes that there are. */
int32_t atml_depthwise_pack_taps(const int8_t *source, int16_t *taps, const atml_packed_depthwise *p) {
  int32_t *const words = (int32_t *)(void *)taps;
  int32_t sum = 0;
  for (int32_t i = 0; i < p->rows * p->row_taps; i++) {
    if (is_3x3(p) != 0) {
      words[i] = source[i];
    } else {
      taps[i] = source[i];
    }
    sum += source[i];
  }
  return sum;
}

/* The assembly knows the order. */
typedef struct {
  const int16_t *a, *b, *c;
  const int32_t *taps;
  int32_t bias;
  int32_t step; /* bytes from window to window */
} windows;

#define PRODUCT(row, x, tap) \
  "ldrh r6, [" row ", #" x "]\n\tsxth r6, r6\n\tmuls " tap ", r6, " tap "\n\tadd r9, " tap "\n\t"
#define ROW(row)                                                                                              \
  "ldmia r3!, {r4, r5, r7}\n\t" PRODUCT(row, "0", "r4") PRODUCT(row, "2", "r5") PRODUCT(row, "4", "r7") "add " row \
  ", r12\n\t"

/* Twice the sums of windows up to `end`, at least one; moves the rows on. r0-r2 rows, r3 taps, r9 sum, r11 acc2. */
static __attribute__((naked, noinline)) void sum_windows(windows *w __attribute__((unused)),
                                                         int32_t *acc2 __attribute__((unused)),
                                                         const int32_t *end __attribute__((unused))) {
  __asm__ volatile(
      ".syntax unified\n\t"
      "push {r4-r7, lr}\n\t"
      "mov r4, r8\n\t"
      "mov r5, r9\n\t"
      "mov r6, r10\n\t"
      "mov r7, r11\n\t"
      "push {r0, r4-r7}\n\t"
      "mov r11, r1\n\t"
      "mov lr, r2\n\t"
      "ldmia r0!, {r1-r6}\n\t"
      "mov r8, r4\n\t"
      "mov r10, r5\n\t"
      "mov r12, r6\n\t"
      "mov r0, r1\n\t"
      "mov r1, r2\n\t"
      "mov r2, r3\n\t"
      "1:\n\t"
      "mov r3, r8\n\t"
      "mov r9, r10\n\t" ROW("r0") ROW("r1") ROW("r2")
      "mov r6, r9\n\t"
      "lsls r6, r6, #1\n\t"
      "mov r7, r11\n\t"
      "stmia r7!, {r6}\n\t"
      "mov r11, r7\n\t"
      "cmp r7, lr\n\t"
      "bne 1b\n\t"
      "pop {r3-r7}\n\t"
      "stmia r3!, {r0-r2}\n\t"
      "mov r8, r4\n\t"
      "mov r9, r5\n\t"
      "mov r10, r6\n\t"
      "mov r11, r7\n\t"
      "pop {r4-r7, pc}\n\t");
}

static void row_3x3(int16_t *const *rows, int8_t *out, const atml_packed_depthwise *p,
                    const atml_depthwise_channel *channel) {
  int32_t acc2[AT_ONCE];
  windows w = {rows[0], rows[1], rows[2], (const int32_t *)(const void *)channel->taps, channel->bias, 2 * p->stride_x};
  const atml_finish_row_params finish = {channel->multiplier, channel->right,
                                         channel->constant, p->out_step_x};
  for (int32_t left = p->out_x; left > 0; left -= AT_ONCE) {
    const int32_t *const end = &acc2[(left < AT_ONCE) ? left : AT_ONCE];
    sum_windows(&w, acc2, end);
    atml_finish_row(acc2, out, &finish, end);
    out += AT_ONCE * p->out_step_x;
  }
}

#else

int32_t atml_depthwise_pack_taps(const int8_t *source, int16_t *taps, const atml_packed_depthwise *p) {
  int32_t sum = 0;
  for (int32_t i = 0; i < p->rows * p->row_taps; i++) {
    taps[i] = source[i];
    sum += source[i];
  }
  return sum;
}

static void row_3x3(int16_t *const *rows, int8_t *out, const atml_packed_depthwise *p,
                    const atml_depthwise_channel *channel) {
  /* Copies: a byte written to out might be any of what the pointers lead to, for all a compiler knows. */
  const int16_t *const tap = channel->taps;
  const int32_t a0 = tap[0], a1 = tap[1], a2 = tap[2];
  const int32_t b0 = tap[3], b1 = tap[4], b2 = tap[5];
  const int32_t c0 = tap[6], c1 = tap[7], c2 = tap[8];
  const int32_t bias = channel->bias;
  const int32_t multiplier = channel->multiplier;
  const int32_t right = channel->right;
  const int32_t constant = channel->constant;
  const int32_t step = p->out_step_x;
  const int32_t stride = p->stride_x;
  const int16_t *a = rows[0];
  const int16_t *b = rows[1];
  const int16_t *c = rows[2];
  for (int32_t x = p->out_x; x > 0; x--) {
    const int32_t acc = bias + a0 * a[0] + a1 * a[1] + a2 * a[2] + b0 * b[0] + b1 * b[1] + b2 * b[2] + c0 * c[0] +
                        c1 * c[1] + c2 * c[2];
    *out = atml_finish_with(2 * acc, multiplier, right, constant);
    out += step;
    a += stride;
    b += stride;
    c += stride;
  }
}

#endif

void atml_depthwise_row(int16_t *const *rows, int8_t *out, const atml_packed_depthwise *p,
                        atml_depthwise_channel *channel) {
  if ((p->rows == 3) && (p->row_taps == 3)) {
    row_3x3(rows, out, p, channel);
    return;
  }
  for (int32_t x = 0; x < p->out_x; x++) {
    int32_t acc = channel->bias;
    const int16_t *tap = channel->taps;
    for (int32_t r = 0; r < p->rows; r++) {
      const int16_t *in = &rows[r][x * p->stride_x];
      for (int32_t t = 0; t < p->row_taps; t++) {
        acc += tap[t] * in[t];
      }
      tap += p->row_taps;
    }
    *out = atml_finish(2 * acc, channel->multiplier, channel->right, p->zero_point);
    out += p->out_step_x;
  }
}

#endif
