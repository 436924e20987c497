/* Dense layers with weights in a prefix code (atml_filters.h): each is decoded where it is used, so that neither RAM
 * nor a table is needed. */
#include "atml_dot.h"

/* The next bits of the codes, from the highest on. At least 16 of them are there, the longest code. */
typedef struct {
  const uint8_t *next;
  uint32_t window;
  int32_t missing; /* 16 less the bits in the window: below zero */
} bit_reader;

static inline uint32_t load_bits(const uint8_t *p) { return (uint32_t)(uint16_t)atml_load_int16(p); }

static inline void drop_bits(bit_reader *r, int32_t count) {
  r->window <<= count;
  r->missing += count;
  if (r->missing >= 0) {
    r->window |= load_bits(r->next) << r->missing;
    r->next += 2;
    r->missing -= 16;
  }
}

/* Zeros before the first one of the window, which has one. */
static inline int32_t leading_zeros(uint32_t window) {
#if defined(__GNUC__) && !defined(__riscv) && !(defined(__thumb__) && !defined(__thumb2__))
  return __builtin_clz(window);
#else
  int32_t zeros = 0;
  while ((window & 0x80000000u) == 0u) {
    window <<= 1;
    zeros++;
  }
  return zeros;
#endif
}

static inline int32_t next_weight(bit_reader *r, int32_t low_bits) {
  const uint32_t low = r->window >> (32 - low_bits);
  const int32_t zeros = leading_zeros(r->window << low_bits);
  const uint32_t code = low + ((uint32_t)zeros << low_bits);
  drop_bits(r, zeros + (low_bits + 1));
  return (int32_t)(code >> 1) ^ -(int32_t)(code & 1u);
}

/* The products of one channel, summed. */
static inline int32_t channel_sum(const int8_t *in, int32_t inputs, bit_reader *reader) {
  const int8_t *const end = &in[inputs];
  bit_reader r = *reader;
  const int32_t low_bits = (int32_t)(r.window >> 29) + 1;
  int32_t acc = 0;
  drop_bits(&r, 3);
  do {
    acc += *in * next_weight(&r, low_bits);
    in++;
  } while (in != end);
  *reader = r;
  return acc;
}

void atml_dense_coded(const int8_t *in, int8_t *out, const atml_coded_filter *f) {
  bit_reader r = {&f->codes[4], (load_bits(f->codes) << 16) | load_bits(&f->codes[2]), -16};
  const int32_t *multiplier = f->multipliers;
  for (int32_t c = 0; c < f->channels; c++) {
    const int32_t word = f->words[c];
    const int32_t acc = atml_add_wrapped(channel_sum(in, f->inputs, &r), atml_bias_of(word));
    out[c] = atml_finish(2 * acc, *multiplier, atml_right_of(word), f->zero_point);
    multiplier += f->multiplier_step;
  }
}
