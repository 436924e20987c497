/* Depthwise straight from rows of pixels, pixel by pixel, four channels at a time: for row streaming, where a window
 * is never whole and a few pixels wide. */
#include "atml_dot.h"
#include "atml_dsp.h"
#include "atml_stream.h"
#if ATML_MVE
#include "atml_mve.h"
#endif

/* All channels of one pixel. The assembly reads the fields in this order. */
typedef struct {
  uint32_t input_offset; /* twice, as halfwords */
  int32_t step;          /* bytes from column to column of the input */
  const int32_t *table;
  int32_t zero_point;    /* 2 zero_point + 1 */
  int32_t rows;          /* of taps inside the input */
  int32_t row_step;      /* bytes from the end of one row's columns to the next: row_end() */
  int32_t skipped;       /* bytes of taps outside the input, a row */
  int32_t columns;       /* of taps inside the input */
  int32_t in_next;       /* bytes from behind the last row to the next channels */
  int32_t taps_next;     /* bytes from behind the last row's taps to the next channels' */
  int32_t channels;
} pixel_job;

#if ATML_DSP

/* The unrolled columns leave the input where it is. */
static int32_t row_end(int32_t columns) { return ((columns == 2) || (columns == 3)) ? 0 : columns; }

#if ATML_SINGLE_ROUNDING
#define SCALE(acc, m, c) "smmla " acc ", " acc ", " m ", " c "\n\t"
#else
#define SCALE(acc, m, c) "add " c ", " c ", " acc ", asr #31\n\t" \
                         "smmlar " acc ", " acc ", " m ", " c "\n\t"
#endif

/* Four MACs: r4 input, then odd channels; r5 even channels; r6, r7 taps. */
#define TAP(address)              \
  "ldr r4, " address "\n\t"       \
  "ldrd r6, r7, [r1], #8\n\t"    \
  "sxtab16 r5, r2, r4\n\t"        \
  "sxtab16 r4, r2, r4, ror #8\n\t" \
  "smlabb r8, r5, r6, r8\n\t"     \
  "smlatt r10, r5, r6, r10\n\t"   \
  "smlabb r9, r4, r7, r9\n\t"     \
  "smlatt r11, r4, r7, r11\n\t"
#define NEXT_ROW(again)           \
  "ldrd r4, r5, [sp, #8]\n\t"     \
  "adds r0, r0, r4\n\t"           \
  "adds r1, r1, r5\n\t"           \
  "subs r12, r12, #1\n\t"         \
  "bne " again "\n\t"

/* One channel: the table holds its shift less one, SSAT does the last. */
#define OUTPUT(acc)               \
  "ldrb r5, [lr, #-16]\n\t"       \
  "ldr r4, [lr], #4\n\t"          \
  "lsl r6, r12, r5\n\t"           \
  SCALE(acc, "r4", "r6")          \
  "asr " acc ", " acc ", r5\n\t"  \
  "ssat " acc ", #8, " acc ", asr #1\n\t"

/* r0 in, r1 taps, r2 input offset, r3 step, r8-r11 twice the accumulators, r12 rows left, lr table. Frame: 0 the job
 * from zero_point on, 28 channels left, 32 out, 36 columns left. */
