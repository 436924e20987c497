/* What the assembly of dsp_dot.c (weights of 8 bits) and dsp_nibble_dot.c (4 bits) shares. Requantisation (double
 * rounding) in five instructions: with acc2 = 2 acc and C = (2 zero_point + 1) 2^(right - 1),
 *   SMMLAR(acc2, multiplier, C + (acc2 >> 31)) >> right, saturated;
 * the last bit of the shift is SSAT's, since the stream holds right - 1.
 * Frame of both kinds: 0 in, 4 its end, 8 multipliers, 12 multiplier_step, 16 channels left, 20 2 zero_point + 1,
 * 24 out, 28-39 see each, 40 k (until a kernel of one pixel has taken it), 44 and more of nibbles only. */
#ifndef ATML_DSP_DOT_H
#define ATML_DSP_DOT_H

#include <stddef.h>

#include "atml_filters.h"

/* The assembly knows these offsets. */
typedef char atml_check_offsets[(offsetof(atml_packed_filter, stream) == 0) && (offsetof(atml_packed_filter, multipliers) == 4) &&
                                        (offsetof(atml_packed_filter, k) == 8) && (offsetof(atml_packed_filter, channels) == 12) &&
                                        (offsetof(atml_packed_filter, multiplier_step) == 16) &&
                                        (offsetof(atml_packed_filter, zero_point) == 20)
                                    ? 1
                                    : -1];

/* acc2 -> output: register a; t = scratch; shift: right - 1. */
#if ATML_SINGLE_ROUNDING
#define FINISH(a, m, c, shift, t) "smmla " a ", " a ", " m ", " c "\n\t" \
                                  "asr " a ", " a ", " shift "\n\t" \
                                  "ssat " a ", #8, " a ", asr #1\n\t"
#else
#define FINISH(a, m, c, shift, t) "add " t ", " c ", " a ", asr #31\n\t" \
                                  "smmlar " a ", " a ", " m ", " t "\n\t" \
                                  "asr " a ", " a ", " shift "\n\t" \
                                  "ssat " a ", #8, " a ", asr #1\n\t"
#endif


/* r0 in, r1 out, r2 filter -> r4 stream, r6 k, r7 channels, r10 end of in, and the common part of the frame. */
#define DOT_ENTER(frame, k_shift) \
  "push {r4-r11, lr}\n\t" \
  "sub sp, #" frame "\n\t" \
  "ldmia r2!, {r4, r5, r6, r7}\n\t" \
  "ldrd r8, r9, [r2]\n\t" \
  "add r10, r0, r6" k_shift "\n\t" \
  "lsls r9, r9, #1\n\t" \
  "adds r9, r9, #1\n\t" \
  "strd r0, r10, [sp, #0]\n\t" \
  "strd r5, r8, [sp, #8]\n\t" \
  "strd r7, r9, [sp, #16]\n\t" \
  "str r6, [sp, #40]\n\t"

/* r4-r7: sum + bias of a for four pixels, r8-r11: that plus 2^(shift + 1) x the sum of b. 28 channels, 32 words of both.
 * Requantises and stores both channels, goes on at 1 with r1 = stream of the next pair, or returns. */
