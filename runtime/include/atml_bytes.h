/* Four signed bytes in a word, for the DSP extension. */
#ifndef ATML_BYTES_H
#define ATML_BYTES_H

#include <stdint.h>

#include "atml_dsp.h"

#if ATML_DSP

/* One load or store: unaligned words are legal here. */
static inline uint32_t atml_load_bytes(const int8_t *p) {
  uint32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return word;
}

static inline void atml_store_bytes(int8_t *p, uint32_t word) { __builtin_memcpy(p, &word, sizeof word); }

/* Byte by byte: SSUB8 sets the flags that SEL chooses by. */
static inline uint32_t atml_larger_bytes(uint32_t a, uint32_t b) {
  uint32_t difference;
  __asm__("ssub8 %1, %0, %2\n\tsel %0, %0, %2" : "+r"(a), "=&r"(difference) : "r"(b) : "cc");
  return a;
}

static inline uint32_t atml_smaller_bytes(uint32_t a, uint32_t b) {
  uint32_t difference;
  __asm__("ssub8 %1, %0, %2\n\tsel %0, %2, %0" : "+r"(a), "=&r"(difference) : "r"(b) : "cc");
  return a;
}

static inline uint32_t atml_four_bytes(int32_t value) { return (uint32_t)(uint8_t)value * 0x01010101u; }

#endif

#endif
