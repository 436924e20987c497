/* Weights of 4 bits, two a byte, the first in the low half, two's complement. */
#ifndef ATML_NIBBLES_H
#define ATML_NIBBLES_H

#include <stdint.h>

static inline int32_t atml_nibble(const int8_t *packed, int32_t i) {
  const int32_t byte = packed[i >> 1];
  return (((i & 1) != 0) ? byte : (int32_t)(int8_t)(uint8_t)((uint32_t)byte << 4)) >> 4;
}

/* Weight i of an array of 4 bits (nibbles != 0) or 8. */
static inline int32_t atml_weight(const int8_t *weights, int32_t i, int32_t nibbles) {
  return (nibbles != 0) ? atml_nibble(weights, i) : weights[i];
}

#endif
