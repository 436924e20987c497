/* Accumulators of one channel to outputs, several at a time: atml_finish_with() in assembly where the products take
 * many instructions and the registers are few (Armv6-M). */
#ifndef ATML_FINISH_ROW_H
#define ATML_FINISH_ROW_H

#include "atml_dot.h"

typedef struct {
  int32_t multiplier, right;
  int32_t constant; /* atml_finish_constant() */
  int32_t step;     /* bytes from output to output */
} atml_finish_row_params;

/* acc2: twice the accumulators, at least one, up to `end`. */
#if ATML_PARTIAL_PRODUCTS && defined(__thumb__) && !defined(ATML_PORTABLE)

#if ATML_SINGLE_ROUNDING
#define ATML_HALF ""
#define ATML_SIGN ""
#else
#define ATML_HALF "add r3, r12\n\t"
#define ATML_SIGN "asrs r1, r1, #31\n\tadds r2, r2, r1\n\t" /* ties away from zero */
#endif

/* r0 acc2, r4 and r5 halves of the multiplier, r8 right, r9 constant, r10 step, r11 end, r12 2^14, lr out; the
 * partial products as in atml_multiply(): r2 high, r3 middle, r7 cross. */
static __attribute__((naked, noinline)) void atml_finish_row(
    const int32_t *acc2 __attribute__((unused)), int8_t *out __attribute__((unused)),
    const atml_finish_row_params *f __attribute__((unused)), const int32_t *end __attribute__((unused))) {
  __asm__ volatile(
      ".syntax unified\n\t"
      "push {r4-r7, lr}\n\t"
      "mov r4, r8\n\t"
      "mov r5, r9\n\t"
      "mov r6, r10\n\t"
      "mov r7, r11\n\t"
      "push {r4-r7}\n\t"
      "ldmia r2!, {r4-r7}\n\t"
      "mov r8, r5\n\t"
      "mov r9, r6\n\t"
      "mov r10, r7\n\t"
      "mov r11, r3\n\t"
      "mov lr, r1\n\t"
      "asrs r5, r4, #16\n\t"
      "uxth r4, r4\n\t"
      "movs r6, #1\n\t"
      "lsls r6, r6, #14\n\t"
      "mov r12, r6\n\t"
      "1:\n\t"
      "ldmia r0!, {r1}\n\t"
      "asrs r2, r1, #16\n\t"
      "uxth r3, r1\n\t"
      "mov r6, r3\n\t"
      "muls r6, r4, r6\n\t"
      "lsrs r6, r6, #16\n\t"
      "muls r3, r5, r3\n\t"
      "mov r7, r2\n\t"
      "muls r7, r4, r7\n\t"
      "adds r7, r7, r6\n\t"
      "muls r2, r5, r2\n\t"
      "uxth r6, r7\n\t"
      "asrs r7, r7, #16\n\t"
      "adds r3, r3, r6\n\t"
      "adds r2, r2, r7\n\t"
      "asrs r3, r3, #1\n\t" ATML_HALF
      "asrs r3, r3, #15\n\t"
      "adds r2, r2, r3\n\t" ATML_SIGN
      "add r2, r9\n\t"
      "mov r3, r8\n\t"
      "asrs r2, r3\n\t"
      "sxtb r3, r2\n\t"
      "cmp r3, r2\n\t"
      "beq 2f\n\t"
      "asrs r2, r2, #31\n\t" /* 127, or its complement -128 */
      "movs r3, #127\n\t"
      "eors r3, r2\n\t"
      "2:\n\t"
      "mov r6, lr\n\t"
      "strb r3, [r6]\n\t"
      "add lr, r10\n\t"
      "cmp r0, r11\n\t"
      "bne 1b\n\t"
      "pop {r4-r7}\n\t"
      "mov r8, r4\n\t"
      "mov r9, r5\n\t"
      "mov r10, r6\n\t"
      "mov r11, r7\n\t"
      "pop {r4-r7, pc}\n\t");
}

#else

static inline void atml_finish_row(const int32_t *acc2, int8_t *out, const atml_finish_row_params *f,
                                   const int32_t *end) {
  const int32_t multiplier = f->multiplier; /* copies: a byte written to out might be any of them */
  const int32_t right = f->right;
  const int32_t constant = f->constant;
  const int32_t step = f->step;
  for (; acc2 != end; acc2++) {
    *out = atml_finish_with(*acc2, multiplier, right, constant);
    out += step;
  }
}

#endif

#endif
