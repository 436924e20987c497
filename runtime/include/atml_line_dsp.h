/* atml_line.h with the DSP extension: four outputs at a time, two taps an instruction. The line is int16; for each two
 * taps there are two words of pairs of int16, twice their values: (w0, w1) (0, w0) (w2, w3) (w1, w2) ... The second of
 * each two are for outputs at odd places of stride 1, whose windows so start at the same words as their neighbours'. */
#ifndef ATML_LINE_DSP_H
#define ATML_LINE_DSP_H

#include <stddef.h>

#include "atml_depthwise_channel.h"

/* The assembly knows the offsets. */
typedef struct {
  int32_t multiplier, constant, right;
  int32_t bias2;
  int32_t odd;         /* stride 1: the lowest bit of the number of tap pairs; else bytes from window to window */
  const int16_t *last; /* input and output of the last four outputs, which may overlap the four before */
  int8_t *out_last;
  const int8_t *taps_end;
  int32_t out_step;
  uint32_t *taps;
  const atml_packed_depthwise *p;
  int16_t *line;
  int32_t before; /* outputs before the last four, in bytes */
  int8_t few[4];  /* outputs of a line of less than four, which are computed all the same */
} atml_line;

typedef char atml_check_line_offsets[((offsetof(atml_line, bias2) == 12) && (offsetof(atml_line, last) == 20) &&
                                      (offsetof(atml_line, taps_end) == 28) && (offsetof(atml_line, taps) == 36))
                                         ? 1
                                         : -1];

static inline void atml_line_open(atml_line *l, int8_t *scratch, const atml_packed_depthwise *p) {
  const int32_t before = (p->out_x > 4) ? (p->out_x - 4) : 0;
  const int32_t pairs = (p->row_taps + ((p->stride_x == 1) ? 2 : 1)) / 2;
  int16_t *const line = (int16_t *)(void *)scratch;
  for (int32_t i = 0; i < p->pitch; i++) {
    line[i] = p->input_zero_point;
  }
  l->p = p;
  l->line = line;
  l->taps = (uint32_t *)(void *)&line[p->pitch];
  l->taps_end = (const int8_t *)&l->taps[2 * pairs];
  l->odd = (p->stride_x == 1) ? (pairs & 1) : (2 * p->stride_x);
  l->last = &line[before * p->stride_x];
  l->out_step = (p->out_x < 4) ? 1 : p->out_step_x;
  l->before = before * p->out_step_x;
}

static inline void atml_line_factors(atml_line *l, const atml_depthwise_channel *channel) {
  l->multiplier = channel->multiplier;
  l->constant = (2 * l->p->zero_point + 1) * ((int32_t)1 << (channel->right - 1));
  l->right = channel->right;
  l->bias2 = 2 * channel->bias;
}

static inline uint32_t atml_line_pair(int32_t low, int32_t high) {
  uint32_t pair;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(low), "r"(high));
  return pair;
}

static inline int32_t atml_line_taps(const int8_t *source, const atml_line *l) {
  uint32_t *to = l->taps;
  int32_t sum = 0;
  int32_t before = 0;
  for (int32_t left = l->p->row_taps; left >= 2; left -= 2) {
    const int32_t a = 2 * source[0];
    const int32_t b = 2 * source[1];
    to[0] = atml_line_pair(a, b);
    to[1] = atml_line_pair(before, a);
    to += 2;
    source += 2;
    before = b;
    sum += a + b;
  }
  if ((l->p->row_taps & 1) != 0) {
    const int32_t a = 2 * source[0];
    to[0] = (uint32_t)a & 0xFFFFu;
    to[1] = atml_line_pair(before, a);
    sum += a;
  } else {
    to[0] = 0;
    to[1] = (uint32_t)before & 0xFFFFu;
  }
  return -(sum >> 1) * l->p->input_zero_point;
}

static inline void atml_line_load(const int8_t *in, const atml_line *l) {
  int16_t *to = &l->line[l->p->pad_x];
  const int32_t step = l->p->in_step_x;
  const int32_t two = 2 * step;
  const int32_t three = 3 * step;
  const int32_t four = 4 * step;
  int32_t left = l->p->in_x;
  for (; left >= 4; left -= 4) {
    to[0] = in[0];
    to[1] = in[step];
    to[2] = in[two];
    to[3] = in[three];
    in += four;
    to += 4;
  }
  for (; left > 0; left--) {
    *to = *in;
    to++;
    in += step;
  }
}

/* a = 2 acc -> saturated output; r3 clobbered; r8 multiplier, r9 constant, r10 right shift. */
#if ATML_SINGLE_ROUNDING
#define ATML_LINE_SCALE(a) "smmla " a ", " a ", r8, r9\n\t"
#else
#define ATML_LINE_SCALE(a)            \
  "add r3, r9, " a ", asr #31\n\t"    \
  "smmlar " a ", " a ", r8, r3\n\t"
#endif
#define ATML_LINE_OUTPUT(a)                          \
  ATML_LINE_SCALE(a) "asr " a ", " a ", r10\n\t"     \
                     "ssat " a ", #8, " a "\n\t"

