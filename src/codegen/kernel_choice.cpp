#include "codegen/kernel_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codegen/linear_add.h"
#include "codegen/packing_bounds.h"

namespace atml::codegen {

using namespace quantize;

namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

constexpr int kLargestWindow = 255;  // fields of atml_window
constexpr int kDepthwiseRows = 8;    // ATML_DEPTHWISE_ROWS

std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

Error unsupported(std::string message) { return {Code::kUnsupported, std::move(message)}; }

Status check_window(const network::Window& w, const Shape& in) {
  for (const int n : {w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.dilation_h, w.dilation_w,
                      w.pad_top(in.height), w.pad_left(in.width)}) {
    if (n > kLargestWindow) {
      return unsupported(
          fmt::format("a kernel, stride, dilation or padding of {} is above the runtime's {}", n,
                      kLargestWindow));
    }
  }
  return {};
}

bool covers_input(const network::Window& w, const Shape& in, const Shape& out) {
  return out.height == 1 && out.width == 1 && w.kernel_h == in.height && w.kernel_w == in.width &&
         w.dilation_h == 1 && w.dilation_w == 1 && w.pad_top(in.height) == 0 &&
         w.pad_left(in.width) == 0;
}

bool is_pointwise(const network::Window& w) {
  return w.kernel_h == 1 && w.kernel_w == 1 && w.stride_h == 1 && w.stride_w == 1;
}

bool is_line(const network::Window& w) { return w.kernel_h == 1 || w.kernel_w == 1; }

bool factors_differ(const FilterParams& p) {
  return std::ranges::any_of(p.multipliers,
                             [&](const Multiplier& m) { return !(m == p.multipliers[0]); });
}

bool is_half(const Multiplier& m) { return m.mantissa == 1 << 30 && m.shift == 0; }

bool is_plain(Kernel kernel) {
  return kernel == Kernel::kConvPlain || kernel == Kernel::kDepthwisePlain ||
         kernel == Kernel::kDensePlain;
}

Kernel nibble_kernel(Kernel packed) {
  switch (packed) {
    case Kernel::kConvPacked:
      return Kernel::kConvNibbles;
    case Kernel::kPointwisePacked:
      return Kernel::kPointwiseNibbles;
    case Kernel::kDensePacked:
      return Kernel::kDenseNibbles;
    case Kernel::kDepthwisePacked:
      return Kernel::kDepthwiseNibbles;
    default:
      ATML_UNREACHABLE("a kernel without packed weights");
  }
}

struct Chooser {
  const Int8Model& model;
  const Op& op;
  bool assume_live;

  const Tensor& in() const { return model.input_of(op); }
  const Tensor& out() const { return model.output_of(op); }

  bool packs(const FilterShape& shape, const FilterParams& p, bool pairs) const {
    if (assume_live && all_zero(*filter_of(op))) return true;
    return filter_packs(op, shape, p, pairs);
  }

  bool per_channel(const FilterParams& p) const {
    if (assume_live && all_zero(*filter_of(op))) return p.multipliers.size() > 1;
    return factors_differ(p);
  }

  std::int64_t weight_bytes(const FilterShape& shape) const {
    const std::int64_t count = static_cast<std::int64_t>(shape.outputs) * shape.inputs;
    return has_nibbles(op) ? (count + 1) / 2 : count;
  }

  KernelChoice plain(Kernel kernel, const FilterShape& shape, const FilterParams& p) const {
    KernelChoice c;
    c.kernel = kernel;
    c.per_channel = per_channel(p);
    c.nibbles = has_nibbles(op);
    c.weights = round_up(weight_bytes(shape), 4);
    const std::int64_t factors = c.per_channel ? shape.outputs : 1;
    c.tables = 4 * static_cast<std::int64_t>(shape.outputs) + 4 * factors + round_up(factors, 4);
    return c;
  }

  // Pairs of channels: conv, pointwise, dense.
  KernelChoice packed(Kernel kernel, const FilterShape& shape, const FilterParams& p) const {
    KernelChoice c;
    c.kernel = kernel;
    c.per_channel = per_channel(p);
    c.clamp = p.low > -128 || p.high < 127;
    const std::int64_t pairs = (shape.outputs + 1) / 2;
    const std::int64_t k = packed_inputs(shape.inputs);
    c.nibbles = has_nibbles(op);
    c.weights = pairs * (c.nibbles ? k : 2 * k);
    c.tables = pairs * 8 + (c.per_channel ? pairs : 1) * 8;
    if (kernel != Kernel::kDensePacked) c.scratch = round_up(9 * k, 4);
    if (c.nibbles) c.kernel = nibble_kernel(kernel);
    return c;
  }

