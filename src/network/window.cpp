#include <algorithm>

#include "network/network.h"

namespace atml::network {
namespace {

int output_size(int input, int kernel, int stride, int dilation, Padding padding) {
  if (padding == Padding::kSame) return (input + stride - 1) / stride;
  const int reach = dilation * (kernel - 1) + 1;
  return input < reach ? 0 : (input - reach) / stride + 1;
}

int pad_before(int input, int kernel, int stride, int dilation, Padding padding) {
  if (padding == Padding::kValid) return 0;
  const int reach = dilation * (kernel - 1) + 1;
  const int output = output_size(input, kernel, stride, dilation, padding);
  return std::max(0, (output - 1) * stride + reach - input) / 2;
}

}  // namespace

int Window::output_height(int input) const {
  return output_size(input, kernel_h, stride_h, dilation_h, padding);
}
int Window::output_width(int input) const {
  return output_size(input, kernel_w, stride_w, dilation_w, padding);
}
int Window::pad_top(int input) const {
  return pad_before(input, kernel_h, stride_h, dilation_h, padding);
}
int Window::pad_left(int input) const {
  return pad_before(input, kernel_w, stride_w, dilation_w, padding);
}

}  // namespace atml::network
