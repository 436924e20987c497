#include "atml_arithmetic.h"
#include "atml_dsp.h"
#include "atml_ops.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(ATML_PORTABLE)

/* SMLAWB and SMLAWT add a factor times a halfword / 2^16; an input times 256 is its byte in the upper half of one.
 * r0, r1 inputs, r2 out, r3 elements left, r4, r5 factors, r6 constant, r7 mask of the upper bytes. */
#define SUM(half, sum, x, y) \
  "smlaw" half " " sum ", r4, " x ", r6\n\t" \
  "smlaw" half " " sum ", r5, " y ", " sum "\n\t"

#if ATML_SMALL
#define GROUPS
#else
/* Four at a time: bytes 0 and 2 of the inputs in r10, r11, bytes 1 and 3 in r8, r9; sums in r12, r10, lr, r8. */
#define GROUPS                      \
  "mov r7, #0xFF00FF00\n\t"         \
  "subs r3, r3, #4\n\t"             \
  "blt 2f\n"                        \
  "1:\n\t"                          \
  "ldr r8, [r0], #4\n\t"            \
  "ldr r9, [r1], #4\n\t"            \
  "and r10, r7, r8, lsl #8\n\t"     \
  "and r11, r7, r9, lsl #8\n\t"     \
  "ands r8, r8, r7\n\t"             \
  "ands r9, r9, r7\n\t"             \
  SUM("b", "r12", "r10", "r11")     \
  SUM("t", "lr", "r10", "r11")      \
  SUM("b", "r10", "r8", "r9")       \
  SUM("t", "r8", "r8", "r9")        \
  "ssat r12, #8, r12, asr #21\n\t"  \
  "ssat r10, #8, r10, asr #21\n\t"  \
  "ssat lr, #8, lr, asr #21\n\t"    \
  "ssat r8, #8, r8, asr #21\n\t"    \
  "bfi r12, r10, #8, #8\n\t"        \
  "bfi r12, lr, #16, #8\n\t"        \
  "bfi r12, r8, #24, #8\n\t"        \
  "str r12, [r2], #4\n\t"           \
  "subs r3, r3, #4\n\t"             \
  "bge 1b\n"                        \
  "2:\n\t"                          \
  "adds r3, r3, #4\n\t"             \
  "beq 4f\n"
#endif

#define UNUSED __attribute__((unused))
/* Unaligned words are legal here. */
__attribute__((naked)) void atml_add_linear(const int8_t *in_1 UNUSED, const int8_t *in_2 UNUSED, int8_t *out UNUSED,
                                            const atml_add_linear_params *p UNUSED) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldmia r3, {r3-r6}\n\t"
      GROUPS
      "3:\n\t"
      "ldrsb r8, [r0], #1\n\t"
      "ldrsb r9, [r1], #1\n\t"
      "lsl r8, r8, #8\n\t"
      "lsl r9, r9, #8\n\t"
      SUM("b", "r12", "r8", "r9")
      "ssat r12, #8, r12, asr #21\n\t"
      "strb r12, [r2], #1\n\t"
      "subs r3, r3, #1\n\t"
      "bne 3b\n"
      "4:\n\t"
      "pop {r4-r11, pc}\n\t");
}

#else

void atml_add_linear(const int8_t *in_1, const int8_t *in_2, int8_t *out, const atml_add_linear_params *p) {
  const int32_t high_1 = p->factor_1 >> 8;
  const int32_t low_1 = p->factor_1 & 255;
  const int32_t high_2 = p->factor_2 >> 8;
  const int32_t low_2 = p->factor_2 & 255;
  const int32_t constant = p->constant;
  for (int32_t i = p->count; i > 0; i--) {
    const int32_t x = *in_1;
    const int32_t y = *in_2;
    const int32_t upper = constant + x * high_1 + y * high_2;
    const int32_t sum = upper + ((x * low_1) >> 8) + ((y * low_2) >> 8);
    *out = atml_clamp_int8(sum >> 21, -128, 127);
    in_1++;
    in_2++;
    out++;
  }
}

#endif