#define DOT_4_STORE(frame, shift) \
  "ldr lr, [sp, #36]\n\t" \
  "asr r2, lr, #5\n\t" /* 2 bias_b: bit 5 is 0 */ \
  "and lr, lr, #63\n\t" \
  "subs r8, r8, r4\n\t" \
  "subs r9, r9, r5\n\t" \
  "subs r10, r10, r6\n\t" \
  "subs r11, r11, r7\n\t" \
  "add r8, r2, r8, asr #" shift "\n\t" \
  "add r9, r2, r9, asr #" shift "\n\t" \
  "add r10, r2, r10, asr #" shift "\n\t" \
  "add r11, r2, r11, asr #" shift "\n\t" \
  "lsls r4, r4, #1\n\t" \
  "lsls r5, r5, #1\n\t" \
  "lsls r6, r6, #1\n\t" \
  "lsls r7, r7, #1\n\t" \
  "ldrd r3, r2, [sp, #8]\n\t" \
  "add r2, r2, r3\n\t" \
  "str r2, [sp, #8]\n\t" \
  "ldrd r12, r3, [r3]\n\t" \
  "ldr r0, [sp, #20]\n\t" \
  "lsl r0, r0, lr\n\t" \
  FINISH("r8", "r3", "r0", "lr", "r2") \
  FINISH("r9", "r3", "r0", "lr", "r2") \
  FINISH("r10", "r3", "r0", "lr", "r2") \
  FINISH("r11", "r3", "r0", "lr", "r2") \
  "ldr lr, [sp, #32]\n\t" \
  "ldr r0, [sp, #20]\n\t" \
  "and lr, lr, #63\n\t" \
  "lsl r0, r0, lr\n\t" \
  FINISH("r4", "r12", "r0", "lr", "r2") \
  FINISH("r5", "r12", "r0", "lr", "r2") \
  FINISH("r6", "r12", "r0", "lr", "r2") \
  FINISH("r7", "r12", "r0", "lr", "r2") \
  "ldrd r0, r12, [sp, #24]\n\t" \
  "ldr lr, [sp, #16]\n\t" \
  "add r3, r0, r12\n\t" \
  "strb r4, [r0]\n\t" \
  "strb r5, [r0, r12]\n\t" \
  "strb r6, [r0, r12, lsl #1]\n\t" \
  "strb r7, [r3, r12, lsl #1]\n\t" \
  "subs lr, lr, #2\n\t" \
  "bmi 4f\n\t" \
  "add.w r0, r0, #1\n\t" /* the flags live on */ \
  "add.w r3, r3, #1\n\t" \
  "strb r8, [r0]\n\t" \
  "strb r9, [r0, r12]\n\t" \
  "strb r10, [r0, r12, lsl #1]\n\t" \
  "strb r11, [r3, r12, lsl #1]\n\t" \
  "add.w r0, r0, #1\n\t" \
  "str r0, [sp, #24]\n\t" \
  "str lr, [sp, #16]\n\t" \
  "bne 1b\n" \
  "4:\n\t" \
  "add sp, #" frame "\n\t" \
  "pop {r4-r11, pc}\n\t"

/* The same for one pixel and two pairs, r8 and r9, r10 and r11; 28 and 36: their words. The flags behind 5 are those of
 * the channels that are left. */
#define DOT_1_STORE(frame, shift) \
  "ldrd r4, r5, [sp, #28]\n\t" \
  "bl 5f\n\t" \
  "ble 4f\n\t" \
  "mov r8, r10\n\t" \
  "mov r9, r11\n\t" \
  "ldrd r4, r5, [sp, #36]\n\t" \
  "bl 5f\n\t" \
  "bgt 1b\n" \
  "4:\n\t" \
  "add sp, #" frame "\n\t" \
  "pop {r4-r11, pc}\n" \
  "5:\n\t" \
  "ldrd r0, r3, [sp, #8]\n\t" \
  "add r3, r3, r0\n\t" \
  "str r3, [sp, #8]\n\t" \
  "ldrd r12, r6, [sp, #16]\n\t" \
  "asrs r7, r5, #5\n\t" \
  "subs r9, r9, r8\n\t" \
  "add r9, r7, r9, asr #" shift "\n\t" \
  "lsls r8, r8, #1\n\t" \
  "and r5, r5, #63\n\t" \
  "and r4, r4, #63\n\t" \
  "lsl r3, r6, r4\n\t" \
  "ldr r7, [r0]\n\t" \
  FINISH("r8", "r7", "r3", "r4", "r1") \
  "lsl r3, r6, r5\n\t" \
  "ldr r7, [r0, #4]\n\t" \
  FINISH("r9", "r7", "r3", "r5", "r1") \
  "ldr r0, [sp, #24]\n\t" \
  "subs r12, r12, #2\n\t" \
  "str r12, [sp, #16]\n\t" \
  "strb r8, [r0], #1\n\t" \
  "it pl\n\t" \
  "strbpl r9, [r0], #1\n\t" \
  "str r0, [sp, #24]\n\t" \
  "bx lr\n\t"

/* Four inputs of one pixel and four channels; HALF_STEP_1 is the kernel's. */
#define STEP_1                    \
  "ldr r4, [r0], #4\n\t"          \
  "sxtb16 r3, r4\n\t"             \
  "sxtb16 r4, r4, ror #8\n\t"     \
  HALF_STEP_1("r1", "r8", "r9")   \
  HALF_STEP_1("r2", "r10", "r11")

#endif
