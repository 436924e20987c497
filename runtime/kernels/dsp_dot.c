/* The inner products of dot.c in assembly for the DSP extension.
 *
 * One register holds two weights of two channels: SXTB16 gives the pair of channel a; the register itself
 * is 256 x the pair of channel b plus that of a, so that
 *   low += SMLAD(x, SXTB16(w))      sum x w_a
 *   mix += SMLAD(x, w)              256 sum x w_b + sum x w_a
 * and (mix - low) / 256 is the sum of b: one unpacking instruction for four weights.
 * Requantisation (double rounding) in five instructions: with acc2 = 2 acc and
 * C = (2 zero_point + 1) 2^(right - 1),
 *   SMMLAR(acc2, multiplier, C + (acc2 >> 31)) >> right, saturated. */
#include "atml_dsp.h"

#include <stddef.h>

#include "atml_dot.h"

#if ATML_DSP

/* The assembly knows these offsets. */
typedef char atml_check_offsets[(offsetof(atml_packed_filter, stream) == 0) && (offsetof(atml_packed_filter, scales) == 4) &&
                                        (offsetof(atml_packed_filter, k) == 8) && (offsetof(atml_packed_filter, channels) == 12) &&
                                        (offsetof(atml_packed_filter, scale_step) == 16) &&
                                        (offsetof(atml_packed_filter, zero_point) == 20) && (sizeof(atml_pair_scale) == 12)
                                    ? 1
                                    : -1];

/* acc2 -> output: register a; t = scratch. */
#if ATML_SINGLE_ROUNDING
#define FINISH(a, m, c, right, t) "smmla " a ", " a ", " m ", " c "\n\t" \
                                  "asr " a ", " a ", " right "\n\t" \
                                  "ssat " a ", #8, " a "\n\t"
#else
#define FINISH(a, m, c, right, t) "add " t ", " c ", " a ", asr #31\n\t" \
                                  "smmlar " a ", " a ", " m ", " t "\n\t" \
                                  "asr " a ", " a ", " right "\n\t" \
                                  "ssat " a ", #8, " a "\n\t"
#endif

/* Two inputs of two channels and four pixels: 16 multiply-accumulates. */
#define STEP_4                         \
  "ldr r2, [r1], #4\n\t"               \
  "ldrd r12, lr, [r0], #8\n\t"         \
  "sxtb16 r3, r2\n\t"                  \
  "smlad r4, r12, r3, r4\n\t"          \
  "smlad r8, r12, r2, r8\n\t"          \
  "smlad r5, lr, r3, r5\n\t"           \
  "smlad r9, lr, r2, r9\n\t"           \
  "ldrd r12, lr, [r0], #8\n\t"         \
  "smlad r6, r12, r3, r6\n\t"          \
  "smlad r10, r12, r2, r10\n\t"        \
  "smlad r7, lr, r3, r7\n\t"           \
  "smlad r11, lr, r2, r11\n\t"

/* Frame: 0 patch, 4 its end, 8 scales, 12 scale_step, 16 channels left, 20 2 zero_point + 1, 24 out,
 * 28 channels, 32 2 bias_b, 36 k. r0 patch, r1 stream, r4-r7 low, r8-r11 mix of the four pixels. */
