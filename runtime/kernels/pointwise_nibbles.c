#include "atml_pointwise_core.h"

void atml_pointwise_nibbles(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_pointwise *p) {
  atml_pointwise_core(in, out, scratch, p, ATML_DOTS(atml_nibble_dot_4, atml_nibble_dot_1));
}
