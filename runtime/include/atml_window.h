/* A window that slides over height and width of an HWC activation. All values >= 1, padding >= 0.
 * Padding after the last row and column follows from the output size. */
#ifndef ATML_WINDOW_H
#define ATML_WINDOW_H

#include <stdint.h>

typedef struct {
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  uint8_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
} atml_window;

/* Of a window's taps along one axis those inside the input: [low, high). start: of the first tap. */
typedef struct {
  int32_t low, high;
} atml_span;

static inline atml_span atml_inside(int32_t start, int32_t taps, int32_t dilation, int32_t size) {
  atml_span s = {0, taps};
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

#endif
