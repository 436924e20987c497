/* What puts inputs into the patch of atml_dot.h, in assembly for the DSP extension. Unaligned words are legal here, but
 * not for the instructions of several registers. */
#include <stddef.h>

#include "atml_dsp.h"

#include "atml_dot.h"

#if ATML_DSP

/* The assembly knows these offsets. */
typedef char atml_check_conv[(offsetof(atml_packed_filter, k) == 8) && (offsetof(atml_packed_conv, window) == 24) &&
                                     (offsetof(atml_window, in_w) == 4) && (offsetof(atml_window, in_c) == 8) &&
                                     (offsetof(atml_window, kernel_h) == 24) && (offsetof(atml_window, kernel_w) == 25) &&
                                     (offsetof(atml_window, stride_w) == 27) && (offsetof(atml_window, dilation_h) == 28)
                                 ? 1
                                 : -1];

/* Four bytes at r0 into the column at r1: 18 bytes of code. */
#define EXPAND                        \
  "ldr.w r3, [r0], #4\n\t"            \
  "sxtb16 r12, r3\n\t"                \
  "sxtb16 r3, r3, ror #8\n\t"         \
  "str.n r3, [r1, #16]\n\t"           \
  "str.w r12, [r1], #32\n\t"

/* r2 > 0 groups of four bytes; the first round has r2 modulo 4 of them, r3 = 18 x the others. */
#define FIRST_ROUND             \
  "rsb r3, r2, #0\n\t"          \
  "and r3, r3, #3\n\t"          \
  "add r3, r3, r3, lsl #3\n\t"  \
  "lsls r3, r3, #1\n\t"
#define EXPAND_ALL(label)        \
  "add pc, r3\n\t"               \
  "nop\n"                        \
  label ":\n\t" EXPAND EXPAND EXPAND EXPAND \
  "subs r2, r2, #4\n\t"          \
  "bgt " label "b\n\t"

__attribute__((naked)) void atml_expand(const int8_t *in __attribute__((unused)), int16_t *patch __attribute__((unused)),
                                        int32_t groups __attribute__((unused))) {
  __asm__ volatile(
      FIRST_ROUND
      EXPAND_ALL("1")
      "bx lr\n\t");
}

/* One word of a row of the window. */
#define WORD(at) \
  "ldr.n r3, [r4, #" at "]\n\t" \
  "str.n r3, [r5, #" at "]\n\t"

/* Windows of which every row is long and a number of whole words are expanded row by row from where they are. Others
 * are copied together before: words from the first byte on, then the last word, which may overlap the one before, so
 * that nothing beside the window is read.
 * r4 from, r5 to, r6 step from row to row, r7 bytes of a row, r8 bytes, r9 column, r10 in, r11 pixels.
 * Frame: 0 step from pixel to pixel, 4 end of the rows in bytes, 8 last word of a row, 12 where to go, 16 groups that
 * follow each other, 20 their first round, 24 rows from where they are, or words before those at 52. */
