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

#endif
