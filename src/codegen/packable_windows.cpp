#include "codegen/packable_windows.h"

#include <algorithm>
#include <utility>

namespace atml::codegen {

using namespace quantize;

namespace {

// Per multiply-accumulate of a Cortex-M4 the plain depthwise takes 45 instructions, the packed one
// 4 to 9.
constexpr int kMostZeros = 5;  // taps of zero for each other
constexpr std::int64_t kMostExtraBytes = 4096;
constexpr std::int64_t kLongestSide = 255;  // fields of atml_window

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Weights [outer][height][width][inner] of another window; taps(y, x) gives the old position of a
// tap, or -1 for a zero.
template <class Taps>
std::vector<std::int8_t> moved(const std::vector<std::int8_t>& weights, int old_taps,
                               std::int64_t outer, std::int64_t inner, int height, int width,
                               const Taps& taps) {
  std::vector<std::int8_t> result;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const int from = taps(y, x);
        for (std::int64_t i = 0; i < inner; ++i)
          result.push_back(from < 0 ? std::int8_t{0}
                                    : weights[at((o * old_taps + from) * inner + i)]);
      }
    }
  }
  return result;
}

// A kernel of `size` over one row or column: the only tap that meets it, or -1 where all stay.
int lone_tap(int in, int out, int size, int dilation, int pad) {
  const bool lone = in == 1 && out == 1 && size > 1 && pad % dilation == 0;
  return lone ? pad / dilation : -1;
}

template <class Kind>
bool crop(Kind& kind, const Shape& in, const Shape& out, std::int64_t outer, std::int64_t inner) {
  network::Window& w = kind.window;
  const int row = lone_tap(in.height, out.height, w.kernel_h, w.dilation_h, w.pad_top(in.height));
  const int column = lone_tap(in.width, out.width, w.kernel_w, w.dilation_w, w.pad_left(in.width));
  if (row < 0 && column < 0) return false;
  const network::Window old = w;
  if (row >= 0) w.kernel_h = w.stride_h = w.dilation_h = 1;
  if (column >= 0) w.kernel_w = w.stride_w = w.dilation_w = 1;
  kind.filter.weights =
      moved(kind.filter.weights, old.kernel_h * old.kernel_w, outer, inner, w.kernel_h, w.kernel_w,
            [&](int y, int x) {
              return (row >= 0 ? row : y) * old.kernel_w + (column >= 0 ? column : x);
            });
  return true;
}

bool fill_gaps(Depthwise& d) {
  network::Window& w = d.window;
  if (w.kernel_h == 1) w.dilation_h = 1;
  if (w.kernel_w == 1) w.dilation_w = 1;
  if (w.dilation_h == 1 && w.dilation_w == 1) return false;
  const network::Window old = w;
  const std::int64_t rows = (w.kernel_h - std::int64_t{1}) * w.dilation_h + 1;
  const std::int64_t columns = (w.kernel_w - std::int64_t{1}) * w.dilation_w + 1;
  const int taps = w.kernel_h * w.kernel_w;
  if (std::max(rows, columns) > kLongestSide || rows * columns > (kMostZeros + 1) * taps)
    return false;
  const int height = static_cast<int>(rows), width = static_cast<int>(columns);
  d.filter.weights =
      moved(d.filter.weights, taps, 1, static_cast<std::int64_t>(d.filter.bias.size()), height,
            width, [&](int y, int x) {
              const bool gap = y % old.dilation_h != 0 || x % old.dilation_w != 0;
              return gap ? -1 : y / old.dilation_h * old.kernel_w + x / old.dilation_w;
            });
  w.kernel_h = height;
  w.kernel_w = width;
  w.dilation_h = w.dilation_w = 1;
  return true;
}

// Weights [taps][out] become [out][taps][in].
std::optional<Conv> as_conv(const Depthwise& d, int channels) {
  const std::int64_t outputs = static_cast<std::int64_t>(d.filter.bias.size());
  const std::int64_t taps = d.window.kernel_h * d.window.kernel_w;
  if (d.multiplier == 1 || channels == 1) return std::nullopt;
  if (outputs * taps * (channels - 1) > kMostExtraBytes) return std::nullopt;
  Conv c{d.window, d.filter, d.low, d.high, false};
  c.filter.weights.assign(at(outputs * taps * channels), 0);
  for (std::int64_t o = 0; o < outputs; ++o) {
    for (std::int64_t t = 0; t < taps; ++t)
      c.filter.weights[at((o * taps + t) * channels + o / d.multiplier)] =
          d.filter.weights[at(t * outputs + o)];
  }
  return c;
}

}  // namespace

std::optional<Op> with_packable_window(const Int8Model& model, const Op& op) {
  const Shape& in = model.input_of(op).shape;
  const Shape& out = model.output_of(op).shape;
  Op result = op;
  bool changed = false;
  if (auto* conv = std::get_if<Conv>(&result.kind))
    changed = crop(*conv, in, out, out.channels, in.channels);
  if (auto* depthwise = std::get_if<Depthwise>(&result.kind)) {
    changed = crop(*depthwise, in, out, 1, out.channels);
    changed = fill_gaps(*depthwise) || changed;
    if (auto conv = as_conv(*depthwise, in.channels)) {
      result.kind = std::move(*conv);
      changed = true;
    }
  }
  return changed ? std::optional(std::move(result)) : std::nullopt;
}

}  // namespace atml::codegen
