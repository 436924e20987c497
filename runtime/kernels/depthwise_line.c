#include "atml_depthwise_channel.h"
#include "atml_line.h"

void atml_depthwise_line(const int8_t *in, int8_t *out, int8_t *scratch, const atml_packed_depthwise *p) {
  const int8_t *source = p->taps;
  atml_depthwise_channel channel;
  atml_line line;
  atml_line_open(&line, scratch, p);
  for (int32_t c = 0; c < p->channels; c++) {
    const int8_t *from = &in[c];
    int8_t *to = &out[c];
    const int32_t folded = atml_line_taps(source, &line);
    atml_open_factors(c, (p->per_channel != 0) ? c : 0, folded, p, &channel);
    atml_line_factors(&line, &channel);
    source += p->row_taps;
    for (int32_t y = p->out_y; y > 0; y--) {
      atml_line_load(from, &line);
      atml_line_run(&line, to);
      from += p->stride_y * p->in_step_y;
      to += p->out_step_y;
    }
  }
}
