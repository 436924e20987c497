#include "atml_dsp.h"
#include "atml_swar.h"

#if defined(__thumb__) && !defined(ATML_PORTABLE)

/* r0 patch, r1 chunks, r12 sums until the end, lr end of the patch; r4, r5 words, r6, r7 sums of the chunk; r8, r10
 * sums of words, r9, r11 of upper pixels. Adding 32768 before the shift undoes the borrow of a negative lower
 * pixel. A step is 14 bytes in both instruction sets (atml_swar.h). */
#if defined(__thumb2__)
#define CHUNK_BYTE "ldrb r3, [r1], #1\n\t"
#define STEP "ldmia r0!, {r4, r5}\n\tldrsb r3, [r1], #1\n\tmla r6, r4, r3, r6\n\tmla r7, r5, r3, r7\n\t"
#define TAKE(acc, words, upper) \
  "add " words ", " acc "\n\tadd.w " acc ", " acc ", #32768\n\tadd.w " upper ", " upper ", " acc ", asr #16\n\t"
#define ENTER "push {r2, r4-r11, lr}\n\tmov lr, r3\n\tmov r8, #0\n\tmov r9, r8\n\tmov r10, r8\n\tmov r11, r8\n\t"
#define LEAVE "pop {r2}\n\tstmia.w r2, {r8-r11}\n\tmov r0, r1\n\tpop {r4-r11, pc}\n\t"
#else
/* r2 = distance from r1; signed bytes are loaded by two registers only. */
#define CHUNK_BYTE "ldrb r3, [r1, r2]\n\tadds r2, r2, #1\n\t"
#define STEP                                                                                           \
  "ldmia r0!, {r4, r5}\n\tldrsb r3, [r1, r2]\n\tadds r2, r2, #1\n\tmuls r4, r3, r4\n\tmuls r5, r3, r5\n\t" \
  "adds r6, r6, r4\n\tadds r7, r7, r5\n\t"
#define TAKE(acc, words, upper) \
  "add " words ", " acc "\n\tadd " acc ", r12\n\tasrs " acc ", " acc ", #16\n\tadd " upper ", " acc "\n\t"
#define ENTER                                                                                                      \
  "push {r2, r4-r7, lr}\n\tmov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\tpush {r4-r7}\n\t"            \
  "mov lr, r3\n\tmovs r2, #0\n\tmov r8, r2\n\tmov r9, r2\n\tmov r10, r2\n\tmov r11, r2\n\tmovs r3, #1\n\t"       \
  "lsls r3, r3, #15\n\tmov r12, r3\n\t"
#define LEAVE                                                                                                     \
  "adds r0, r1, r2\n\tldr r2, [sp, #16]\n\tmov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\t"           \
  "stmia r2!, {r4-r7}\n\tpop {r4-r7}\n\tmov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t"              \
  "pop {r2, r4-r7, pc}\n\t"
#endif

#define UNUSED __attribute__((unused))
__attribute__((naked, noinline)) const uint8_t *atml_swar_sums(const int32_t *patch UNUSED, const uint8_t *chunks UNUSED,
                                                               uint32_t *sums UNUSED, const int32_t *end UNUSED) {
  __asm__ volatile(
      ".syntax unified\n\t" ENTER
      "1:\n\t" CHUNK_BYTE
      "movs r6, #0\n\t"
      "movs r7, #0\n\t"
      "add pc, r3\n\t"
      "nop\n\t"
      STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP
      TAKE("r6", "r8", "r9")
      TAKE("r7", "r10", "r11")
      "cmp r0, lr\n\t"
      "bne 1b\n\t" LEAVE);
}

#else

const uint8_t *atml_swar_sums(const int32_t *patch, const uint8_t *chunks, uint32_t *sums, const int32_t *end) {
  uint32_t words_0 = 0;
  uint32_t words_1 = 0;
  int32_t upper_0 = 0;
  int32_t upper_1 = 0;
  while (patch != end) {
    const int32_t n = ATML_SWAR_CHUNK - chunks[0] / ATML_SWAR_STEP;
    int32_t acc_0 = 0;
    int32_t acc_1 = 0;
    for (int32_t i = 1; i <= n; i++) {
      const int32_t w = (int8_t)chunks[i];
      acc_0 += patch[0] * w;
      acc_1 += patch[1] * w;
      patch += 2;
    }
    chunks += n + 1;
    words_0 += (uint32_t)acc_0;
    words_1 += (uint32_t)acc_1;
    upper_0 += (acc_0 + 32768) >> 16;
    upper_1 += (acc_1 + 32768) >> 16;
  }
  sums[0] = words_0;
  sums[1] = (uint32_t)upper_0;
  sums[2] = words_1;
  sums[3] = (uint32_t)upper_1;
  return chunks;
}

#endif
