#include "atml_ops.h"

void atml_place(const int8_t *in, int8_t *out, int32_t positions, int32_t channels, int32_t out_step,
                const int8_t *table) {
  for (int32_t i = 0; i < positions; i++) {
    if (table != 0) {
      atml_table(in, out, channels, table);
    } else {
      atml_copy(in, out, channels);
    }
    in += channels;
    out += out_step;
  }
}
