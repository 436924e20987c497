/* Rows of depthwise_row.c with the DSP extension. Taps lie in memory as pairs of int16:
 *   three rows of three taps, stride 1 or 2: (w0, w1) (w1, w2) a row, held in six registers;
 *   else (w0, w1) (w2, w3) ... (w_last, 0) a row. */
#include "atml_dsp.h"

#include <stddef.h>

#include "atml_depthwise_row.h"

#if ATML_DSP

/* The assembly knows these offsets. */
typedef char atml_check_row_offsets[(offsetof(atml_depthwise_channel, out) == 0) &&
                                            (offsetof(atml_depthwise_channel, out_step) == 4) &&
                                            (offsetof(atml_depthwise_channel, right) == 20) &&
                                            (offsetof(atml_depthwise_channel, end) == 24) &&
                                            (offsetof(atml_depthwise_channel, taps) == 28)
                                        ? 1
                                        : -1];

/* a = 2 acc -> saturated output; t = C on entry, clobbered. */
#if ATML_SINGLE_ROUNDING
#define SCALE(a, m, t) "smmla " a ", " a ", " m ", " t "\n\t"
#else
#define SCALE(a, m, t) "add " t ", " t ", " a ", asr #31\n\t" \
                       "smmlar " a ", " a ", " m ", " t "\n\t"
#endif

/* Two outputs of one kernel row; stride 1: x0 x1 x2 and x1 x2 x3. */
#define ROW_1(row, w01, w12)               \
  "ldrd r10, r11, [" row "], #4\n\t"       \
  "smlad r12, r10, " w01 ", r12\n\t"       \
  "smlatb lr, r10, " w01 ", lr\n\t"        \
  "smlabt r12, r11, " w12 ", r12\n\t"      \
  "smlad lr, r11, " w12 ", lr\n\t"

/* Stride 2: x0 x1 x2 and x2 x3 x4. */
#define ROW_2(row, w01, w12)               \
  "ldrd r10, r11, [" row "], #8\n\t"       \
  "smlad r12, r10, " w01 ", r12\n\t"       \
  "ldr r10, [" row "]\n\t"                 \
  "smlabt r12, r11, " w12 ", r12\n\t"      \
  "smlad lr, r11, " w01 ", lr\n\t"         \
  "smlabt lr, r10, " w12 ", lr\n\t"

/* Frame: 0 out_step, 4 bias, 8 multiplier, 12 C, 16 right, 20 end. r0-r2 rows, r3 out, r4-r9 taps, r12 and lr
 * the accumulators of two outputs. Of an odd last pair only the first is stored. */
#define ROW_FUNCTION(ROW)                                                          \
  __asm__ volatile(                                                                \
      "push {r4-r11, lr}\n\t"                                                      \
      "sub sp, #28\n\t"                                                            \
      "ldr lr, [r3], #4\n\t"                                                       \
      "ldmia r3!, {r4-r9}\n\t"                                                     \
      "stmia sp, {r4-r9}\n\t"                                                      \
      "ldr r12, [r3]\n\t"                                                          \
      "mov r3, lr\n\t"                                                             \
      "ldmia r12, {r4-r9}\n"                                                       \
      "1:\n\t"                                                                     \
      "ldr r12, [sp, #4]\n\t"                                                      \
      "mov lr, r12\n\t" ROW("r0", "r4", "r5") ROW("r1", "r6", "r7")                \
      ROW("r2", "r8", "r9")                                                        \
      "ldrd r10, r11, [sp, #8]\n\t"                                                \
      "lsl r12, r12, #1\n\t" SCALE("r12", "r10", "r11")                            \
      "ldr r11, [sp, #16]\n\t"                                                     \
      "asr r12, r12, r11\n\t"                                                      \
      "ssat r12, #8, r12\n\t"                                                      \
      "strb r12, [r3]\n\t"                                                         \
      "ldr r12, [sp, #20]\n\t"                                                     \
      "cmp r0, r12\n\t"                                                            \
      "bhi 2f\n\t"                                                                 \
      "lsl lr, lr, #1\n\t"                                                         \
      "ldr r12, [sp, #12]\n\t" SCALE("lr", "r10", "r12")                           \
      "asr lr, lr, r11\n\t"                                                        \
      "ssat lr, #8, lr\n\t"                                                        \
      "ldr r12, [sp, #0]\n\t"                                                      \
      "strb lr, [r3, r12]\n\t"                                                     \
      "add r3, r3, r12, lsl #1\n\t"                                                \
      "blo 1b\n"                                                                   \
      "2:\n\t"                                                                     \
      "add sp, #28\n\t"                                                            \
      "pop {r4-r11, pc}\n\t")