static __attribute__((naked, noinline)) void run_pixel(const int8_t *in __attribute__((unused)),
                                                       const int32_t *taps __attribute__((unused)),
                                                       int8_t *out __attribute__((unused)),
                                                       const pixel_job *j __attribute__((unused))) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "sub sp, #44\n\t"
      "str r2, [sp, #32]\n\t"
      "ldmia r3!, {r2, r4, lr}\n\t"
      "ldmia r3, {r5-r12}\n\t"
      "stmia sp, {r5-r12}\n\t"
      "mov r3, r4\n"
      "1:\n\t" /* four channels */
      "ldmia lr!, {r8-r11}\n\t"
      "ldr r12, [sp, #4]\n\t"
      "ldr r4, [sp, #16]\n\t"
      "asr r8, r8, #7\n\t"
      "asr r9, r9, #7\n\t"
      "asr r10, r10, #7\n\t"
      "asr r11, r11, #7\n\t"
      "cmp r4, #3\n\t"
      "beq 3f\n\t"
      "cmp r4, #2\n\t"
      "beq 2f\n"
      "4:\n\t" /* a row of any number of columns */
      "ldr r4, [sp, #16]\n\t"
      "cmp r4, #0\n\t"
      "beq 6f\n"
      "5:\n\t"
      "str r4, [sp, #36]\n\t" TAP("[r0]")
      "ldr r4, [sp, #36]\n\t"
      "adds r0, r0, r3\n\t"
      "subs r4, r4, #1\n\t"
      "bne 5b\n"
      "6:\n\t" NEXT_ROW("4b")
      "b 7f\n"
      "2:\n\t" TAP("[r0]") TAP("[r0, r3]") NEXT_ROW("2b")
      "b 7f\n"
      "3:\n\t" TAP("[r0]") TAP("[r0, r3]") TAP("[r0, r3, lsl #1]") NEXT_ROW("3b")
      "7:\n\t"
      "ldr r12, [sp, #0]\n\t" OUTPUT("r8") OUTPUT("r9") OUTPUT("r10") OUTPUT("r11")
      "ldrd r4, r5, [sp, #20]\n\t"
      "adds r0, r0, r4\n\t"
      "adds r1, r1, r5\n\t"
      "ldrd r6, r7, [sp, #28]\n\t"
      "subs r6, r6, #4\n\t"
      "bmi 8f\n\t"
      "strb r8, [r7]\n\t"
      "strb r9, [r7, #1]\n\t"
      "strb r10, [r7, #2]\n\t"
      "strb r11, [r7, #3]\n\t"
      "add r7, r7, #4\n\t"
      "strd r6, r7, [sp, #28]\n\t"
      "bne 1b\n\t"
      "b 9f\n"
      "8:\n\t" /* one to three channels: r6 = -3 to -1 */
      "strb r8, [r7]\n\t"
      "cmn r6, #2\n\t"
      "it ge\n\t"
      "strbge r9, [r7, #1]\n\t"
      "it gt\n\t"
      "strbgt r10, [r7, #2]\n"
      "9:\n\t"
      "add sp, #44\n\t"
      "pop {r4-r11, pc}\n\t");
}

#elif ATML_MVE

static int32_t row_end(int32_t columns) { return columns; }

static inline int32x4_t scaled(int32x4_t acc2, int32x4_t multiplier, int32x4_t right, int32_t zero_point) {
#if ATML_SINGLE_ROUNDING
  int32_t acc[4];
  int32_t m[4];
  int32_t r[4];
  vst1q_s32(acc, acc2);
  vst1q_s32(m, multiplier);
  vst1q_s32(r, right);
  for (int32_t i = 0; i < 4; i++) {
    acc[i] = atml_finish(acc[i], m[i], r[i], zero_point);
  }
  return vld1q_s32(acc);
#else
  int32x4_t y = vqrdmulhq_s32(vshrq_n_s32(acc2, 1), multiplier);
  y = vaddq_s32(y, vshrq_n_s32(y, 31)); /* ties away from zero */
  y = vaddq_n_s32(vrshlq_s32(y, vnegq_s32(right)), zero_point);
  return vminq_s32(vmaxq_s32(y, vdupq_n_s32(-128)), vdupq_n_s32(127));
#endif
}

static void run_pixel(const int8_t *in, const int32_t *taps, int8_t *out, const pixel_job *j) {
  static const uint32_t order[4] = {0, 2, 1, 3}; /* of the halfwords of two words of taps */
  const uint32x4_t halves = vld1q_u32(order);
  const int32_t offset = (int16_t)(uint16_t)(j->input_offset & 0xffffu);
  const int32_t *table = j->table;
  for (int32_t left = j->channels; left > 0; left -= 4) {
    const int32x4_t words = vld1q_s32(table);
    int32x4_t acc = vshrq_n_s32(words, 7);
    for (int32_t r = 0; r < j->rows; r++) {
      for (int32_t i = 0; i < j->columns; i++) {
        const int32x4_t tap = vldrhq_gather_shifted_offset_s32((const int16_t *)(const void *)taps, halves);
        acc = vaddq_s32(acc, vmulq_s32(tap, vaddq_n_s32(vldrbq_s32(in), offset)));
        taps = &taps[2];
        in = &in[j->step];
      }
      taps = &taps[j->skipped / 4];
      in = &in[j->row_step];
    }
    const int32x4_t right = vaddq_n_s32(vandq_s32(words, vdupq_n_s32(255)), 1);
    vstrbq_p_s32(out, scaled(acc, vld1q_s32(&table[4]), right, j->zero_point >> 1), vctp32q((uint32_t)left));
    table = &table[8];
    out = &out[4];
    taps = &taps[j->taps_next / 4];
    in = &in[j->in_next];
  }
}

