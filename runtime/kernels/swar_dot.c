#include "atml_swar_dot.h"

void atml_swar_dot(const int32_t *patch, int8_t *out, const atml_packed_filter *f, int32_t pixels) {
  atml_swar_channels(patch, out, f, pixels, atml_swar_sums);
}
