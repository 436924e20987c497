/* The inner products of dot.c in assembly for the DSP extension.
 *
 * One register holds two weights of two channels: SXTB16 gives the pair of channel a; the register itself
 * is 256 x the pair of channel b plus that of a, so that
 *   low += SMLAD(x, SXTB16(w))      sum x w_a
 *   mix += SMLAD(x, w)              256 sum x w_b + sum x w_a
 * and (mix - low) / 256 is the sum of b: one unpacking instruction for four weights. */
#include "atml_dsp.h"

#include "atml_dot.h"

#if ATML_DSP

#include "atml_dsp_dot.h"

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

/* r12 = k, a multiple of 4; a turn has 8 inputs or 16: the first begins where its rest is k. */
#if ATML_UNROLL
#define DOT_4_LOOP             \
  "lsls r3, r12, #29\n\t" /* carry: 8, negative: 4 */ \
  "bcs 5f\n\t"                \
  "bmi 3f\n"                  \
  "2:\n\t" STEP_4 STEP_4      \
  "6:\n\t" STEP_4 STEP_4      \
  "7:\n\t" STEP_4 STEP_4      \
  "3:\n\t" STEP_4 STEP_4      \
  "ldr r12, [sp, #4]\n\t"     \
  "cmp r0, r12\n\t"           \
  "bne 2b\n\t"                \
  "b 8f\n"                    \
  "5:\n\t"                    \
  "bmi 6b\n\t"                \
  "b 7b\n"                    \
  "8:\n\t"
#else
#define DOT_4_LOOP             \
  "tst r12, #4\n\t"           \
  "bne 3f\n"                  \
  "2:\n\t" STEP_4 STEP_4      \
  "3:\n\t" STEP_4 STEP_4      \
  "ldr r12, [sp, #4]\n\t"     \
  "cmp r0, r12\n\t"           \
  "bne 2b\n\t"
#endif

/* Frame: 0 patch, 4 its end, 8 multipliers, 12 multiplier_step, 16 channels left, 20 2 zero_point + 1, 24 out,
 * 28 channels, 32 words of both channels, 40 k. r0 patch, r1 stream, r4-r7 low, r8-r11 mix of the four pixels. */
__attribute__((naked)) void atml_dot_4(const int16_t *patch __attribute__((unused)), int8_t *out __attribute__((unused)),
                                       const atml_packed_filter *f __attribute__((unused))) {
  __asm__ volatile(
      DOT_ENTER("44", ", lsl #3")
      "strd r1, r7, [sp, #24]\n\t"
      "mov r1, r4\n"
      "1:\n\t" /* a pair of channels */
      "ldr r12, [sp, #40]\n\t"
      "ldrd r4, r3, [r1], #8\n\t"
      "ldr r0, [sp, #0]\n\t"
      "strd r4, r3, [sp, #32]\n\t"
      "asrs r4, r4, #6\n\t"
      "mov r5, r4\n\t"
      "mov r6, r4\n\t"
      "mov r7, r4\n\t"
      "mov r8, r4\n\t"
      "mov r9, r4\n\t"
      "mov r10, r4\n\t"
      "mov r11, r4\n\t"
      DOT_4_LOOP
      DOT_4_STORE("44", "7"));
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

/* Frame: 0 in, 4 its end, 8 multipliers, 12 multiplier_step, 16 channels left, 20 2 zero_point + 1, 24 out, 28 words
 * of the first pair, 36 of the second. r0 in, r1 and r2 streams of two pairs, r8-r11 low and mix of each. A last pair
 * alone is computed twice. */
__attribute__((naked)) void atml_dot_1(const int8_t *in __attribute__((unused)), int8_t *out __attribute__((unused)),
                                       const atml_packed_filter *f __attribute__((unused))) {
  __asm__ volatile(
      DOT_ENTER("44", "")
      "str r1, [sp, #24]\n\t"
      "mov r2, r4\n"
      "1:\n\t" /* r2 = stream of the next pair */
      "ldrd r0, r12, [sp, #0]\n\t"
      "ldr r3, [sp, #16]\n\t"
      "mov r1, r2\n\t"
      "subs r4, r12, r0\n\t" /* k */
      "cmp r3, #2\n\t"
      "itt gt\n\t"
      "addgt r2, r2, r4, lsl #1\n\t"
      "addgt r2, r2, #8\n\t"
      "ldrd r8, r9, [r1], #8\n\t"
      "ldrd r10, r11, [r2], #8\n\t"
      "strd r8, r9, [sp, #28]\n\t"
      "strd r10, r11, [sp, #36]\n\t"
      "asr r8, r8, #6\n\t"
      "asr r10, r10, #6\n\t"
      "mov r9, r8\n\t"
      "mov r11, r10\n\t"
      "lsls r4, r4, #29\n\t" /* negative: 4 */
      "bmi 3f\n"
      "2:\n\t" STEP_1
      "3:\n\t" STEP_1
      "cmp r0, r12\n\t"
      "bne 2b\n\t"
      DOT_1_STORE("44", "7"));
}

#endif
