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
                                     (offsetof(atml_window, stride_w) == 27) && (offsetof(atml_window, dilation_h) == 28) &&
                                     (offsetof(atml_window, dilation_w) == 29) &&
                                     (offsetof(atml_packed_conv, input_zero_point) == 56)
                                 ? 1
                                 : -1];

/* Four bytes at r0 into the column at r1: 18 bytes of code. */
#define EXPAND                        \
  "ldr.w r3, [r0], #4\n\t"            \
  "sxtb16 r12, r3\n\t"                \
  "sxtb16 r3, r3, ror #8\n\t"         \
  "str.n r3, [r1, #16]\n\t"           \
  "str.w r12, [r1], #32\n\t"

/* Of `groups` > 0 of four bytes the first round has those modulo 4: `skip` = 18 x the others, in r3 behind it. */
#define FIRST_ROUND(groups, skip)                   \
  "rsb " skip ", " groups ", #0\n\t"               \
  "and " skip ", " skip ", #3\n\t"                 \
  "add " skip ", " skip ", " skip ", lsl #3\n\t"   \
  "lsls " skip ", " skip ", #1\n\t"
#define EXPAND_ALL(label)        \
  "add pc, r3\n\t"               \
  "nop\n"                        \
  label ":\n\t" EXPAND EXPAND EXPAND EXPAND \
  "subs r2, r2, #4\n\t"          \
  "bgt " label "b\n\t"

__attribute__((naked)) void atml_expand(const int8_t *in __attribute__((unused)), int16_t *patch __attribute__((unused)),
                                        int32_t groups __attribute__((unused))) {
  __asm__ volatile(
      FIRST_ROUND("r2", "r3")
      EXPAND_ALL("1")
      "bx lr\n\t");
}

/* One word of a row of the window. */
#define WORD(at) \
  "ldr.n r3, [r4, #" at "]\n\t" \
  "str.n r3, [r5, #" at "]\n\t"

/* Rows that are long and a number of whole words are expanded from where they are, of windows inside the input. Others
 * are copied together before: words from the first byte on, then the last word, which may overlap the one before, so
 * that nothing beside them is read or written.
 * Behind 1: r4 from, r5 to, r6 step from row to row, r7 the same in `bytes`, r8 bytes, r9 column, r10 in, r11 pixels.
 * Frame: 0 step from pixel to pixel, 4 end of the copy, 8 last word of a row, 12 to, 16 where to go, 20 groups that
 * follow each other, 24 their first round, 28 rows from where they are, or words before those at 52, 32 result, 36
 * x, 40 in_w, 44 in_c, 48 dilation_w; 88 y, 92 x, 96 pixels. */
