#include "atml_stream.h"

#include "atml_dsp.h"

ATML_SELDOM

typedef struct {
  int16_t first;  /* row at the buffer's start */
  int16_t filled; /* rows that were written */
} row_state;

static int32_t at_most(int32_t value, int32_t limit) { return (value < limit) ? value : limit; }

/* Whether all input rows of the stage's next output row are there. */
static int32_t is_ready(const atml_stream *s, const row_state *state, const atml_stream_stage *stage) {
  const int32_t y = state[stage->out].filled;
  const int32_t end = y * stage->stride - stage->pad + stage->extent;
  if (y == s->buffers[stage->out].height) {
    return 0;
  }
  if ((stage->in_2 != ATML_NO_BUFFER) && (state[stage->in_2].filled <= y)) {
    return 0;
  }
  return (state[stage->in].filled >= at_most(end, s->buffers[stage->in].height)) ? 1 : 0;
}

/* First row of buffer b that is still to be read. */
static int32_t first_needed(const atml_stream *s, const row_state *state, int32_t b) {
  int32_t row = state[b].filled;
  for (int32_t i = 0; i < s->stage_count; i++) {
    const atml_stream_stage *stage = &s->stages[i];
    const int32_t y = state[stage->out].filled;
    if (y < s->buffers[stage->out].height) {
      if ((int32_t)stage->in == b) {
        row = at_most(row, y * stage->stride - stage->pad);
      }
      if ((int32_t)stage->in_2 == b) {
        row = at_most(row, y);
      }
    }
  }
  return (row > 0) ? row : 0;
}

static int8_t *row_at(int8_t *arena, const atml_stream *s, const row_state *state, int32_t b, int32_t row) {
  return &arena[s->buffers[b].offset + (row - state[b].first) * s->buffers[b].row_bytes];
}

/* To lower addresses: what lies between is overwritten after it was read. Words where both are aligned. */
static void copy_down(int8_t *to, const int8_t *from, int32_t bytes) {
  if ((((uintptr_t)to | (uintptr_t)from | (uintptr_t)bytes) & 3u) == 0u) {
    uint32_t *word = (uint32_t *)(void *)to;
    const uint32_t *source = (const uint32_t *)(const void *)from;
    int32_t words = bytes / 4;
    for (; words >= 4; words -= 4) {
      const uint32_t a = source[0];
      const uint32_t b = source[1];
      const uint32_t c = source[2];
      const uint32_t d = source[3];
      word[0] = a;
      word[1] = b;
      word[2] = c;
      word[3] = d;
      source += 4;
      word += 4;
    }
    for (; words > 0; words--) {
      *word = *source;
      word++;
      source++;
    }
  } else {
    for (int32_t i = 0; i < bytes; i++) {
      to[i] = from[i];
    }
  }
}

/* A full line buffer drops the rows that nobody needs any more. */
static void make_room(int8_t *arena, const atml_stream *s, row_state *state, int32_t b) {
  const atml_stream_buffer *buffer = &s->buffers[b];
  int8_t *const start = &arena[buffer->offset];
  if (state[b].filled - state[b].first < buffer->capacity) {
    return;
  }
  const int32_t keep = first_needed(s, state, b);
  copy_down(start, row_at(arena, s, state, b, keep), (state[b].filled - keep) * buffer->row_bytes);
  state[b].first = (int16_t)keep;
}

static void run_stage(int8_t *arena, const atml_stream *s, row_state *state, const atml_stream_stage *stage) {
  const int32_t y = state[stage->out].filled;
  const int32_t top = y * stage->stride - stage->pad;
  const int32_t end = at_most(top + stage->extent, s->buffers[stage->in].height);
  const int32_t begin = (top > 0) ? top : 0;
  atml_row r = {arena, 0, 0, 0, end - begin, begin - top, y};
  make_room(arena, s, state, stage->out);
  r.in = row_at(arena, s, state, stage->in, begin);
  if (stage->in_2 != ATML_NO_BUFFER) {
    r.in_2 = row_at(arena, s, state, stage->in_2, y);
  }
  r.out = row_at(arena, s, state, stage->out, y);
  stage->row(&r);
  state[stage->out].filled++;
}

void atml_stream_run(int8_t *arena, const atml_stream *s) {
  row_state *const state = (row_state *)(void *)&arena[s->state];
  int32_t i = s->stage_count - 1;
  for (int32_t b = 0; b < s->buffer_count; b++) {
    state[b].first = 0;
    state[b].filled = s->buffers[b].given;
  }
  while (i >= 0) { /* a stage that ran may have made the next ones ready, none before it */
    if (is_ready(s, state, &s->stages[i]) != 0) {
      run_stage(arena, s, state, &s->stages[i]);
      i = s->stage_count - 1;
    } else {
      i--;
    }
  }
}
