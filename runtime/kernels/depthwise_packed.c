#include "atml_depthwise_core.h"

void atml_depthwise_packed(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_depthwise *p) {
  int16_t *const ring = (int16_t *)(void *)scratch;
  int16_t *const taps = &ring[p->rows * p->pitch];
  const int32_t count = p->rows * p->row_taps;
  const int8_t *source = p->taps;
  atml_depthwise_channel channel;
  atml_clear_ring(ring, p);
  for (int32_t c = 0; c < p->channels; c++) {
    atml_open_channel(source, c, taps, p, &channel);
    source += count;
    atml_run_channel(&in[c], &out[c], ring, p, &channel);
  }
}
