/* What a channel of atml_packed_depthwise has beside its taps. */
#ifndef ATML_DEPTHWISE_CHANNEL_H
#define ATML_DEPTHWISE_CHANNEL_H

#include <stdint.h>

#include "atml_arithmetic.h"
#include "atml_dot.h"
#include "atml_filters.h"

/* The assembly of dsp_depthwise_row.c knows the order. */
typedef struct {
  int8_t *out; /* a row's own */
  int32_t out_step;
  int32_t bias, multiplier;
  int32_t constant; /* what is added before the right shift: atml_finish_constant() */
  int32_t right;
  const int16_t *end;  /* a row's own: of the first row's input, start + outputs x stride */
  const int16_t *taps; /* as atml_depthwise_pack_taps left them */
} atml_depthwise_channel;

/* Channel c and its place among the factors; folded: what its bias gets from the input zero point. */
static inline void atml_open_factors(int32_t c, int32_t f, int32_t folded, const atml_packed_depthwise *p,
                                     atml_depthwise_channel *channel) {
  if (p->wide != 0) {
    const uint32_t upper = (uint32_t)(int32_t)p->bias[2 * c + 1];
    channel->bias = atml_add_wrapped((int32_t)((upper << 16) | (uint16_t)p->bias[2 * c]), folded);
    channel->multiplier = p->factors[2 * f];
    channel->right = p->factors[2 * f + 1];
  } else {
    const uint32_t factor = (uint32_t)p->factors[f];
    channel->bias = p->bias[c] + folded;
    channel->multiplier = (int32_t)((factor & 0x3FFFFFFFu) | 0x40000000u);
    channel->right = (int32_t)(factor >> 30) + p->right;
  }
  channel->constant = atml_finish_constant(channel->right, p->zero_point);
  channel->out_step = p->out_step_x;
}

#endif