/* Outputs r4-r7, then the next four from label 1 on, input r0 moved by `move`, or the end. r1 out, r2 job, lr step. */
#define ATML_LINE_FINISH(move)                                                                                 \
  "ldm r2, {r8, r9, r10}\n\t" ATML_LINE_OUTPUT("r4") ATML_LINE_OUTPUT("r5") ATML_LINE_OUTPUT("r6")             \
  ATML_LINE_OUTPUT("r7")                                                                                       \
  "strb r4, [r1]\n\t"                                                                                          \
  "strb r5, [r1, lr]\n\t"                                                                                      \
  "add r1, r1, lr, lsl #1\n\t"                                                                                 \
  "strb r6, [r1]\n\t"                                                                                          \
  "strb r7, [r1, lr]\n\t"                                                                                      \
  "add r1, r1, lr, lsl #1\n\t"                                                                                 \
  "ldrd r3, r4, [r2, #20]\n\t"                                                                                 \
  "cmp r0, r3\n\t"                                                                                             \
  "beq 4f\n\t" move                                                                                            \
  "cmp r0, r3\n\t"                                                                                             \
  "bls 1b\n\t"                                                                                                 \
  "mov r0, r3\n\t"                                                                                             \
  "mov r1, r4\n\t"                                                                                             \
  "b 1b\n"                                                                                                     \
  "4:\n\t"                                                                                                     \
  "pop {r4-r11, pc}\n\t"

/* Eight MACs; r3 input, r8 its last word, r12 taps. */
#define ATML_LINE_PAIRS           \
  "ldrd r9, r10, [r12], #8\n\t"   \
  "smlad r4, r8, r9, r4\n\t"      \
  "smlad r5, r8, r10, r5\n\t"     \
  "ldr r8, [r3], #4\n\t"          \
  "smlad r6, r8, r9, r6\n\t"      \
  "smlad r7, r8, r10, r7\n"

static __attribute__((naked, noinline)) void atml_line_stride_1(const int16_t *line __attribute__((unused)),
                                                                int8_t *out __attribute__((unused)),
                                                                const atml_line *l __attribute__((unused))) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldrd r11, lr, [r2, #28]\n" /* end of taps, step */
      "1:\n\t"
      "ldrd r4, r9, [r2, #12]\n\t"
      "ldr r12, [r2, #36]\n\t"
      "mov r3, r0\n\t"
      "ldr r8, [r3], #4\n\t"
      "mov r5, r4\n\t"
      "mov r6, r4\n\t"
      "mov r7, r4\n\t"
      "cmp r9, #0\n\t"
      "bne 3f\n"
      "2:\n\t" ATML_LINE_PAIRS
      "3:\n\t" ATML_LINE_PAIRS
      "cmp r12, r11\n\t"
      "bne 2b\n\t" ATML_LINE_FINISH("add r0, r0, #8\n\t"));
}

/* Any stride, of r8 bytes; r11 three of them. */
static __attribute__((naked, noinline)) void atml_line_any(const int16_t *line __attribute__((unused)),
                                                           int8_t *out __attribute__((unused)),
                                                           const atml_line *l __attribute__((unused))) {
  __asm__ volatile(
      "push {r4-r11, lr}\n"
      "1:\n\t"
      "ldrd r4, r8, [r2, #12]\n\t"
      "ldr lr, [r2, #28]\n\t"
      "ldr r12, [r2, #36]\n\t"
      "add r11, r8, r8, lsl #1\n\t"
      "mov r3, r0\n\t"
      "mov r5, r4\n\t"
      "mov r6, r4\n\t"
      "mov r7, r4\n"
      "2:\n\t"
      "ldr r9, [r12], #8\n\t"
      "ldr r10, [r3, r8]\n\t"
      "smlad r5, r10, r9, r5\n\t"
      "ldr r10, [r3, r8, lsl #1]\n\t"
      "smlad r6, r10, r9, r6\n\t"
      "ldr r10, [r3, r11]\n\t"
      "smlad r7, r10, r9, r7\n\t"
      "ldr r10, [r3], #4\n\t"
      "smlad r4, r10, r9, r4\n\t"
      "cmp r12, lr\n\t"
      "bne 2b\n\t"
      "ldr lr, [r2, #32]\n\t" ATML_LINE_FINISH("ldr r5, [r2, #16]\n\t"
                                               "add r0, r0, r5, lsl #2\n\t"));
}

static inline void atml_line_run(atml_line *l, int8_t *out) {
  const int32_t outputs = l->p->out_x;
  int8_t *const to = (outputs < 4) ? l->few : out;
  l->out_last = &to[l->before];
  if (l->p->stride_x == 1) {
    atml_line_stride_1(l->line, to, l);
  } else {
    atml_line_any(l->line, to, l);
  }
  for (int32_t x = 0; (outputs < 4) && (x < outputs); x++) {
    out[x * l->p->out_step_x] = l->few[x];
  }
}

#endif
