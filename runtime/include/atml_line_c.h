/* atml_line.h in C. The line is bytes, the taps are words, twice their values. */
#ifndef ATML_LINE_C_H
#define ATML_LINE_C_H

#include "atml_depthwise_channel.h"
#include "atml_dot.h"
#include "atml_finish_row.h"

/* Of the line: x + 128 where a signed byte takes two instructions to load. */
#if ATML_PARTIAL_PRODUCTS
typedef uint8_t atml_line_byte;
static inline atml_line_byte atml_line_entry(atml_line_byte x) { return (atml_line_byte)(x ^ 128u); }
#else
typedef int8_t atml_line_byte;
static inline atml_line_byte atml_line_entry(atml_line_byte x) { return x; }
#endif

/* The assembly knows the order of the first three. */
typedef struct {
  int32_t *taps, *end;
  int32_t bias2;
  atml_line_byte *line;
  const atml_packed_depthwise *p;
  atml_finish_row_params finish;
} atml_line;

static inline void atml_line_open(atml_line *l, int8_t *scratch, const atml_packed_depthwise *p) {
  for (int32_t i = 0; i < 2 * p->pitch; i++) {
    ((atml_line_byte *)scratch)[i] = atml_line_entry((atml_line_byte)p->input_zero_point);
  }
  l->line = (atml_line_byte *)scratch;
  l->taps = (int32_t *)(void *)&scratch[2 * p->pitch];
  l->end = &l->taps[p->row_taps];
  l->p = p;
  l->finish.step = p->out_step_x;
}

static inline void atml_line_factors(atml_line *l, const atml_depthwise_channel *channel) {
  l->bias2 = 2 * channel->bias;
  l->finish.multiplier = channel->multiplier;
  l->finish.right = channel->right;
  l->finish.constant = atml_finish_constant(channel->right, l->p->zero_point);
}

static inline int32_t atml_line_taps(const int8_t *source, const atml_line *l) {
  int32_t sum = 0;
  for (int32_t *word = l->taps; word != l->end; word++) {
    const int32_t w = *source;
    *word = 2 * w;
    sum += w;
    source++;
  }
  return -sum * (int32_t)atml_line_entry((atml_line_byte)l->p->input_zero_point);
}

static inline void atml_line_load(const int8_t *in, const atml_line *l) {
  const atml_line_byte *from = (const atml_line_byte *)in;
  atml_line_byte *to = &l->line[l->p->pad_x];
  const int32_t step = l->p->in_step_x;
  int32_t left = l->p->in_x;
  for (; left >= 4; left -= 4) {
    to[0] = atml_line_entry(from[0]);
    to[1] = atml_line_entry(from[step]);
    from += 2 * step;
    to[2] = atml_line_entry(from[0]);
    to[3] = atml_line_entry(from[step]);
    from += 2 * step;
    to += 4;
  }
  for (; left > 0; left--) {
    *to = atml_line_entry(*from);
    to++;
    from += step;
  }
}

static inline void atml_line_any(const atml_line_byte *in, int32_t stride, const atml_line *l, int32_t *acc2) {
  int32_t a = l->bias2, b = l->bias2, c = l->bias2, d = l->bias2;
  const int32_t *tap = l->taps;
  do {
    const int32_t w = *tap;
    a += w * in[0];
    b += w * in[stride];
    c += w * in[2 * stride];
    d += w * in[3 * stride];
    tap++;
    in++;
  } while (tap != l->end);
  acc2[0] = a;
  acc2[1] = b;
  acc2[2] = c;
  acc2[3] = d;
}

/* Outputs whose sums wait for their requantisation; inline where that saves stack. */
#if ATML_PARTIAL_PRODUCTS && defined(__thumb__) && !defined(ATML_PORTABLE)
#define ATML_LINE_AT_ONCE 16
#define ATML_LINE_RUN static inline

#define ATML_LINE_MAC(offset, acc) "ldrb r3, [r0, #" offset "]\n\tmuls r3, r2, r3\n\tadds " acc ", " acc ", r3\n\t"

/* Twice the sums of windows b - a = c - b = d - c bytes apart, up to `end`, a multiple of four. r8 twice the bias, r9 taps,
 * r10 their end, r11 acc2, r12 its end, lr input of the four. */
