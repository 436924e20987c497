/* Row streaming: a group of neighbouring layers runs row by row. What lies between them is held in line
 * buffers of a few rows instead of whole activations; no row is computed twice.
 *
 * The most downstream layer whose input rows are there runs next, so a buffer never holds more rows than the
 * windows that read it need; the generator runs the same loop to size the buffers. */
#ifndef ATML_STREAM_H
#define ATML_STREAM_H

#include <stdint.h>

#include "atml_ops.h"
#include "atml_window.h"

#define ATML_NO_BUFFER 255u

/* One output row of one layer. */
typedef struct {
  int8_t *arena;
  const int8_t *in;   /* first existing row of the window */
  const int8_t *in_2; /* of a second input: row y */
  int8_t *out;
  int32_t rows;  /* existing rows of the window */
  int32_t above; /* rows of padding above them */
  int32_t y;     /* of the output row */
} atml_row;

typedef struct {
  int32_t offset; /* in the arena */
  int32_t row_bytes;
  int16_t height;
  int16_t capacity; /* rows; height where the activation is whole */
  int16_t given;    /* rows that are there before the group starts */
} atml_stream_buffer;

typedef struct {
  void (*row)(const atml_row *r);
  uint8_t in, in_2, out; /* buffers; ATML_NO_BUFFER where there is no second input */
  uint8_t stride, pad;   /* along the rows */
  int32_t extent;        /* rows that a window spans */
} atml_stream_stage;

typedef struct {
  const atml_stream_buffer *buffers;
  const atml_stream_stage *stages; /* in the order of execution */
  int32_t buffer_count, stage_count;
  int32_t state; /* offset in the arena: 4 bytes a buffer */
} atml_stream;

void atml_stream_run(int8_t *arena, const atml_stream *s);

/* Depthwise with multiplier 1, four channels of one pixel at a time, straight from rows of pixels. taps: for
 * each four channels, kernel row and kernel column two words of int16 pairs, twice the weights of channels (0, 2)
 * and (1, 3). table: for each four channels four words 256 bias + right shift - 1, then four multipliers; biases
 * below 2^23, right shifts in [1, 22]. */
typedef struct {
  const int32_t *taps;
  const int32_t *table;
  atml_window window;
  int16_t input_offset;
  int8_t zero_point, low, high; /* of the output */
} atml_rows_depthwise;

/* in: readable for 3 bytes after the last channel; in and out do not overlap. */
void atml_depthwise_rows(const int8_t *in, int8_t *out, const atml_rows_depthwise *p);

/* sums[c] += the row's pixels; a first row sets them. */
void atml_sum_row(const int8_t *in, int32_t *sums, int32_t first, int32_t pixels, int32_t channels);
/* Mean of the sums, rounded half away from zero: atml_global_average in two halves. */
void atml_finish_average(const int32_t *sums, int8_t *out, int32_t positions, int32_t channels);
/* The same for atml_mean. */
void atml_finish_mean(const int32_t *sums, int8_t *out, const atml_mean_params *p);

#endif