#define UNUSED __attribute__((unused))

static __attribute__((naked, noinline)) void row_3x3_stride_1(const int16_t *a UNUSED, const int16_t *b UNUSED,
                                                              const int16_t *c UNUSED, const atml_depthwise_channel *channel UNUSED) {
  ROW_FUNCTION(ROW_1);
}

static __attribute__((naked, noinline)) void row_3x3_stride_2(const int16_t *a UNUSED, const int16_t *b UNUSED,
                                                              const int16_t *c UNUSED, const atml_depthwise_channel *channel UNUSED) {
  ROW_FUNCTION(ROW_2);
}

static int32_t is_3x3(const atml_packed_depthwise *p) {
  return (p->rows == 3) && (p->row_taps == 3) && (p->stride_x <= 2);
}

int32_t atml_depthwise_pack_taps(const int8_t *source, int16_t *taps, const atml_packed_depthwise *p) {
  const int32_t doubled = is_3x3(p); /* the middle tap of a row */
  int32_t sum = 0;
  for (int32_t r = 0; r < p->rows; r++) {
    if (doubled != 0) {
      sum += source[0] + source[1] + source[2];
      taps[0] = source[0];
      taps[1] = source[1];
      taps[2] = source[1];
      taps[3] = source[2];
      taps += 4;
    } else {
      for (int32_t t = 0; t < p->row_taps; t++) {
        *taps = source[t];
        sum += source[t];
        taps++;
      }
      if ((p->row_taps & 1) != 0) {
        *taps = 0;
        taps++;
      }
    }
    source += p->row_taps;
  }
  return sum;
}

static uint32_t load_pair(const int16_t *in) {
  uint32_t pair;
  __builtin_memcpy(&pair, in, sizeof pair); /* one load: unaligned words are legal here */
  return pair;
}

static int32_t dot_rows(int16_t *const *rows, int32_t offset, const atml_packed_depthwise *p,
                        const atml_depthwise_channel *channel) {
  const int16_t *tap = channel->taps;
  int32_t acc = channel->bias;
  for (int32_t r = 0; r < p->rows; r++) {
    const int16_t *in = &rows[r][offset];
    for (int32_t t = 0; t < p->row_taps; t += 2) {
      __asm__("smlad %0, %1, %2, %0" : "+r"(acc) : "r"(load_pair(in)), "r"(load_pair(tap)));
      in += 2;
      tap += 2;
    }
  }
  return acc;
}

static int8_t finish(int32_t acc2, int32_t multiplier, int32_t constant, int32_t right) {
  int32_t result = constant;
#if ATML_SINGLE_ROUNDING
  __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(acc2), "r"(multiplier), "r"(constant));
#else
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(acc2), "r"(multiplier), "r"(constant + (acc2 >> 31)));
#endif
  result >>= right;
  __asm__("ssat %0, #8, %0" : "+r"(result));
  return (int8_t)result;
}

void atml_depthwise_row(int16_t *const *rows, int8_t *out, const atml_packed_depthwise *p,
                        atml_depthwise_channel *channel) {
  if (is_3x3(p) != 0) {
    channel->out = out;
    channel->end = &rows[0][p->out_x * p->stride_x];
    if (p->stride_x == 1) {
      row_3x3_stride_1(rows[0], rows[1], rows[2], channel);
    } else {
      row_3x3_stride_2(rows[0], rows[1], rows[2], channel);
    }
    return;
  }
  for (int32_t x = 0; x < p->out_x; x++) {
    *out = finish(2 * dot_rows(rows, x * p->stride_x, p, channel), channel->multiplier, channel->constant, channel->right);
    out += p->out_step_x;
  }
}

#endif