__attribute__((naked)) void atml_dot_4(const int16_t *patch __attribute__((unused)), int8_t *out __attribute__((unused)),
                                       const atml_packed_filter *f __attribute__((unused))) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "sub sp, #44\n\t"
      "ldmia r2!, {r4, r5, r6, r7}\n\t" /* stream, scales, k, channels */
      "ldrd r8, r9, [r2]\n\t"           /* scale_step, zero_point */
      "add r10, r0, r6, lsl #3\n\t"
      "lsls r9, r9, #1\n\t"
      "adds r9, r9, #1\n\t"
      "strd r0, r10, [sp, #0]\n\t"
      "strd r5, r8, [sp, #8]\n\t"
      "strd r7, r9, [sp, #16]\n\t"
      "strd r1, r7, [sp, #24]\n\t"
      "str r6, [sp, #36]\n\t"
      "mov r1, r4\n"
      "1:\n\t" /* a pair of channels */
      "ldr r12, [sp, #36]\n\t"
      "ldrd r4, r3, [r1], #8\n\t"
      "ldr r0, [sp, #0]\n\t"
      "str r3, [sp, #32]\n\t"
      "mov r5, r4\n\t"
      "mov r6, r4\n\t"
      "mov r7, r4\n\t"
      "mov r8, r4\n\t"
      "mov r9, r4\n\t"
      "mov r10, r4\n\t"
      "mov r11, r4\n\t"
      "tst r12, #4\n\t"
      "bne 3f\n"
      "2:\n\t" STEP_4 STEP_4
      "3:\n\t" STEP_4 STEP_4
      "ldr r12, [sp, #4]\n\t"
      "cmp r0, r12\n\t"
      "bne 2b\n\t"
      /* r8-r11 = 2 (sum + bias) of b, r4-r7 the same of a */
      "ldr r2, [sp, #32]\n\t"
      "subs r8, r8, r4\n\t"
      "subs r9, r9, r5\n\t"
      "subs r10, r10, r6\n\t"
      "subs r11, r11, r7\n\t"
      "add r8, r2, r8, asr #7\n\t"
      "add r9, r2, r9, asr #7\n\t"
      "add r10, r2, r10, asr #7\n\t"
      "add r11, r2, r11, asr #7\n\t"
      "lsls r4, r4, #1\n\t"
      "lsls r5, r5, #1\n\t"
      "lsls r6, r6, #1\n\t"
      "lsls r7, r7, #1\n\t"
      "ldr r3, [sp, #8]\n\t"
      "ldr r2, [sp, #12]\n\t"
      "ldr r12, [r3, #4]\n\t" /* b */
      "ldrb lr, [r3, #9]\n\t"
      "add r2, r2, r3\n\t"
      "str r2, [sp, #8]\n\t"
      "ldr r0, [sp, #20]\n\t"
      "lsl r0, r0, lr\n\t"
      "asr r0, r0, #1\n\t"
      FINISH("r8", "r12", "r0", "lr", "r2")
      FINISH("r9", "r12", "r0", "lr", "r2")
      FINISH("r10", "r12", "r0", "lr", "r2")
      FINISH("r11", "r12", "r0", "lr", "r2")
      "ldr r12, [r3]\n\t" /* a */
      "ldrb lr, [r3, #8]\n\t"
      "ldr r0, [sp, #20]\n\t"
      "lsl r0, r0, lr\n\t"
      "asr r0, r0, #1\n\t"
      FINISH("r4", "r12", "r0", "lr", "r2")
      FINISH("r5", "r12", "r0", "lr", "r2")
      FINISH("r6", "r12", "r0", "lr", "r2")
      FINISH("r7", "r12", "r0", "lr", "r2")
      "ldrd r0, r12, [sp, #24]\n\t" /* out, channels */
      "ldr lr, [sp, #16]\n\t"
      "add r3, r0, r12\n\t"
      "strb r4, [r0]\n\t"
      "strb r5, [r0, r12]\n\t"
      "strb r6, [r0, r12, lsl #1]\n\t"
      "strb r7, [r3, r12, lsl #1]\n\t"
      "subs lr, lr, #2\n\t"
      "bmi 4f\n\t" /* no partner */
      "adds r0, r0, #1\n\t"
      "adds r3, r3, #1\n\t"
      "strb r8, [r0]\n\t"
      "strb r9, [r0, r12]\n\t"
      "strb r10, [r0, r12, lsl #1]\n\t"
      "strb r11, [r3, r12, lsl #1]\n\t"
      "adds r0, r0, #1\n\t"
      "str r0, [sp, #24]\n\t"
      "str lr, [sp, #16]\n\t"
      "cmp lr, #0\n\t"
      "bne 1b\n"
      "4:\n\t"
      "add sp, #44\n\t"
      "pop {r4-r11, pc}\n\t");
}

/* Four inputs of one pixel and two channels. */
#define HALF_STEP_1(stream, low, mix)        \
  "ldrd r5, r6, [" stream "], #8\n\t"        \
  "sxtb16 r7, r5\n\t"                        \
  "smlad " low ", r3, r7, " low "\n\t"       \
  "smlad " mix ", r3, r5, " mix "\n\t"       \
  "sxtb16 r7, r6\n\t"                        \
  "smlad " low ", r4, r7, " low "\n\t"       \
  "smlad " mix ", r4, r6, " mix "\n\t"

/* Four inputs of one pixel and four channels. */
#define STEP_1                    \
  "ldr r4, [r0], #4\n\t"          \
  "sxtb16 r3, r4\n\t"             \
  "sxtb16 r4, r4, ror #8\n\t"     \
  HALF_STEP_1("r1", "r8", "r9")   \
  HALF_STEP_1("r2", "r10", "r11")