__attribute__((naked)) void atml_gather_inside(const int8_t *in __attribute__((unused)),
                                               int16_t *column __attribute__((unused)),
                                               int8_t *bytes __attribute__((unused)),
                                               const atml_packed_conv *p __attribute__((unused)),
                                               int32_t pixels __attribute__((unused))) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "sub sp, #28\n\t"
      "mov r10, r0\n\t"
      "mov r9, r1\n\t"
      "mov r8, r2\n\t"
      "ldr r11, [sp, #64]\n\t"
      "ldrd r6, r7, [r3, #28]\n\t" /* in_w, in_c */
      "ldrb r0, [r3, #51]\n\t"     /* stride_w */
      "ldrb r1, [r3, #52]\n\t"     /* dilation_h */
      "ldrb r5, [r3, #48]\n\t"     /* kernel_h */
      "ldrb r4, [r3, #49]\n\t"     /* kernel_w */
      "muls r0, r7, r0\n\t"
      "muls r6, r7, r6\n\t"
      "muls r7, r4, r7\n\t"
      "muls r6, r1, r6\n\t"
      "cmp r6, r7\n\t"
      "itt eq\n\t" /* rows that follow each other are one */
      "muleq r7, r5, r7\n\t"
      "moveq r5, #1\n\t"
      "mov r4, r7\n\t" /* bytes that follow each other */
      "lsls r2, r7, #30\n\t"
      "bne 2f\n\t"
      "cmp r7, #16\n\t"
      "bcc 2f\n\t"
      "str r5, [sp, #24]\n\t"
      "adr.w r12, 11f\n\t"
      "b 4f\n"
      "2:\n\t"
      "ldr r4, [r3, #8]\n\t" /* k */
      "mla r1, r7, r5, r8\n\t"
      "subs r2, r7, #4\n\t"
      "bmi 3f\n\t"
      "adds r3, r2, #3\n\t"
      "asrs r3, r3, #2\n\t" /* words before the last */
      "adr.w r12, 6f\n\t"
      "sub r12, r12, r3, lsl #2\n\t"
      "subs r3, r3, #6\n\t"
      "ble 4f\n\t"
      "str r3, [sp, #24]\n\t"
      "lsls r3, r3, #2\n\t"
      "subs r2, r2, r3\n\t"
      "subs r6, r6, r3\n\t"
      "subs r7, r7, r3\n\t"
      "adr.w r12, 5f\n\t"
      "b 4f\n"
      "3:\n\t"
      "adr.w r12, 7f\n\t"
      "adds r2, r2, #2\n\t"
      "it mi\n\t"
      "addmi r12, r12, #4\n"
      "4:\n\t"
      "stm sp, {r0, r1, r2, r12}\n\t"
      "asrs r2, r4, #2\n\t"
      FIRST_ROUND
      "strd r2, r3, [sp, #16]\n"
      "1:\n\t"
      "ldm sp, {r0, r1, r2, r12}\n\t"
      "mov r4, r10\n\t"
      "mov r5, r8\n\t"
      "add r10, r10, r0\n"
      "8:\n\t"
      "mov pc, r12\n"
      "5:\n\t" /* more than seven words */
      "ldr r0, [sp, #24]\n"
      "51:\n\t"
      "ldr r3, [r4], #4\n\t"
      "str r3, [r5], #4\n\t"
      "subs r0, r0, #1\n\t"
      "bne 51b\n\t"
      "b 52f\n"
      "7:\n\t" /* less than a word: two bytes or three, or one */
      "ldrh.n r3, [r4, r2]\n\t"
      "strh.n r3, [r5, r2]\n\t"
      "ldrb.n r3, [r4]\n\t"
      "strb.n r3, [r5]\n\t"
      "b 53f\n"
      "52:\n\t" WORD("20") WORD("16") WORD("12") WORD("8") WORD("4") WORD("0")
      "6:\n\t"
      "ldr.n r3, [r4, r2]\n\t"
      "str.n r3, [r5, r2]\n"
      "53:\n\t"
      "adds r4, r4, r6\n\t"
      "adds r5, r5, r7\n\t"
      "cmp r5, r1\n\t"
      "bne 8b\n\t"
      "movs r5, #1\n\t"
      "mov r4, r8\n\t"
      "b 12f\n"
      "11:\n\t" /* from where they are */
      "ldr r5, [sp, #24]\n"
      "12:\n\t"
      "mov r1, r9\n\t"
      "add r9, r9, #4\n"
      "13:\n\t"
      "mov r0, r4\n\t"
      "adds r4, r4, r6\n\t"
      "ldrd r2, r3, [sp, #16]\n\t"
      EXPAND_ALL("14")
      "subs r5, r5, #1\n\t"
      "bne 13b\n\t"
      "subs r11, r11, #1\n\t"
      "bne 1b\n\t"
      "add sp, #28\n\t"
      "pop {r4-r11, pc}\n\t");
}

#endif
