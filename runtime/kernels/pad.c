#include "atml_memory.h"
#include "atml_ops.h"

static int8_t *fill(int8_t *out, int32_t count, int8_t value) {
  memset(out, value, (size_t)count);
  return &out[count];
}

void atml_pad(const int8_t *in, int8_t *out, const atml_pad_params *p) {
  const int32_t out_c = p->in_c + p->front + p->back;
  const int32_t row = (p->in_w + p->left + p->right) * out_c;
  out = fill(out, p->top * row, p->value);
  for (int32_t y = 0; y < p->in_h; y++) {
    out = fill(out, p->left * out_c, p->value);
    for (int32_t x = 0; x < p->in_w; x++) {
      out = fill(out, p->front, p->value);
      memcpy(out, in, (size_t)p->in_c);
      in += p->in_c;
      out = fill(&out[p->in_c], p->back, p->value);
    }
    out = fill(out, p->right * out_c, p->value);
  }
  (void)fill(out, p->bottom * row, p->value);
}
