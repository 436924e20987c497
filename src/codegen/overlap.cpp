#include "codegen/overlap.h"

#include <algorithm>
#include <vector>

namespace atml::codegen {

using namespace quantize;

namespace {

// Lowest input address that output pixels >= p read, for each p; one past the end for p = pixels.
std::vector<std::int64_t> first_needed(const network::Window& w, const Shape& in,
                                       const Shape& out) {
  const std::size_t pixels =
      static_cast<std::size_t>(out.height) * static_cast<std::size_t>(out.width);
  std::vector<std::int64_t> needed(pixels + 1, in.elements());
  for (std::size_t p = pixels; p-- > 0;) {
    const int y = static_cast<int>(p) / out.width * w.stride_h - w.pad_top(in.height);
    const int x = static_cast<int>(p) % out.width * w.stride_w - w.pad_left(in.width);
    const std::int64_t address =
        (static_cast<std::int64_t>(std::max(0, y)) * in.width + std::max(0, x)) * in.channels;
    needed[p] = std::min(needed[p + 1], address);
  }
  return needed;
}

// Groups of four pixels are read whole before they are written, then single pixels.
Overlap by_groups(const network::Window& w, const Shape& in, const Shape& out) {
  const auto needed = first_needed(w, in, out);
  const std::int64_t pixels = static_cast<std::int64_t>(needed.size()) - 1;
  std::int64_t distance = -in.elements();
  for (std::int64_t end = 1; end < pixels; ++end) {
    if (end < pixels / 4 * 4 && end % 4 != 0) continue;
    distance = std::max(distance, end * out.channels - needed[static_cast<std::size_t>(end)]);
  }
  return {Overlap::Kind::kAtLeast, distance};
}

// Each output channel of a pixel reads the whole window again.
Overlap by_pixels(const network::Window& w, const Shape& in, const Shape& out) {
  const auto needed = first_needed(w, in, out);
  std::int64_t distance = -in.elements();
  for (std::size_t p = 0; p + 1 < needed.size(); ++p) {
    distance = std::max(distance, static_cast<std::int64_t>(p + 1) * out.channels - needed[p]);
  }
  return {Overlap::Kind::kAtLeast, distance};
}

// Channel c reads channel c only, then writes it: a pixel may lie on its own window.
Overlap by_channels(const network::Window& w, const Shape& in, const Shape& out) {
  const auto needed = first_needed(w, in, out);
  std::int64_t distance = -in.elements();
  for (std::size_t p = 0; p + 1 < needed.size(); ++p) {
    distance = std::max(distance, static_cast<std::int64_t>(p) * out.channels - needed[p]);
  }
  return {Overlap::Kind::kAtLeast, distance};
}

const network::Window& window_of(const Op& op) {
  if (const auto* c = std::get_if<Conv>(&op.kind)) return c->window;
  if (const auto* d = std::get_if<Depthwise>(&op.kind)) return d->window;
  if (const auto* m = std::get_if<MaxPool>(&op.kind)) return m->window;
  return std::get<AveragePool>(op.kind).window;
}

bool slides_in_place(const Op& op, const Shape& in, const Shape& out) {
  const network::Window& w = window_of(op);
  return in == out && w.stride_h == 1 && w.stride_w == 1;
}

// One line, which lies in scratch as a whole before its outputs are written.
bool is_shorter_line(const Shape& in, const Shape& out) {
  const bool column = in.width == 1 && out.width == 1 && out.height <= in.height;
  const bool row = in.height == 1 && out.height == 1 && out.width <= in.width;
  return column || row;
}

}  // namespace

Overlap overlap_rule(const Int8Model& model, const Op& op, const KernelChoice& choice, int n) {
  const Shape& in = model.input_of(op, n).shape;
  const Shape& out = model.output_of(op).shape;
  switch (choice.kernel) {
    case Kernel::kConvPacked:
    case Kernel::kPointwisePacked:
    case Kernel::kConvSwar:
    case Kernel::kPointwiseSwar:
    case Kernel::kConvNibblesSwar:
    case Kernel::kPointwiseNibblesSwar:
    case Kernel::kConvNibbles:
    case Kernel::kPointwiseNibbles:
      return by_groups(window_of(op), in, out);
    case Kernel::kConvPlain:
      return by_pixels(window_of(op), in, out);
    case Kernel::kDepthwisePlain:
      return in.channels == out.channels ? by_channels(window_of(op), in, out)
                                         : by_pixels(window_of(op), in, out);
    case Kernel::kMaxPool:
    case Kernel::kAveragePool:
      return by_channels(window_of(op), in, out);
    case Kernel::kDepthwisePacked:
    case Kernel::kDepthwiseNibbles:
      return {slides_in_place(op, in, out) ? Overlap::Kind::kExact : Overlap::Kind::kNever, 0};
    case Kernel::kDepthwiseLine:
      return {slides_in_place(op, in, out) || is_shorter_line(in, out) ? Overlap::Kind::kExact
                                                                       : Overlap::Kind::kNever,
              0};
    case Kernel::kAdd:
    case Kernel::kAddHalf:
    case Kernel::kAddLinear:
    case Kernel::kMul:
      return {in == out ? Overlap::Kind::kAtLeast : Overlap::Kind::kNever, 0};
    case Kernel::kGlobalAverage:
    case Kernel::kMean:
    case Kernel::kSoftmax:
    case Kernel::kTable:
      return {Overlap::Kind::kAtLeast, 0};
    case Kernel::kNone:
    case Kernel::kDensePacked:
    case Kernel::kDenseNibbles:
    case Kernel::kDenseCoded:
    case Kernel::kDensePlain:
    case Kernel::kPlace:
    case Kernel::kPad:
    case Kernel::kDepthwiseRows:
    case Kernel::kSumRow:
      return {};
  }
  ATML_UNREACHABLE("unknown kernel");
}

}  // namespace atml::codegen
