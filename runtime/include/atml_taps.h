/* The taps of a pooling window that lie inside the input. */
#ifndef ATML_TAPS_H
#define ATML_TAPS_H

#include <stdint.h>

#include "atml_dsp.h"
#include "atml_window.h"

typedef struct {
  int32_t rows, columns;
  int32_t row_step, step; /* bytes */
} atml_taps;

/* 2 x 2, the usual window, without loops over its taps. */
static inline int32_t atml_is_square(const atml_taps *t) {
  return (ATML_SMALL == 0) && (t->rows == 2) && (t->columns == 2);
}

#endif
