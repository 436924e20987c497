#include "atml_dot.h"

void atml_dense_nibbles(const int8_t *in, int8_t *out, const atml_packed_filter *f) { atml_nibble_dot_1(in, out, f); }
