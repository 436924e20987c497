#include "atml_arithmetic.h"
#include "atml_filters.h"
#include "atml_nibbles.h"

void atml_dense_plain(const int8_t *in, int8_t *out, const atml_plain_dense *p) {
  const atml_plain_filter *f = &p->filter;
  for (int32_t c = 0; c < p->out; c++) {
    const int32_t s = (f->per_channel != 0) ? c : 0;
    int32_t acc = f->bias[c];
    for (int32_t i = 0; i < p->in; i++) {
      acc += atml_weight(f->weights, c * p->in + i, f->nibbles) * (in[i] + f->input_offset);
    }
    out[c] = atml_clamp_int8(atml_requantize(acc, f->multiplier[s], f->shift[s]) + f->output_offset, f->low, f->high);
  }
}
