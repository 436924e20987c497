/* The depthwise convolution around its rows, for weights of 8 and 4 bits. */
#ifndef ATML_DEPTHWISE_CORE_H
#define ATML_DEPTHWISE_CORE_H

#include "atml_depthwise_row.h"

/* One channel of input row y into a row of the ring; the padding beside it is already there. Four at a
 * time: this loop is a sixth of the kernel's work. */
static ATML_NOINLINE void atml_load_row(const int8_t *in, int16_t *row, const atml_packed_depthwise *p, int32_t y) {
  const int8_t outside = p->input_zero_point;
  const int32_t inside = ((y >= 0) && (y < p->in_y)) ? 1 : 0;
  const int32_t step = (inside != 0) ? p->in_step_x : 0;
  int32_t left = p->in_x;
  in = (inside != 0) ? &in[y * p->in_step_y] : &outside;
  row += p->pad_x;
  for (; left >= 4; left -= 4) {
    row[0] = in[0];
    row[1] = in[step];
    in += 2 * step;
    row[2] = in[0];
    row[3] = in[step];
    in += 2 * step;
    row += 4;
  }
  for (; left > 0; left--) {
    *row = *in;
    row++;
    in += step;
  }
}

/* All output rows of one channel. Row y of the input is in the ring before row y of the output is
 * written, so out may be in when the strides are 1 and the shapes are equal. */
static inline void atml_run_channel(const int8_t *in, int8_t *out, int16_t *ring, const atml_packed_depthwise *p,
                                    atml_depthwise_channel *channel) {
  int16_t *rows[ATML_DEPTHWISE_ROWS]; /* of the window, the oldest first */
  const int32_t last = p->rows - 1;
  int32_t loaded = -p->pad_y; /* next input row to load */
  int32_t below = last + 1 - p->pad_y;
  for (int32_t r = 0; r <= last; r++) {
    rows[r] = &ring[r * p->pitch];
  }
  for (int32_t y = 0; y < p->out_y; y++) {
    for (; loaded < below; loaded++) {
      int16_t *const oldest = rows[0];
      for (int32_t r = 0; r < last; r++) {
        rows[r] = rows[r + 1];
      }
      rows[last] = oldest;
      atml_load_row(in, oldest, p, loaded);
    }
    atml_depthwise_row(rows, out, p, channel);
    out += p->out_step_y;
    below += p->stride_y;
  }
}

/* Channel c; source: its taps in the order of the generator. */
static inline void atml_open_channel(const int8_t *source, int32_t c, int16_t *taps, const atml_packed_depthwise *p,
                                     atml_depthwise_channel *channel) {
  const int32_t f = (p->per_channel != 0) ? c : 0;
  const int32_t folded = -atml_depthwise_pack_taps(source, taps, p) * p->input_zero_point;
  channel->taps = taps;
  atml_open_factors(c, f, folded, p, channel);
}

static inline void atml_clear_ring(int16_t *ring, const atml_packed_depthwise *p) {
  for (int32_t i = 0; i < p->rows * p->pitch; i++) {
    ring[i] = p->input_zero_point;
  }
}

#endif
