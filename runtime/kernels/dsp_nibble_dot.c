/* The inner products of nibble_dot.c in assembly for the DSP extension.
 *
 * One register holds four weights of two channels. SXTB16 of it, and of it rotated by 8, gives a pair of halfwords
 * 16 w_b + (w_a + 8); AND with 0x000F000F leaves w_a + 8:
 *   mix += SMLAD(x, 16 w_b + w_a + 8)
 *   low += SMLAD(x, w_a + 8)
 * so that (mix - low) / 16 is the sum of b, and low less 8 sum x, known from the start, the sum of a. */
#include "atml_dsp.h"

#include "atml_dot.h"

#if ATML_DSP

#include "atml_dsp_dot.h"

/* Two inputs of two channels and four pixels: 16 multiply-accumulates. */
#define HALF_STEP_4(advance, rotation)        \
  "ldr r2, [r1]" advance "\n\t"               \
  "ldrd r12, lr, [r0], #8\n\t"                \
  "sxtb16 r3, r2" rotation "\n\t"             \
  "and r2, r3, #0x000F000F\n\t"               \
  "smlad r8, r12, r3, r8\n\t"                 \
  "smlad r4, r12, r2, r4\n\t"                 \
  "smlad r9, lr, r3, r9\n\t"                  \
  "smlad r5, lr, r2, r5\n\t"                  \
  "ldrd r12, lr, [r0], #8\n\t"                \
  "smlad r10, r12, r3, r10\n\t"               \
  "smlad r6, r12, r2, r6\n\t"                 \
  "smlad r11, lr, r3, r11\n\t"                \
  "smlad r7, lr, r2, r7\n\t"
#define STEP_4 HALF_STEP_4("", "") HALF_STEP_4(", #4", ", ror #8")

/* Frame: 44-59 8 sum x of the four pixels; the rest and the registers as in dsp_dot.c. */
__attribute__((naked)) void atml_nibble_dot_4(const int16_t *patch __attribute__((unused)),
                                              int8_t *out __attribute__((unused)),
                                              const atml_packed_filter *f __attribute__((unused))) {
  __asm__ volatile(
      DOT_ENTER("60", ", lsl #3")
      "strd r1, r7, [sp, #24]\n\t"
      "mov r1, r4\n\t"
      "mov r8, #0x00080008\n\t"
      "movs r4, #0\n\t"
      "movs r5, #0\n\t"
      "movs r6, #0\n\t"
      "movs r7, #0\n"
      "0:\n\t"
      "ldrd r2, r3, [r0], #8\n\t"
      "ldrd r12, lr, [r0], #8\n\t"
      "smlad r4, r2, r8, r4\n\t"
      "smlad r5, r3, r8, r5\n\t"
      "smlad r6, r12, r8, r6\n\t"
      "smlad r7, lr, r8, r7\n\t"
      "cmp r0, r10\n\t"
      "bne 0b\n\t"
      "strd r4, r5, [sp, #44]\n\t"
      "strd r6, r7, [sp, #52]\n"
      "1:\n\t" /* a pair of channels */
      "ldr r12, [sp, #40]\n\t"
      "ldrd r2, r3, [r1], #8\n\t"
      "ldrd r4, r5, [sp, #44]\n\t"
      "ldrd r6, r7, [sp, #52]\n\t"
      "ldr r0, [sp, #0]\n\t"
      "strd r2, r3, [sp, #32]\n\t"
      "asrs r2, r2, #6\n\t"
      "subs r4, r2, r4\n\t"
      "subs r5, r2, r5\n\t"
      "subs r6, r2, r6\n\t"
      "subs r7, r2, r7\n\t"
      "mov r8, r4\n\t"
      "mov r9, r5\n\t"
      "mov r10, r6\n\t"
      "mov r11, r7\n\t"
      "tst r12, #4\n\t"
      "bne 3f\n"
      "2:\n\t" STEP_4
      "3:\n\t" STEP_4
      "ldr r12, [sp, #4]\n\t"
      "cmp r0, r12\n\t"
      "bne 2b\n\t"
      DOT_4_STORE("60", "3"));
}

/* Four inputs of one pixel and two channels. */
#define HALF_STEP_1(stream, low, mix)        \
  "ldr r5, [" stream "], #4\n\t"             \
  "sxtb16 r6, r5\n\t"                        \
  "and r7, r6, #0x000F000F\n\t"              \
  "smlad " mix ", r3, r6, " mix "\n\t"       \
  "smlad " low ", r3, r7, " low "\n\t"       \
  "sxtb16 r6, r5, ror #8\n\t"                \
  "and r7, r6, #0x000F000F\n\t"              \
  "smlad " mix ", r4, r6, " mix "\n\t"       \
  "smlad " low ", r4, r7, " low "\n\t"

/* Frame: 44 8 sum x; the rest and the registers as in dsp_dot.c. */
__attribute__((naked)) void atml_nibble_dot_1(const int8_t *in __attribute__((unused)),
                                              int8_t *out __attribute__((unused)),
                                              const atml_packed_filter *f __attribute__((unused))) {
  __asm__ volatile(
      DOT_ENTER("48", "")
      "str r1, [sp, #24]\n\t"
      "mov r8, #0x00080008\n\t"
      "movs r7, #0\n"
      "0:\n\t"
      "ldr r3, [r0], #4\n\t"
      "sxtb16 r2, r3\n\t"
      "sxtb16 r3, r3, ror #8\n\t"
      "smlad r7, r2, r8, r7\n\t"
      "smlad r7, r3, r8, r7\n\t"
      "cmp r0, r10\n\t"
      "bne 0b\n\t"
      "str r7, [sp, #44]\n\t"
      "mov r2, r4\n"
      "1:\n\t" /* r2 = stream of the next pair */
      "ldrd r0, r12, [sp, #0]\n\t"
      "ldr r3, [sp, #16]\n\t"
      "mov r1, r2\n\t"
      "subs r4, r12, r0\n\t" /* k */
      "cmp r3, #2\n\t"
      "itt gt\n\t"
      "addgt r2, r2, r4\n\t"
      "addgt r2, r2, #8\n\t"
      "ldrd r8, r9, [r1], #8\n\t"
      "ldrd r10, r11, [r2], #8\n\t"
      "ldr r7, [sp, #44]\n\t"
      "strd r8, r9, [sp, #28]\n\t"
      "strd r10, r11, [sp, #36]\n\t"
      "asr r8, r8, #6\n\t"
      "asr r10, r10, #6\n\t"
      "subs r8, r8, r7\n\t"
      "subs r10, r10, r7\n\t"
      "mov r9, r8\n\t"
      "mov r11, r10\n\t"
      "lsls r4, r4, #29\n\t" /* negative: 4 */
      "bmi 3f\n"
      "2:\n\t" STEP_1
      "3:\n\t" STEP_1
      "cmp r0, r12\n\t"
      "bne 2b\n\t"
      DOT_1_STORE("48", "3"));
}

#endif
