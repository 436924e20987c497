#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_stream.h"

typedef struct {
  int32_t low, high; /* of taps or rows that lie inside the input: [low, high) */
} span;

/* What four outputs need beside their taps. */
typedef struct {
  int32_t bias, multiplier, constant, right;
} finish;

static span inside(int32_t start, int32_t taps, int32_t dilation, int32_t size) {
  span s = {0, taps};
  while ((s.low < taps) && (start + s.low * dilation < 0)) {
    s.low++;
  }
  while ((s.high > s.low) && (start + (s.high - 1) * dilation >= size)) {
    s.high--;
  }
  return s;
}

#if ATML_DSP

#define TAP(x, w)                                                                           \
  do {                                                                                      \
    uint32_t word_, even_, odd_;                                                            \
    __builtin_memcpy(&word_, (x), sizeof word_);                                            \
    __asm__("sxtab16 %0, %1, %2" : "=r"(even_) : "r"(offset), "r"(word_));                  \
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(odd_) : "r"(offset), "r"(word_));           \
    __asm__("smlabb %0, %1, %2, %0" : "+r"(acc_0) : "r"(even_), "r"((w)[0]));               \
    __asm__("smlatt %0, %1, %2, %0" : "+r"(acc_2) : "r"(even_), "r"((w)[0]));               \
    __asm__("smlabb %0, %1, %2, %0" : "+r"(acc_1) : "r"(odd_), "r"((w)[1]));                \
    __asm__("smlatt %0, %1, %2, %0" : "+r"(acc_3) : "r"(odd_), "r"((w)[1]));                \
  } while (0)

static inline int8_t finished(int32_t acc, const finish *f, const atml_rows_depthwise *p) {
  const int32_t twice = acc * 2;
  int32_t high;
#if ATML_SINGLE_ROUNDING
  __asm__("smmla %0, %1, %2, %3" : "=r"(high) : "r"(twice), "r"(f->multiplier), "r"(f->constant));
#else
  const int32_t constant = f->constant + (twice >> 31);
  __asm__("smmlar %0, %1, %2, %3" : "=r"(high) : "r"(twice), "r"(f->multiplier), "r"(constant));
#endif
  return atml_clamp_int8(high >> f->right, p->low, p->high);
}

#else

#define TAP(x, w)                                                      \
  do {                                                                 \
    acc_0 += (int16_t)(w)[0] * ((x)[0] + p->input_offset);             \
    acc_1 += (int16_t)(w)[1] * (((left > 1) ? (x)[1] : 0) + p->input_offset); \
    acc_2 += ((w)[0] >> 16) * (((left > 2) ? (x)[2] : 0) + p->input_offset);  \
    acc_3 += ((w)[1] >> 16) * (((left > 3) ? (x)[3] : 0) + p->input_offset);  \
  } while (0)

static inline int8_t finished(int32_t acc, const finish *f, const atml_rows_depthwise *p) {
  return atml_clamp_int8(atml_finish(acc * 2, f->multiplier, f->right, p->zero_point), p->low, p->high);
}

#endif

/* Four channels of one pixel. corner: index of the window's upper left corner, which may lie outside. */
static inline void four_channels(const int8_t *in, int32_t corner, const int32_t *taps, int8_t *out, const finish *f,
                                 int32_t left, span ky, span kx, const atml_rows_depthwise *p) {
  const atml_window *w = &p->window;
  const int32_t step = w->in_c * w->dilation_w;
  const int32_t row_step = w->in_w * w->in_c * w->dilation_h;
  int32_t acc_0 = f[0].bias;
  int32_t acc_1 = f[1].bias;
  int32_t acc_2 = f[2].bias;
  int32_t acc_3 = f[3].bias;
#if ATML_DSP
  const uint32_t offset = (uint32_t)(uint16_t)p->input_offset * 0x10001u;
#endif
  for (int32_t r = ky.low; r < ky.high; r++) {
    const int8_t *x = &in[corner + r * row_step + kx.low * step];
    const int32_t *tap = &taps[2 * (r * w->kernel_w + kx.low)];
    int32_t count = kx.high - kx.low;
    if (count == 3) { /* the usual window, unrolled */
      TAP(x, tap);
      TAP(&x[step], &tap[2]);
      TAP(&x[2 * step], &tap[4]);
      count = 0;
    }
    for (; count > 0; count--) {
      TAP(x, tap);
      x += step;
      tap += 2;
    }
  }
  out[0] = finished(acc_0, &f[0], p);
  if (left > 1) {
    out[1] = finished(acc_1, &f[1], p);
  }
  if (left > 2) {
    out[2] = finished(acc_2, &f[2], p);
  }
  if (left > 3) {
    out[3] = finished(acc_3, &f[3], p);
  }
}

static void load_finish(finish *f, const atml_rows_depthwise *p, int32_t c, int32_t left) {
  for (int32_t i = 0; i < 4; i++) {
    const int32_t channel = (i < left) ? (c + i) : c;
    const int32_t s = (p->per_channel != 0) ? channel : 0;
    f[i].bias = p->bias[channel];
    f[i].multiplier = p->multiplier[s];
    f[i].right = p->right[s];
    f[i].constant = (2 * p->zero_point + 1) * ((int32_t)1 << (p->right[s] - 1));
  }
}

void atml_depthwise_rows(const int8_t *in, int8_t *out, const atml_rows_depthwise *p) {
  const atml_window *w = &p->window;
  const int32_t *taps = p->taps;
  for (int32_t c = 0; c < w->in_c; c += 4) {
    const int32_t left = w->in_c - c;
    finish f[4];
    load_finish(f, p, c, left);
    for (int32_t y = 0; y < w->out_h; y++) {
      const int32_t top = y * w->stride_h - w->pad_top;
      const span ky = inside(top, w->kernel_h, w->dilation_h, w->in_h);
      for (int32_t x = 0; x < w->out_w; x++) {
        const int32_t start = x * w->stride_w - w->pad_left;
        const span kx = inside(start, w->kernel_w, w->dilation_w, w->in_w);
        four_channels(in, (top * w->in_w + start) * w->in_c + c, taps, &out[(y * w->out_w + x) * w->out_c + c], f,
                      left, ky, kx, p);
      }
    }
    taps += 2 * w->kernel_h * w->kernel_w;
  }
}
