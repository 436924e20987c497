#include "atml_conv_core.h"

void atml_conv_nibbles(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p) {
  atml_conv_core(in, out, scratch, p, ATML_DOTS(atml_nibble_dot_4, atml_nibble_dot_1));
}
