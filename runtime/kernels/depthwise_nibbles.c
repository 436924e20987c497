#include "atml_depthwise_core.h"
#include "atml_nibbles.h"

void atml_depthwise_nibbles(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_depthwise *p) {
  int16_t *const ring = (int16_t *)(void *)scratch;
  int16_t *const taps = &ring[p->rows * p->pitch];
  const int32_t count = p->rows * p->row_taps;
  int8_t *const source = (int8_t *)(void *)&taps[2 * p->rows * (p->row_taps + 1)]; /* one channel's, unpacked */
  atml_depthwise_channel channel;
  atml_clear_ring(ring, p);
  for (int32_t c = 0; c < p->channels; c++) {
    for (int32_t i = 0; i < count; i++) {
      source[i] = (int8_t)atml_nibble(p->taps, c * count + i);
    }
    atml_open_channel(source, c, taps, p, &channel);
    atml_run_channel(&in[c], &out[c], ring, p, &channel);
  }
}
