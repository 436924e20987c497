#include "atml_conv_swar_core.h"

void atml_conv_swar(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_conv *p) {
  atml_conv_swar_core(in, out, scratch, p, atml_swar_dot);
}