  Result<KernelChoice> convolution(const network::Window& w) const {
    const FilterShape shape = filter_shape(model, op);
    const FilterParams p = filter_params(model, op);
    if (covers_input(w, in().shape, out().shape)) {
      return packs(shape, p, true) ? packed(Kernel::kDensePacked, shape, p)
                                   : plain(Kernel::kDensePlain, shape, p);
    }
    ATML_TRY_STATUS(check_window(w, in().shape));
    if (!packs(shape, p, true)) return plain(Kernel::kConvPlain, shape, p);
    return packed(is_pointwise(w) ? Kernel::kPointwisePacked : Kernel::kConvPacked, shape, p);
  }

  Result<KernelChoice> operator()(const Conv& conv) const { return convolution(conv.window); }

  Result<KernelChoice> operator()(const Depthwise& d) const {
    const network::Window& w = d.window;
    ATML_TRY_STATUS(check_window(w, in().shape));
    const FilterShape shape = filter_shape(model, op);
    const FilterParams p = filter_params(model, op);
    if (in().shape.channels == 1) return convolution(w);
    const bool dilated =
        (w.dilation_h > 1 && w.kernel_h > 1) || (w.dilation_w > 1 && w.kernel_w > 1);
    if (d.multiplier > 1 || dilated || !packs(shape, p, false))
      return plain(Kernel::kDepthwisePlain, shape, p);
    if (is_line(w) && !has_nibbles(op)) {
      const bool along_height = w.kernel_h > 1 || (w.kernel_w == 1 && goes_along_height());
      return packed_depthwise(Kernel::kDepthwiseLine, w, shape, p, along_height);
    }
    if (ring_rows(w) > kDepthwiseRows) return plain(Kernel::kDepthwisePlain, shape, p);
    return packed_depthwise(Kernel::kDepthwisePacked, w, shape, p, goes_along_height());
  }

  // Of the ring: x slides along the longer side.
  bool goes_along_height() const { return out().shape.height > out().shape.width; }
  int ring_rows(const network::Window& w) const {
    return goes_along_height() ? w.kernel_w : w.kernel_h;
  }

  KernelChoice packed_depthwise(Kernel kernel, const network::Window& w, const FilterShape& shape,
                                const FilterParams& p, bool transposed) const {
    KernelChoice c = plain(kernel, shape, p);
    c.clamp = p.low > -128 || p.high < 127;
    c.transposed = transposed;
    c.wide = !(assume_live && all_zero(*filter_of(op))) && !is_short(*filter_of(op), p);
    const std::int64_t factors = c.per_channel ? shape.outputs : 1;
    c.tables = round_up(2ll * shape.outputs, 4) + 4 * factors;
    if (c.wide) c.tables = 4ll * shape.outputs + 8 * factors;
    const Shape& i = in().shape;
    const Shape& o = out().shape;
    const int rows = transposed ? w.kernel_w : w.kernel_h;
    const int taps = transposed ? w.kernel_h : w.kernel_w;
    const auto pitch_of = kernel == Kernel::kDepthwiseLine ? line_pitch : depthwise_pitch;
    const int pitch = transposed
                          ? pitch_of(i.height, o.height, taps, w.stride_h, w.pad_top(i.height))
                          : pitch_of(i.width, o.width, taps, w.stride_w, w.pad_left(i.width));
    c.scratch = 2 * rows * pitch + 4 * rows * (taps + 1);
    if (kernel == Kernel::kDepthwiseLine)
      c.scratch = 2 * pitch + std::max(16, 8 * (taps / 2 + 1));  // ATML_LINE_BYTES
    if (c.nibbles) {
      c.kernel = nibble_kernel(c.kernel);
      c.scratch += round_up(rows * taps, 4);  // the taps of a channel, unpacked
    }
    return c;
  }

  Result<KernelChoice> operator()(const Dense&) const {
    const FilterShape shape = filter_shape(model, op);
    const FilterParams p = filter_params(model, op);
    return packs(shape, p, true) ? packed(Kernel::kDensePacked, shape, p)
                                 : plain(Kernel::kDensePlain, shape, p);
  }

  Result<KernelChoice> pool(const network::Window& w, Kernel kernel) const {
    KernelChoice c;
    c.kernel = kernel;
    ATML_TRY_STATUS(check_window(w, in().shape));
    return c;
  }
  Result<KernelChoice> operator()(const MaxPool& p) const {
    return pool(p.window, Kernel::kMaxPool);
  }
  Result<KernelChoice> operator()(const AveragePool& p) const {
    if (!covers_input(p.window, in().shape, out().shape))
      return pool(p.window, Kernel::kAveragePool);
    KernelChoice c;
    c.kernel = Kernel::kGlobalAverage;
    c.clamp = p.low > -128 || p.high < 127;
    return c;
  }