#else

static int32_t row_end(int32_t columns) { return columns; }

/* Twice the products of one channel, after twice its bias; taps: from its halfword of the first tap on. */
static int32_t channel_sum(const int8_t *in, const int16_t *taps, int32_t bias2, const pixel_job *j) {
  const int32_t offset = (int16_t)(uint16_t)(j->input_offset & 0xffffu);
  int32_t acc = bias2;
  for (int32_t r = 0; r < j->rows; r++) {
    for (int32_t i = 0; i < j->columns; i++) {
      acc = atml_add_wrapped(acc, *taps * (*in + offset));
      taps = &taps[4];
      in = &in[j->step];
    }
    taps = &taps[j->skipped / 2];
    in = &in[j->row_step];
  }
  return acc;
}

static void run_pixel(const int8_t *in, const int32_t *taps, int8_t *out, const pixel_job *j) {
  static const uint8_t order[4] = {0, 2, 1, 3}; /* channels of the halfwords of two words of taps */
  const int16_t *tap = (const int16_t *)(const void *)taps;
  const int32_t *table = j->table;
  const int32_t taps_of_rows = j->rows * (8 * j->columns + j->skipped);
  for (int32_t left = j->channels; left > 0; left -= 4) {
    for (int32_t i = 0; (i < 4) && (i < left); i++) {
      const int32_t word = table[i];
      const int32_t acc2 = channel_sum(&in[i], &tap[order[i]], word >> 7, j);
      out[i] = atml_finish(acc2, table[4 + i], (word & 255) + 1, j->zero_point >> 1);
    }
    table = &table[8];
    in = &in[4];
    out = &out[4];
    tap = &tap[(taps_of_rows + j->taps_next) / 2];
  }
}

#endif

void atml_depthwise_rows(const int8_t *in, int8_t *out, const atml_rows_depthwise *p) {
  const atml_window *w = &p->window;
  const int32_t row_bytes = w->in_w * w->in_c * w->dilation_h;
  const int32_t step = w->in_c * w->dilation_w;
  int8_t *to = out;
  pixel_job j = {(uint32_t)(uint16_t)p->input_offset * 0x10001u, step, p->table, 2 * p->zero_point + 1, 0, 0, 0, 0, 0, 0,
                 w->in_c};
  for (int32_t y = 0; y < w->out_h; y++) {
    const int32_t top = y * w->stride_h - w->pad_top;
    const atml_span ky = atml_inside(top, w->kernel_h, w->dilation_h, w->in_h);
    const int8_t *const row = &in[(top + ky.low * w->dilation_h) * w->in_w * w->in_c];
    int32_t start = -w->pad_left;
    j.rows = ky.high - ky.low;
    j.in_next = 4 - j.rows * row_bytes;
    j.taps_next = 8 * w->kernel_w * (w->kernel_h - j.rows);
    for (int32_t x = w->out_w; x > 0; x--) {
      const atml_span kx = atml_inside(start, w->kernel_w, w->dilation_w, w->in_w);
      j.columns = kx.high - kx.low;
      j.skipped = 8 * (w->kernel_w - j.columns);
      j.row_step = row_bytes - row_end(j.columns) * step;
      run_pixel(&row[(start + kx.low * w->dilation_w) * w->in_c], &p->taps[2 * (ky.low * w->kernel_w + kx.low)], to, &j);
      start += w->stride_w;
      to += w->out_c;
    }
  }
  if ((p->low > -128) || (p->high < 127)) { /* rare: what is above saturates */
    for (int32_t i = 0; i < w->out_h * w->out_w * w->out_c; i++) {
      out[i] = atml_clamp_int8(out[i], p->low, p->high);
    }
  }
}
