#include "atml_pointwise_swar_core.h"

void atml_pointwise_nibbles_swar(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_pointwise *p) {
  atml_pointwise_swar_core(in, out, scratch, p, atml_swar_nibble_dot);
}
