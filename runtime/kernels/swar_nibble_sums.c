#include "atml_dsp.h"
#include "atml_swar.h"

#if defined(__thumb__) && !defined(ATML_PORTABLE)

/* r0 patch, r1 weights, lr end of the patch, r4, r5 words, r6, r7 sums of the chunk, r8, r10 sums of words, r9, r11 of
 * upper pixels, as in swar_sums.c; r2, r3 the two weights of a byte; the end of the chunk is in r12, or in the frame
 * where r12 holds 32768. A chunk: 224 bytes of patch. */
#define WORDS(weight, product) "ldmia r0!, {r4, r5}\n\t" product("r4", weight, "r6") product("r5", weight, "r7")
#if defined(__thumb2__)
#define PRODUCT(word, weight, acc) "mla " acc ", " word ", " weight ", " acc "\n\t"
#define BYTE(i) \
  "ldrsb r3, [r1], #1\n\tsbfx r2, r3, #0, #4\n\tasrs r3, r3, #4\n\t" WORDS("r2", PRODUCT) WORDS("r3", PRODUCT)
#define NEXT
#define TAKE(acc, words, upper) \
  "add " words ", " acc "\n\tadd.w " acc ", " acc ", #32768\n\tadd.w " upper ", " upper ", " acc ", asr #16\n\t"
#define ENTER "push {r2, r4-r11, lr}\n\tmov lr, r3\n\tmov r8, #0\n\tmov r9, r8\n\tmov r10, r8\n\tmov r11, r8\n\t"
#define CHUNK_END "add.w r12, r0, #224\n\tcmp r12, lr\n\tit hi\n\tmovhi r12, lr\n\t"
#define AT_CHUNK_END "cmp r0, r12\n\t"
#define LEAVE "pop {r2}\n\tstmia.w r2, {r8-r11}\n\tmov r0, r1\n\tpop {r4-r11, pc}\n\t"
#else
#define PRODUCT(word, weight, acc) "muls " word ", " weight ", " word "\n\tadds " acc ", " acc ", " word "\n\t"
#define BYTE(i)                                                                                                 \
  "ldrb r3, [r1, #" #i "]\n\tlsls r2, r3, #28\n\tasrs r2, r2, #28\n\tlsls r3, r3, #24\n\tasrs r3, r3, #28\n\t" \
  WORDS("r2", PRODUCT) WORDS("r3", PRODUCT)
#define NEXT "adds r1, r1, #2\n\t"
#define TAKE(acc, words, upper) \
  "add " words ", " acc "\n\tadd " acc ", r12\n\tasrs " acc ", " acc ", #16\n\tadd " upper ", " acc "\n\t"
#define ENTER                                                                                                       \
  "push {r2, r4-r7, lr}\n\tmov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\tpush {r2, r4-r7}\n\t"          \
  "mov lr, r3\n\tmovs r2, #0\n\tmov r8, r2\n\tmov r9, r2\n\tmov r10, r2\n\tmov r11, r2\n\tmovs r3, #1\n\t"          \
  "lsls r3, r3, #15\n\tmov r12, r3\n\t"
#define CHUNK_END "movs r2, #224\n\tadds r2, r2, r0\n\tcmp r2, lr\n\tbls 2f\n\tmov r2, lr\n2:\n\tstr r2, [sp]\n\t"
#define AT_CHUNK_END "ldr r2, [sp]\n\tcmp r0, r2\n\t"
#define LEAVE                                                                                            \
  "ldr r2, [sp, #20]\n\tmov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\tstmia r2!, {r4-r7}\n\t" \
  "mov r0, r1\n\tpop {r3-r7}\n\tmov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t"               \
  "pop {r2, r4-r7, pc}\n\t"
#endif

#define UNUSED __attribute__((unused))
__attribute__((naked, noinline)) const uint8_t *atml_swar_nibble_sums(const int32_t *patch UNUSED,
                                                                      const uint8_t *weights UNUSED,
                                                                      uint32_t *sums UNUSED,
                                                                      const int32_t *end UNUSED) {
  __asm__ volatile(
      ".syntax unified\n\t" ENTER
      "1:\n\t" CHUNK_END
      "movs r6, #0\n\t"
      "movs r7, #0\n"
      "3:\n\t" BYTE(0) BYTE(1) NEXT AT_CHUNK_END
      "bne 3b\n\t"
      TAKE("r6", "r8", "r9")
      TAKE("r7", "r10", "r11")
      "cmp r0, lr\n\t"
      "bne 1b\n\t" LEAVE);
}

#else

const uint8_t *atml_swar_nibble_sums(const int32_t *patch, const uint8_t *weights, uint32_t *sums, const int32_t *end) {
  uint32_t words_0 = 0;
  uint32_t words_1 = 0;
  int32_t upper_0 = 0;
  int32_t upper_1 = 0;
  while (patch != end) {
    int32_t acc_0 = 0;
    int32_t acc_1 = 0;
    for (int32_t i = 0; (i < ATML_SWAR_NIBBLE_CHUNK) && (patch != end); i += 2) {
      const int32_t second = (int8_t)*weights >> 4;
      const int32_t first = (int32_t)((*weights & 15u) ^ 8u) - 8;
      acc_0 += patch[0] * first + patch[2] * second;
      acc_1 += patch[1] * first + patch[3] * second;
      patch += 4;
      weights++;
    }
    words_0 += (uint32_t)acc_0;
    words_1 += (uint32_t)acc_1;
    upper_0 += (acc_0 + 32768) >> 16;
    upper_1 += (acc_1 + 32768) >> 16;
  }
  sums[0] = words_0;
  sums[1] = (uint32_t)upper_0;
  sums[2] = words_1;
  sums[3] = (uint32_t)upper_1;
  return weights;
}

#endif