#define ATML_LINE_SUMS(b, c, d, four)              \
  __asm__ volatile(                                \
      ".syntax unified\n\t"                        \
      "push {r4-r7, lr}\n\t"                       \
      "mov r4, r8\n\t"                             \
      "mov r5, r9\n\t"                             \
      "mov r6, r10\n\t"                            \
      "mov r7, r11\n\t"                            \
      "push {r4-r7}\n\t"                           \
      "ldmia r1!, {r4-r6}\n\t"                     \
      "mov r9, r4\n\t"                             \
      "mov r10, r5\n\t"                            \
      "mov r8, r6\n\t"                             \
      "mov r11, r2\n\t"                            \
      "mov r12, r3\n\t"                            \
      "mov lr, r0\n\t"                             \
      "1:\n\t"                                     \
      "mov r1, r9\n\t"                             \
      "mov r4, r8\n\t"                             \
      "mov r5, r8\n\t"                             \
      "mov r6, r8\n\t"                             \
      "mov r7, r8\n\t"                             \
      "2:\n\t"                                     \
      "ldmia r1!, {r2}\n\t" ATML_LINE_MAC("0", "r4") ATML_LINE_MAC(b, "r5") ATML_LINE_MAC(c, "r6") \
      ATML_LINE_MAC(d, "r7")                       \
      "adds r0, #1\n\t"                            \
      "cmp r1, r10\n\t"                            \
      "bne 2b\n\t"                                 \
      "mov r3, r11\n\t"                            \
      "stmia r3!, {r4-r7}\n\t"                     \
      "mov r11, r3\n\t"                            \
      "mov r0, lr\n\t"                             \
      "adds r0, #" four "\n\t"                     \
      "mov lr, r0\n\t"                             \
      "cmp r3, r12\n\t"                            \
      "bne 1b\n\t"                                 \
      "pop {r4-r7}\n\t"                            \
      "mov r8, r4\n\t"                             \
      "mov r9, r5\n\t"                             \
      "mov r10, r6\n\t"                            \
      "mov r11, r7\n\t"                            \
      "pop {r4-r7, pc}\n\t")

static __attribute__((naked, noinline)) void atml_line_sums_1(const atml_line_byte *in __attribute__((unused)),
                                                              const atml_line *l __attribute__((unused)),
                                                              int32_t *acc2 __attribute__((unused)),
                                                              const int32_t *end __attribute__((unused))) {
  ATML_LINE_SUMS("1", "2", "3", "4");
}

static __attribute__((naked, noinline)) void atml_line_sums_2(const atml_line_byte *in __attribute__((unused)),
                                                              const atml_line *l __attribute__((unused)),
                                                              int32_t *acc2 __attribute__((unused)),
                                                              const int32_t *end __attribute__((unused))) {
  ATML_LINE_SUMS("2", "4", "6", "8");
}

/* Up to `end`, a multiple of four. */
static inline void atml_line_sums(const atml_line_byte *in, int32_t stride, const atml_line *l, int32_t *acc2,
                                  const int32_t *end) {
  if (stride == 1) {
    atml_line_sums_1(in, l, acc2, end);
  } else if (stride == 2) {
    atml_line_sums_2(in, l, acc2, end);
  } else {
    for (; acc2 != end; acc2 += 4) {
      atml_line_any(in, stride, l, acc2);
      in += 4 * stride;
    }
  }
}

#else
#define ATML_LINE_AT_ONCE 4
#define ATML_LINE_RUN static ATML_NOINLINE

/* Twice the sums of four windows, one input apart: each input is loaded once. */
static inline void atml_line_stride_1(const atml_line_byte *in, const atml_line *l, int32_t *acc2) {
  int32_t a = l->bias2, b = l->bias2, c = l->bias2, d = l->bias2;
  int32_t x0 = in[0], x1 = in[1], x2 = in[2];
  const int32_t *tap = l->taps;
  in += 3;
  for (; l->end - tap >= 4; tap += 4) {
    int32_t w = tap[0];
    const int32_t x3 = in[0];
    a += w * x0;
    b += w * x1;
    c += w * x2;
    d += w * x3;
    w = tap[1];
    x0 = in[1];
    a += w * x1;
    b += w * x2;
    c += w * x3;
    d += w * x0;
    w = tap[2];
    x1 = in[2];
    a += w * x2;
    b += w * x3;
    c += w * x0;
    d += w * x1;
    w = tap[3];
    x2 = in[3];
    a += w * x3;
    b += w * x0;
    c += w * x1;
    d += w * x2;
    in += 4;
  }
  for (; tap != l->end; tap++) {
    const int32_t w = *tap;
    const int32_t x3 = *in;
    a += w * x0;
    b += w * x1;
    c += w * x2;
    d += w * x3;
    x0 = x1;
    x1 = x2;
    x2 = x3;
    in++;
  }
  acc2[0] = a;
  acc2[1] = b;
  acc2[2] = c;
  acc2[3] = d;
}

/* Up to `end`, a multiple of four. */
static inline void atml_line_sums(const atml_line_byte *in, int32_t stride, const atml_line *l, int32_t *acc2,
                                  const int32_t *end) {
  if (stride == 1) {
    for (; acc2 != end; acc2 += 4) {
      atml_line_stride_1(in, l, acc2);
      in += 4;
    }
  } else {
    for (; acc2 != end; acc2 += 4) {
      atml_line_any(in, stride, l, acc2);
      in += 4 * stride;
    }
  }
}

#endif

ATML_LINE_RUN void atml_line_run(const atml_line *l, int8_t *out) {
  int32_t acc2[ATML_LINE_AT_ONCE];
  const atml_line_byte *in = l->line;
  const int32_t stride = l->p->stride_x;
  for (int32_t left = l->p->out_x; left > 0; left -= ATML_LINE_AT_ONCE) {
    const int32_t now = (left < ATML_LINE_AT_ONCE) ? left : ATML_LINE_AT_ONCE;
    atml_line_sums(in, stride, l, acc2, &acc2[(now + 3) & ~3]);
    in += ATML_LINE_AT_ONCE * stride;
    atml_finish_row(acc2, out, &l->finish, &acc2[now]);
    out += ATML_LINE_AT_ONCE * l->finish.step;
  }
}

#endif
