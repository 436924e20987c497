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
  if ((start >= 0) && (start + (taps - 1) * dilation < size)) {
    return s; /* the usual case */
  }
  while ((s.low < taps) && (start + s.low * dilation < 0)) {
    s.low++;
  }
  while ((s.high > s.low) && (start + (s.high - 1) * dilation >= size)) {
    s.high--;
  }
  return s;
}

/* One window of one group of four channels. */
typedef struct {
  int32_t rows, columns; /* of taps inside the input */
  int32_t step, row_step; /* bytes from column to column and row to row of the input */
  int32_t skipped;       /* words of taps outside the input, a row */
  int32_t input_offset, zero_point;
  int32_t left;          /* channels from here on: fewer than 4 in the last group */
} window_job;

#if ATML_DSP

/* Four MACs: r4 input, then odd channels; r5 even channels; r6, r7 taps. */
#define TAP(address)                          \
  "ldr r4, " address "\n\t"                   \
  "ldrd r6, r7, [%1], #8\n\t"                \
  "sxtab16 r5, %6, r4\n\t"                   \
  "sxtab16 r4, %6, r4, ror #8\n\t"           \
  "smlabb %2, r5, r6, %2\n\t"                \
  "smlatt %4, r5, r6, %4\n\t"                \
  "smlabb %3, r4, r7, %3\n\t"                \
  "smlatt %5, r4, r7, %5\n\t"
#define TAPS(text)                                                                                       \
  __asm__(text : "+r"(x), "+r"(taps), "+r"(acc_0), "+r"(acc_1), "+r"(acc_2), "+r"(acc_3) : "r"(offset), \
          "r"(step) : "r4", "r5", "r6", "r7", "memory")

static inline int8_t finished(int32_t acc, const finish *f) {
  const int32_t twice = acc * 2;
  int32_t high;
#if ATML_SINGLE_ROUNDING
  __asm__("smmla %0, %1, %2, %3" : "=r"(high) : "r"(twice), "r"(f->multiplier), "r"(f->constant));
#else
  const int32_t constant = f->constant + (twice >> 31);
  __asm__("smmlar %0, %1, %2, %3" : "=r"(high) : "r"(twice), "r"(f->multiplier), "r"(constant));
#endif
  high >>= f->right;
  __asm__("ssat %0, #8, %1" : "=r"(high) : "r"(high));
  return (int8_t)high;
}

#if defined(__OPTIMIZE_SIZE__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((optimize("ira-algorithm=priority"))) /* at -Os GCC finds no registers for TAPS otherwise */
#endif
static ATML_NOINLINE void four_channels(const int8_t *in, const int32_t *taps, int8_t *out, const finish *f,
                                        const window_job *j) {
  int32_t acc_0 = f[0].bias;
  int32_t acc_1 = f[1].bias;
  int32_t acc_2 = f[2].bias;
  int32_t acc_3 = f[3].bias;
  const uint32_t offset = (uint32_t)(uint16_t)j->input_offset * 0x10001u;
  const int32_t step = j->step;
  for (int32_t r = j->rows; r > 0; r--) {
    const int8_t *x = in;
    if (j->columns == 3) { /* the usual windows, unrolled */
      TAPS(TAP("[%0]") TAP("[%0, %7]") TAP("[%0, %7, lsl #1]"));
    } else if (j->columns == 2) {
      TAPS(TAP("[%0]") TAP("[%0, %7]"));
    } else {
      for (int32_t i = j->columns; i > 0; i--) {
        TAPS(TAP("[%0]") "add %0, %0, %7\n\t");
      }
    }
    taps += j->skipped;
    in += j->row_step;
  }
  out[0] = finished(acc_0, &f[0]);
  if (j->left > 1) {
    out[1] = finished(acc_1, &f[1]);
  }
  if (j->left > 2) {
    out[2] = finished(acc_2, &f[2]);
  }
  if (j->left > 3) {
    out[3] = finished(acc_3, &f[3]);
  }
}

#else

static void four_channels(const int8_t *in, const int32_t *taps, int8_t *out, const finish *f, const window_job *j) {
  const int32_t channels = (j->left < 4) ? j->left : 4;
  for (int32_t c = 0; c < channels; c++) {
    const int32_t *tap = taps;
    int32_t acc = f[c].bias;
    for (int32_t r = 0; r < j->rows; r++) {
      for (int32_t i = 0; i < j->columns; i++) {
        const int32_t pair = tap[c & 1];
        const int32_t weight = (c < 2) ? (int16_t)pair : (pair >> 16);
        acc += weight * (in[r * j->row_step + i * j->step + c] + j->input_offset);
        tap += 2;
      }
      tap += j->skipped;
    }
    out[c] = atml_finish(acc * 2, f[c].multiplier, f[c].right, j->zero_point);
  }
}

#endif

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

/* All pixels of four channels. */
static void run_group(const int8_t *in, const int32_t *taps, int8_t *out, const finish *f, window_job *j,
                      const atml_window *w) {
  for (int32_t y = 0; y < w->out_h; y++) {
    const int32_t top = y * w->stride_h - w->pad_top;
    const span ky = inside(top, w->kernel_h, w->dilation_h, w->in_h);
    const int32_t row = (top + ky.low * w->dilation_h) * w->in_w;
    int32_t start = -w->pad_left;
    j->rows = ky.high - ky.low;
    for (int32_t x = w->out_w; x > 0; x--) {
      const span kx = inside(start, w->kernel_w, w->dilation_w, w->in_w);
      j->columns = kx.high - kx.low;
      j->skipped = 2 * (w->kernel_w - j->columns);
      four_channels(&in[(row + start + kx.low * w->dilation_w) * w->in_c],
                    &taps[2 * (ky.low * w->kernel_w + kx.low)], out, f, j);
      start += w->stride_w;
      out += w->out_c;
    }
  }
}

void atml_depthwise_rows(const int8_t *in, int8_t *out, const atml_rows_depthwise *p) {
  const atml_window *w = &p->window;
  const int32_t *taps = p->taps;
  window_job j = {0, 0, w->in_c * w->dilation_w, w->in_w * w->in_c * w->dilation_h, 0, p->input_offset, p->zero_point, 0};
  for (int32_t c = 0; c < w->in_c; c += 4) {
    finish f[4];
    j.left = w->in_c - c;
    load_finish(f, p, c, j.left);
    run_group(&in[c], taps, &out[c], f, &j, w);
    taps += 2 * w->kernel_h * w->kernel_w;
  }
  if ((p->low > -128) || (p->high < 127)) { /* rare: what is above saturates */
    for (int32_t i = 0; i < w->out_h * w->out_w * w->out_c; i++) {
      out[i] = atml_clamp_int8(out[i], p->low, p->high);
    }
  }
}