__attribute__((naked)) int32_t atml_gather_columns(const int8_t *in __attribute__((unused)),
                                                   int16_t *column __attribute__((unused)),
                                                   int8_t *bytes __attribute__((unused)),
                                                   const atml_packed_conv *p __attribute__((unused)),
                                                   int32_t y __attribute__((unused)), int32_t x __attribute__((unused)),
                                                   int32_t pixels __attribute__((unused))) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "sub sp, #52\n\t"
      "mov r9, r1\n\t"
      "mov r8, r2\n\t"
      "ldr r4, [r3, #8]\n\t" /* k */
      "asrs r4, r4, #2\n\t"
      FIRST_ROUND("r4", "r5")
      "strd r4, r5, [sp, #20]\n\t"
      "ldrd r10, r11, [sp, #88]\n\t"
      "ldrd r6, r7, [r3, #28]\n\t" /* in_w, in_c */
      "ldrb r5, [r3, #48]\n\t"     /* kernel_h */
      "ldrb r4, [r3, #49]\n\t"     /* kernel_w */
      "ldrb r12, [r3, #52]\n\t"    /* dilation_h */
      "ldrb r2, [r3, #53]\n\t"     /* dilation_w */
      "ldr r1, [r3, #24]\n\t"      /* in_h */
      "mla lr, r10, r6, r11\n\t"
      "mla r0, lr, r7, r0\n\t" /* of the first window */
      "sub lr, r5, #1\n\t"
      "mla lr, lr, r12, r10\n\t"
      "mul r12, r12, r6\n\t"
      "cmp lr, r1\n\t"
      "bge 2f\n\t"
      "orrs lr, r10, r11\n\t"
      "bmi 2f\n\t"
      "cmp r2, #1\n\t"
      "bne 2f\n\t"
      "ldrb lr, [r3, #51]\n\t" /* stride_w */
      "ldr r2, [sp, #96]\n\t"
      "subs r1, r6, r4\n\t"
      "sub r1, r1, r11\n"
      "20:\n\t" /* the pixel before r2: is its window inside? */
      "subs r2, r2, #1\n\t"
      "bmi 2f\n\t"
      "mul r6, r2, lr\n\t"
      "cmp r6, r1\n\t"
      "bgt 20b\n\t"
      "add r11, r2, #1\n\t"
      "str r11, [sp, #32]\n\t"
      "mov r10, r0\n\t"
      "mul lr, lr, r7\n\t"
      "str lr, [sp, #0]\n\t"
      "mul r6, r12, r7\n\t"
      "muls r7, r4, r7\n\t"
      "cmp r6, r7\n\t"
      "itt eq\n\t" /* rows that follow each other are one */
      "muleq r7, r5, r7\n\t"
      "moveq r5, #1\n\t"
      "mov r0, r7\n\t"
      "mov r2, r8\n\t"
      "lsls r4, r7, #30\n\t"
      "bne 14f\n\t"
      "cmp r7, #16\n\t"
      "bcc 14f\n\t"
      "asrs r2, r7, #2\n\t"
      FIRST_ROUND("r2", "r3")
      "strd r2, r3, [sp, #20]\n\t"
      "str r5, [sp, #28]\n\t"
      "adr.w r12, 11f\n\t"
      "b 15f\n"
      "14:\n\t"
      "cmp r7, #3\n\t"
      "it eq\n\t"
      "cmpeq r5, #3\n\t"
      "bne 16f\n\t"
      "ldr r0, [sp, #0]\n"
      /* Three rows of three bytes: a word of each of two, a halfword and a byte. */
      "17:\n\t"
      "ldr r1, [r10]\n\t"
      "ldr r2, [r10, r6]\n\t"
      "add r4, r10, r6, lsl #1\n\t"
      "ldrh r3, [r4]\n\t"
      "ldrsb r4, [r4, #2]\n\t"
      "add r10, r10, r0\n\t"
      "sxtb16 r5, r1\n\t"
      "str r5, [r9]\n\t"
      "lsrs r1, r1, #8\n\t"
      "pkhbt r1, r1, r2, lsl #16\n\t"
      "sxtb16 r1, r1\n\t"
      "str r1, [r9, #16]\n\t"
      "lsrs r1, r2, #8\n\t"
      "pkhbt r1, r1, r3, lsl #16\n\t"
      "sxtb16 r1, r1\n\t"
      "str r1, [r9, #32]\n\t"
      "lsls r3, r3, #8\n\t"
      "pkhtb r3, r3, r2, asr #16\n\t"
      "sxtb16 r3, r3\n\t"
      "str r3, [r9, #48]\n\t"
      "str r4, [r9, #64]\n\t" /* weights behind it are zero */
      "add r9, r9, #4\n\t"
      "subs r11, r11, #1\n\t"
      "bne 17b\n\t"
      "b 18f\n"
      "16:\n\t"
      "bl 3f\n"
      "15:\n\t"
      "strd r1, r2, [sp, #4]\n\t"
      "strd r5, r12, [sp, #12]\n"
      "1:\n\t" /* a pixel */
      "ldm sp, {r0, r1, r2, r5, r12}\n\t"
      "mov r4, r10\n\t"
      "add r10, r10, r0\n\t"
      "bl 8f\n"
      "10:\n\t"
      "movs r5, #1\n\t"
      "mov r4, r8\n"
      "12:\n\t"
      "mov r1, r9\n\t"
      "add r9, r9, #4\n"
      "13:\n\t"
      "mov r0, r4\n\t"
      "adds r4, r4, r6\n\t"
      "ldrd r2, r3, [sp, #20]\n\t"
      EXPAND_ALL("19")
      "subs r5, r5, #1\n\t"
      "bne 13b\n\t"
      "subs r11, r11, #1\n\t"
      "bne 1b\n"
      "18:\n\t"
      "ldr r0, [sp, #32]\n\t"
      "add sp, #52\n\t"
      "pop {r4-r11, pc}\n"
      "11:\n\t" /* from where they are */
      "ldr r5, [sp, #28]\n\t"
      "b 12b\n"
      /* Of r0 bytes a row and r5 rows, to r2: r1 end, r2 last word, r5 to, r12 where to go. */
      "3:\n\t"
      "mla r1, r7, r5, r2\n\t"
      "mov r5, r2\n\t"
      "subs r2, r0, #4\n\t"
      "bmi 4f\n\t"
      "adds r3, r2, #3\n\t"
      "asrs r3, r3, #2\n\t" /* words before the last */
      "adr.w r12, 6f\n\t"
      "sub r12, r12, r3, lsl #2\n\t"
      "subs r3, r3, #6\n\t"
      "it le\n\t"
      "bxle lr\n\t"
      "str r3, [sp, #28]\n\t"
      "lsls r3, r3, #2\n\t"
      "subs r2, r2, r3\n\t"
      "subs r6, r6, r3\n\t"
      "subs r7, r7, r3\n\t"
      "adr.w r12, 5f\n\t"
      "bx lr\n"
      "4:\n\t"
      "adr.w r12, 7f\n\t"
      "adds r2, r2, #2\n\t"
      "it mi\n\t"
      "addmi r12, r12, #4\n\t"
      "bx lr\n"
      /* The copy. */
      "8:\n\t"
      "mov pc, r12\n"
      "5:\n\t" /* more than seven words */
      "ldr r0, [sp, #28]\n"
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
      "bx lr\n"
      /* One window that is not inside, or whose bytes are wanted: zero points, then the part inside. */
      "2:\n\t"
      "ldr r6, [r3, #28]\n\t"
      "ldrb lr, [r3, #56]\n\t" /* zero point */
      "orr lr, lr, lr, lsl #8\n\t"
      "orr lr, lr, lr, lsl #16\n\t"
      "ldr r2, [r3, #8]\n"
      "21:\n\t"
      "subs r2, r2, #4\n\t"
      "str lr, [r8, r2]\n\t"
      "bne 21b\n\t"
      "ldrb lr, [r3, #52]\n\t" /* dilation_h */
      "mul r12, r12, r7\n\t"
      "mul r1, r4, r7\n\t"
      "movs r2, #1\n\t"
      "str r1, [sp, #0]\n\t"
      "str r2, [sp, #32]\n\t"
      "mov r2, r8\n"
      "22:\n\t" /* rows above */
      "cmp r10, #0\n\t"
      "bge 23f\n\t"
      "add r10, r10, lr\n\t"
      "add r0, r0, r12\n\t"
      "adds r2, r2, r1\n\t"
      "subs r5, r5, #1\n\t"
      "b 22b\n"
      "23:\n\t"
      "ldr r1, [r3, #24]\n\t" /* in_h */
      "sub r1, r1, r10\n"
      "24:\n\t" /* and below */
      "subs r5, r5, #1\n\t"
      "bmi 29f\n\t"
      "mul r10, r5, lr\n\t"
      "cmp r10, r1\n\t"
      "bge 24b\n\t"
      "adds r5, r5, #1\n\t"
      "ldrb r1, [r3, #53]\n\t" /* dilation_w */
      "mov r10, r0\n\t"
      "mov r0, r7\n\t"
      "str r11, [sp, #36]\n\t"
      "strd r6, r7, [sp, #40]\n\t"
      "str r1, [sp, #48]\n\t"
      "cmp r1, #1\n\t"
      "bne 26f\n\t"
      "sub r6, r6, r11\n\t" /* neighbouring columns are one run: its end */
      "cmp r6, r4\n\t"
      "it gt\n\t"
      "movgt r6, r4\n\t"
      "cmp r11, #0\n\t"
      "bge 25f\n\t"
      "add r6, r6, r11\n\t"
      "mul r11, r11, r7\n\t"
      "sub r10, r10, r11\n\t"
      "sub r2, r2, r11\n\t"
      "movs r1, #0\n\t"
      "str r1, [sp, #36]\n"
      "25:\n\t"
      "cmp r6, #0\n\t"
      "ble 29f\n\t"
      "mul r0, r6, r7\n\t"
      "movs r4, #1\n"
      "26:\n\t"
      "mov r11, r4\n\t"
      "mov r6, r12\n\t"
      "ldr r7, [sp, #0]\n\t"
      "bl 3b\n\t"
      "strd r1, r2, [sp, #4]\n\t"
      "strd r5, r12, [sp, #12]\n"
      "27:\n\t" /* a run */
      "ldrd r3, r4, [sp, #36]\n\t"
      "cmp r3, r4\n\t"
      "bcs 28f\n\t"
      "mov r4, r10\n\t"
      "ldrd r1, r2, [sp, #4]\n\t"
      "ldrd r5, r12, [sp, #12]\n\t"
      "bl 8b\n"
      "28:\n\t"
      "subs r11, r11, #1\n\t"
      "beq 29f\n\t"
      "ldrd r0, r1, [sp, #44]\n\t" /* in_c, dilation_w */
      "mla r10, r1, r0, r10\n\t"
      "ldr r3, [sp, #36]\n\t"
      "adds r3, r3, r1\n\t"
      "str r3, [sp, #36]\n\t"
      "ldr r3, [sp, #4]\n\t"
      "adds r3, r3, r0\n\t"
      "str r3, [sp, #4]\n\t"
      "ldr r3, [sp, #12]\n\t"
      "adds r3, r3, r0\n\t"
      "str r3, [sp, #12]\n\t"
      "b 27b\n"
      "29:\n\t"
      "movs r11, #1\n\t"
      "b 10b\n\t");
}

#endif
