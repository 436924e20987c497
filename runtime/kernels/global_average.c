#include "atml_arithmetic.h"
#include "atml_ops.h"

void atml_global_average(const int8_t *in, int8_t *out, int32_t positions, int32_t channels) {
  for (int32_t c = 0; c < channels; c++) {
    const int8_t *value = &in[c];
    int32_t sum = 0;
    for (int32_t i = 0; i < positions; i++) {
      sum += *value;
      value += channels;
    }
    out[c] = (int8_t)((sum + ((sum > 0) ? (positions / 2) : (-positions / 2))) / positions);
  }
}