/* Frame: 0 in, 4 its end, 8 scales, 12 scale_step, 16 channels left, 20 2 zero_point + 1, 24 out, 28 and 32
 * 2 bias_b of both pairs, 36 k. r0 in, r1 and r2 streams of two pairs, r8-r11 low and mix of each. A last pair
 * alone is computed twice. */
__attribute__((naked)) void atml_dot_1(const int8_t *in __attribute__((unused)), int8_t *out __attribute__((unused)),
                                       const atml_packed_filter *f __attribute__((unused))) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "sub sp, #44\n\t"
      "ldmia r2!, {r4, r5, r6, r7}\n\t"
      "ldrd r8, r9, [r2]\n\t"
      "add r10, r0, r6\n\t"
      "lsls r9, r9, #1\n\t"
      "adds r9, r9, #1\n\t"
      "strd r0, r10, [sp, #0]\n\t"
      "strd r5, r8, [sp, #8]\n\t"
      "strd r7, r9, [sp, #16]\n\t"
      "str r1, [sp, #24]\n\t"
      "str r6, [sp, #36]\n\t"
      "mov r2, r4\n"
      "1:\n\t" /* r2 = stream of the next pair */
      "ldr r12, [sp, #36]\n\t"
      "ldr r3, [sp, #16]\n\t"
      "mov r1, r2\n\t"
      "cmp r3, #2\n\t"
      "itt gt\n\t"
      "addgt r2, r2, r12, lsl #1\n\t"
      "addgt r2, r2, #8\n\t"
      "ldrd r8, r9, [r1], #8\n\t"
      "ldrd r10, r11, [r2], #8\n\t"
      "ldr r0, [sp, #0]\n\t"
      "strd r9, r11, [sp, #28]\n\t"
      "mov r9, r8\n\t"
      "mov r11, r10\n\t"
      "tst r12, #4\n\t"
      "ldr r12, [sp, #4]\n\t"
      "bne 3f\n"
      "2:\n\t" STEP_1
      "3:\n\t" STEP_1
      "cmp r0, r12\n\t"
      "bne 2b\n\t"
      "ldr r7, [sp, #28]\n\t"
      "bl 5f\n\t"
      "ldr lr, [sp, #16]\n\t"
      "cmp lr, #0\n\t"
      "ble 4f\n\t"
      "mov r8, r10\n\t"
      "mov r9, r11\n\t"
      "ldr r7, [sp, #32]\n\t"
      "bl 5f\n\t"
      "ldr lr, [sp, #16]\n\t"
      "cmp lr, #0\n\t"
      "bgt 1b\n"
      "4:\n\t"
      "add sp, #44\n\t"
      "pop {r4-r11, pc}\n"
      "5:\n\t" /* finishes and stores a pair: low r8, mix r9, 2 bias_b r7 */
      "ldrd r0, r3, [sp, #8]\n\t"
      "add r3, r3, r0\n\t"
      "str r3, [sp, #8]\n\t"
      "ldrd r12, r6, [sp, #16]\n\t"
      "ldrh r4, [r0, #8]\n\t"      /* right of a and b */
      "subs r9, r9, r8\n\t"
      "add r9, r7, r9, asr #7\n\t"
      "lsls r8, r8, #1\n\t"
      "lsr r5, r4, #8\n\t"
      "uxtb r4, r4\n\t"
      "lsl r3, r6, r4\n\t"
      "asr r3, r3, #1\n\t"
      "ldr r7, [r0]\n\t"
      FINISH("r8", "r7", "r3", "r4", "r1")
      "lsl r3, r6, r5\n\t"
      "asr r3, r3, #1\n\t"
      "ldr r7, [r0, #4]\n\t"
      FINISH("r9", "r7", "r3", "r5", "r1")
      "ldr r0, [sp, #24]\n\t"
      "subs r12, r12, #2\n\t"
      "str r12, [sp, #16]\n\t"
      "strb r8, [r0], #1\n\t"
      "it pl\n\t"
      "strbpl r9, [r0], #1\n\t"
      "str r0, [sp, #24]\n\t"
      "bx lr\n\t");
}

void atml_expand(const int8_t *in, int16_t *patch, int32_t groups) {
  uint32_t *to = (uint32_t *)(void *)patch;
  for (; groups > 0; groups--) {
    uint32_t word;
    uint32_t even;
    uint32_t odd;
    __builtin_memcpy(&word, in, sizeof word); /* one load: unaligned words are legal here */
    in += 4;
    __asm__("sxtb16 %0, %1" : "=r"(even) : "r"(word));
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(word));
    to[0] = even;
    to[4] = odd;
    to += 8;
  }
}

#endif