  static KernelChoice simple(Kernel kernel, std::int64_t tables = 0) {
    KernelChoice c;
    c.kernel = kernel;
    c.tables = tables;
    return c;
  }
  Result<KernelChoice> operator()(const Mean&) const { return simple(Kernel::kMean); }
  Result<KernelChoice> operator()(const Add&) const {
    const AddParams p = add_params(model, op);
    // Before training the scales are not known: nearly all of them have a linear form.
    if (!assume_live && !linear_add(p, model.rounding)) return rounded_add(model, op);
    KernelChoice c;
    c.kernel = Kernel::kAddLinear;
    c.clamp = p.low > -128 || p.high < 127;
    return c;
  }
  Result<KernelChoice> operator()(const Mul&) const { return simple(Kernel::kMul); }
  Result<KernelChoice> operator()(const Concat&) const {
    std::int64_t tables = 0;
    for (int n = 0; n < static_cast<int>(op.inputs.size()); ++n) {
      if (!rescale_params(model.input_of(op, n), out()).identity) tables += 256;
    }
    return simple(Kernel::kPlace, tables);
  }
  Result<KernelChoice> operator()(const Pad&) const { return simple(Kernel::kPad); }
  Result<KernelChoice> operator()(const Reshape&) const { return simple(Kernel::kNone); }
  Result<KernelChoice> operator()(const Softmax&) const { return simple(Kernel::kSoftmax); }
  Result<KernelChoice> operator()(const Table&) const { return simple(Kernel::kTable, 256); }
};

}  // namespace

std::string_view function_name(Kernel kernel) {
  switch (kernel) {
    case Kernel::kNone:
      return "";
    case Kernel::kConvPacked:
      return "atml_conv_packed";
    case Kernel::kPointwisePacked:
      return "atml_pointwise_packed";
    case Kernel::kDensePacked:
      return "atml_dense_packed";
    case Kernel::kDepthwisePacked:
      return "atml_depthwise_packed";
    case Kernel::kDepthwiseLine:
      return "atml_depthwise_line";
    case Kernel::kConvSwar:
      return "atml_conv_swar";
    case Kernel::kPointwiseSwar:
      return "atml_pointwise_swar";
    case Kernel::kConvNibblesSwar:
      return "atml_conv_nibbles_swar";
    case Kernel::kPointwiseNibblesSwar:
      return "atml_pointwise_nibbles_swar";
    case Kernel::kConvNibbles:
      return "atml_conv_nibbles";
    case Kernel::kPointwiseNibbles:
      return "atml_pointwise_nibbles";
    case Kernel::kDenseNibbles:
      return "atml_dense_nibbles";
    case Kernel::kDepthwiseNibbles:
      return "atml_depthwise_nibbles";
    case Kernel::kConvPlain:
      return "atml_conv_plain";
    case Kernel::kDepthwisePlain:
      return "atml_depthwise_plain";
    case Kernel::kDensePlain:
      return "atml_dense_plain";
    case Kernel::kMaxPool:
      return "atml_max_pool";
    case Kernel::kAveragePool:
      return "atml_average_pool";
    case Kernel::kGlobalAverage:
      return "atml_global_average";
    case Kernel::kMean:
      return "atml_mean";
    case Kernel::kAdd:
      return "atml_add";
    case Kernel::kAddHalf:
      return "atml_add_half";
    case Kernel::kAddLinear:
      return "atml_add_linear";
    case Kernel::kMul:
      return "atml_mul";
    case Kernel::kPlace:
      return "atml_place";
    case Kernel::kPad:
      return "atml_pad";
    case Kernel::kSoftmax:
      return "atml_softmax";
    case Kernel::kTable:
      return "atml_table";
    case Kernel::kDepthwiseRows:
      return "atml_depthwise_rows";
    case Kernel::kSumRow:
      return "atml_sum_row";
    case Kernel::kDenseCoded:
      return "atml_dense_coded";
  }
  ATML_UNREACHABLE("unknown kernel");
}

std::string source_name(Kernel kernel) {
  return fmt::format("kernels/{}.c", function_name(kernel).substr(5));
}

int FilterShape::weight(const Op& op, int output, int input) const {
  const Filter& f = *filter_of(op);
  const std::int64_t at = channel_last ? static_cast<std::int64_t>(input) * outputs + output
                                       : static_cast<std::int64_t>(output) * inputs + input;
  return f.weights[static_cast<std::size_t>(at)];
}

FilterShape filter_shape(const Int8Model& model, const Op& op) {
  const Filter& f = *filter_of(op);
  FilterShape s;
  s.outputs = model.output_of(op).shape.channels;
  s.inputs = static_cast<int>(f.weights.size()) / s.outputs;
  s.channel_last = std::holds_alternative<Depthwise>(op.kind);
  return s;
}

bool has_nibbles(const Op& op) {
  const Filter* filter = filter_of(op);
  return filter != nullptr && filter->weight_bits == 4;
}

