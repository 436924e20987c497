#include "atml_pointwise_core.h"

void atml_pointwise_packed(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_pointwise *p) {
  atml_pointwise_core(in, out, scratch, p, ATML_DOTS(atml_dot_4, atml_dot_1));
}