const Filter* filter_of(const Op& op) {
  if (const auto* c = std::get_if<Conv>(&op.kind)) return &c->filter;
  if (const auto* d = std::get_if<Depthwise>(&op.kind)) return &d->filter;
  if (const auto* d = std::get_if<Dense>(&op.kind)) return &d->filter;
  return nullptr;
}

Filter* filter_of(Op& op) { return const_cast<Filter*>(filter_of(std::as_const(op))); }

KernelChoice rounded_add(const Int8Model& model, const Op& op) {
  const AddParams p = add_params(model, op);
  KernelChoice c;
  c.kernel = Kernel::kAdd;
  const bool sum_fits = p.output.shift <= -1 && p.output.shift >= -22;
  if (model.rounding != Rounding::kDouble || !sum_fits) return c;
  const auto goes_first = [](const Multiplier& a, const Multiplier& b) {
    return is_half(a) && (b.shift < 0 || is_half(b));
  };
  c.swapped = !goes_first(p.input_1, p.input_2);
  if (!c.swapped || goes_first(p.input_2, p.input_1)) c.kernel = Kernel::kAddHalf;
  if (c.kernel == Kernel::kAdd) c.swapped = false;
  return c;
}

Result<KernelChoice> choose_kernel(const Int8Model& model, const Op& op, bool assume_live) {
  return std::visit(Chooser{model, op, assume_live}, op.kind);
}

std::string why_plain(const Int8Model& model, const Op& op) {
  if (filter_of(op) == nullptr) return "";
  const auto choice = choose_kernel(model, op);
  if (!choice.ok() || !is_plain(choice->kernel)) return "";
  const auto* depthwise = std::get_if<Depthwise>(&op.kind);
  const std::string obstacle = packing_obstacle(op, filter_shape(model, op),
                                                filter_params(model, op), goes_in_pairs(model, op));
  if (!obstacle.empty()) return obstacle;
  if (depthwise->multiplier > 1)
    return fmt::format("{} outputs for each input channel", depthwise->multiplier);
  const network::Window& w = depthwise->window;
  if (w.dilation_h > 1 || w.dilation_w > 1) return "a dilated window";
  return fmt::format("a window of {}x{} has more than {} rows", w.kernel_h, w.kernel_w,
                     kDepthwiseRows);
}

bool is_packed(const Int8Model& model, const Op& op, bool assume_live) {
  const auto choice = choose_kernel(model, op, assume_live);
  return choice.ok() && !is_plain(choice->kernel);
}

KernelChoice plain_kernel(const Int8Model& model, const Op& op, const KernelChoice& choice) {
  Kernel plain = Kernel::kNone;
  switch (choice.kernel) {
    case Kernel::kConvPacked:
    case Kernel::kConvNibbles:
    case Kernel::kPointwisePacked:
    case Kernel::kPointwiseNibbles:
      plain = Kernel::kConvPlain;
      break;
    case Kernel::kDensePacked:
    case Kernel::kDenseNibbles:
      plain = Kernel::kDensePlain;
      break;
    case Kernel::kDepthwisePacked:
    case Kernel::kDepthwiseLine:
    case Kernel::kDepthwiseNibbles:
      plain = Kernel::kDepthwisePlain;
      break;
    default:
      return {};
  }
  return Chooser{model, op, false}.plain(plain, filter_shape(model, op), filter_params(model, op));
}

KernelChoice ring_kernel(const Int8Model& model, const Op& op, const KernelChoice& choice) {
  if (choice.kernel != Kernel::kDepthwiseLine) return {};
  const network::Window& w = std::get<Depthwise>(op.kind).window;
  const Chooser chooser{model, op, false};
  if (chooser.ring_rows(w) > kDepthwiseRows) return {};
  KernelChoice ring =
      chooser.packed_depthwise(Kernel::kDepthwisePacked, w, filter_shape(model, op),
                               filter_params(model, op), chooser.goes_along_height());
  ring.per_channel = choice.per_channel;  // of a model without weights too
  ring.wide = choice.wide;
  ring.tables = choice.tables;
  return ring;
}

int line_pitch(int in, int out, int taps, int stride, int pad) {
  // Four outputs at a time, by pairs of taps: of stride 1 the second of each two outputs reads a
  // pair that starts one input early.
  const int four = std::max(out, 4);
  const int reads = stride == 1 ? four + taps / 2 * 2 : (four - 1) * stride + (taps + 1) / 2 * 2;
  return (std::max(reads, pad + in) + 1) / 2 * 2;
}

int depthwise_pitch(int in, int out, int taps, int stride, int pad) {
  // Rows are computed two outputs at a time, in words of two elements.
  const int reads = ((out + 1) / 2 * 2 - 1) * stride + taps + 1;
  return (std::max(reads, pad + in) + 1) / 2 * 2;
}

}  // namespace atml::codegen
