#include "codegen/layer_text.h"

#include <fmt/format.h>

#include <utility>

#include "codegen/linear_add.h"

namespace atml::codegen {

using namespace quantize;

namespace {

// What the text of one layer is made from.
struct Layer {
  const Int8Model& model;
  const Lowered& lowered;
  const Step& step;
  const Op& op;
  const KernelChoice& choice;

  std::string place(int tensor) const {
    return fmt::format("&arena[{}]",
                       lowered.memory.tensor_offsets[static_cast<std::size_t>(tensor)]);
  }
  bool rows() const { return step.streamed; }
  std::string in(int n = 0) const {
    if (rows()) return n == 0 ? "r->in" : "r->in_2";
    return place(op.inputs[static_cast<std::size_t>(n)]);
  }
  std::string out() const { return rows() ? "r->out" : place(op.output); }
  std::string scratch() const {
    return fmt::format("&{}arena[{}]", rows() ? "r->" : "",
                       lowered.memory.scratch_offsets[static_cast<std::size_t>(step.op)]);
  }
  // Of what one call computes.
  std::int64_t elements() const {
    const Shape& o = out_tensor().shape;
    return rows() ? static_cast<std::int64_t>(o.width) * o.channels : o.elements();
  }
  int positions() const {
    const Shape& o = out_tensor().shape;
    return rows() ? o.width : o.height * o.width;
  }
  const Tensor& in_tensor(int n = 0) const { return model.input_of(op, n); }
  const Tensor& out_tensor() const { return model.output_of(op); }
  std::string array(std::size_t n) const { return step.arrays[n].name; }
  std::string function() const { return std::string(function_name(choice.kernel)); }
};

const network::Window* window_of(const Op& op) {
  if (const auto* c = std::get_if<Conv>(&op.kind)) return &c->window;
  if (const auto* d = std::get_if<Depthwise>(&op.kind)) return &d->window;
  if (const auto* m = std::get_if<MaxPool>(&op.kind)) return &m->window;
  if (const auto* a = std::get_if<AveragePool>(&op.kind)) return &a->window;
  return nullptr;
}

// atml_window
std::string window_text(const Layer& l) {
  const network::Window& w = *window_of(l.op);
  const Shape& i = l.in_tensor().shape;
  const Shape& o = l.out_tensor().shape;
  return fmt::format("{{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}}", i.height,
                     i.width, i.channels, o.height, o.width, o.channels, w.kernel_h, w.kernel_w,
                     w.stride_h, w.stride_w, w.dilation_h, w.dilation_w, w.pad_top(i.height),
                     w.pad_left(i.width));
}

// A convolution along a line of single pixels lies across it as well: neighbouring windows are then
// neighbouring columns, which the kernels read together.
std::string conv_window_text(const Layer& l) {
  const network::Window& w = *window_of(l.op);
  const Shape& i = l.in_tensor().shape;
  const Shape& o = l.out_tensor().shape;
  const bool line = i.width == 1 && o.width == 1 && w.kernel_w == 1 && w.dilation_h == 1;
  if (!line || l.rows()) return window_text(l);
  return fmt::format("{{1, {}, {}, 1, {}, {}, 1, {}, 1, {}, 1, 1, 0, {}}}", i.height, i.channels,
                     o.height, o.channels, w.kernel_h, w.stride_h, w.pad_top(i.height));
}

// atml_packed_filter
std::string packed_filter_text(const Layer& l) {
  const FilterShape shape = filter_shape(l.model, l.op);
  return fmt::format("{{{}, {}, {}, {}, {}, {}}}", l.array(0), l.array(1),
                     packed_inputs(shape.inputs), shape.outputs, l.choice.per_channel ? 8 : 0,
                     l.out_tensor().zero_point);
}

// atml_coded_filter
std::string coded_filter_text(const Layer& l) {
  const FilterShape shape = filter_shape(l.model, l.op);
  return fmt::format("{{{}, {}, {}, {}, {}, {}, {}}}", l.array(0), l.array(1), l.array(2),
                     shape.inputs, shape.outputs, l.choice.per_channel ? 1 : 0,
                     l.out_tensor().zero_point);
}

// atml_plain_filter
std::string plain_filter_text(const Layer& l) {
  const FilterParams p = filter_params(l.model, l.op);
  return fmt::format("{{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}}", l.array(0), l.array(1),
                     l.array(2), l.array(3), l.choice.per_channel ? 1 : 0, l.choice.nibbles ? 1 : 0,
                     p.input_offset, p.output_offset, p.low, p.high);
}

std::string with_params(const std::string& type, const std::string& values,
                        const std::string& call) {
  return fmt::format("  static const {} p = {};\n  {};\n", type, values, call);
}

// Kernels whose parameters have a window: their type, and whether they need scratch.
struct WindowKernel {
  const char* type = nullptr;
  bool scratch = false;
};

WindowKernel window_kernel(Kernel kernel) {
  switch (kernel) {
    case Kernel::kConvPacked:
    case Kernel::kConvSwar:
    case Kernel::kConvNibblesSwar:
    case Kernel::kConvNibbles:
      return {"atml_packed_conv", true};
    case Kernel::kConvPlain:
    case Kernel::kDepthwisePlain:
      return {"atml_plain_conv", false};
    case Kernel::kDepthwiseRows:
      return {"atml_rows_depthwise", false};
    case Kernel::kMaxPool:
    case Kernel::kAveragePool:
      return {"atml_pool", false};
    default:
      return {};
  }
}

// The function of model.c that runs a row of such a kernel: "conv_packed_row".
std::string row_function(Kernel kernel) {
  return std::string(function_name(kernel).substr(5)) + "_row";
}

// A call of such a kernel: a streamed row has a window of its own.
std::string with_window(const Layer& l, const std::string& values) {
  const WindowKernel w = window_kernel(l.choice.kernel);
  const std::string scratch = w.scratch ? l.scratch() + ", " : "";
  if (!l.rows()) {
    return with_params(w.type, values,
                       fmt::format("{}({}, {}, {}&p)", l.function(), l.in(), l.out(), scratch));
  }
  return with_params(w.type, values,
                     fmt::format("{}(r, {}&p)", row_function(l.choice.kernel), scratch));
}

// atml_rows_depthwise
std::string depthwise_rows_text(const Layer& l) {
  const FilterParams p = filter_params(l.model, l.op);
  return with_window(
      l, fmt::format("{{{}, {}, {}, {}, {}, {}, {}}}", l.array(0), l.array(1), window_text(l),
                     p.input_offset, p.output_offset, p.low, p.high));
}

std::string mean_params_text(const Layer& l) {
  const MeanParams p = mean_params(l.model, l.op);
  const Shape& i = l.in_tensor().shape;
  return fmt::format("{{{}, {}, {}, {}, {}, {}}}", i.height * i.width, i.channels, p.sum_offset,
                     p.multiplier.mantissa, p.multiplier.shift, p.output_offset);
}

// A global average: rows are added up, the last call writes the mean.
std::string sum_rows_text(const Layer& l) {
  const Shape& i = l.in_tensor().shape;
  std::size_t group = 0;
  while (l.lowered.memory.groups[group].last_op != l.step.op) ++group;
  std::string text = fmt::format(
      "  int32_t *const sums = (int32_t *)(void *)&r->arena[{}];\n"
      "  atml_sum_row(r->in, sums, (r->y == 0) ? 1 : 0, {}, {});\n  if (r->y == {}) {{\n",
      l.lowered.memory.sums_offsets[group], i.width, i.channels, i.height - 1);
  const std::string out = "&r->" + l.place(l.op.output).substr(1);
  if (std::holds_alternative<Mean>(l.op.kind)) {
    text += "  " + with_params("atml_mean_params", mean_params_text(l),
                               fmt::format("  atml_finish_mean(sums, {}, &p)", out));
  } else {
    text += fmt::format("    atml_finish_average(sums, {}, {}, {});\n", out, i.height * i.width,
                        i.channels);
    const auto& a = std::get<AveragePool>(l.op.kind);
    if (l.choice.clamp)
      text += fmt::format("    atml_clamp({}, {}, {}, {});\n", out, i.channels, a.low, a.high);
  }
  return text + "  }\n";
}

std::string depthwise_packed_text(const Layer& l) {
  const network::Window& w = *window_of(l.op);
  const Shape& i = l.in_tensor().shape;
  const Shape& o = l.out_tensor().shape;
  const int pad_h = w.pad_top(i.height), pad_w = w.pad_left(i.width);
  // x slides along the longer side, or along the line of taps.
  struct Axis {
    int in, out, in_step, out_step, taps, stride, pad;
  };
  const Axis height{i.height,   o.height, i.width * i.channels, o.width * o.channels, w.kernel_h,
                    w.stride_h, pad_h};
  const Axis width{i.width, o.width, i.channels, o.channels, w.kernel_w, w.stride_w, pad_w};
  const Axis& x = l.choice.transposed ? height : width;
  const Axis& y = l.choice.transposed ? width : height;
  const auto pitch_of = l.choice.kernel == Kernel::kDepthwiseLine ? line_pitch : depthwise_pitch;
  const std::string values = fmt::format(
      "{{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "
      "{}, {}}}",
      l.array(0), l.array(1), l.array(2), o.channels, l.choice.per_channel ? 1 : 0,
      l.choice.wide ? 1 : 0, depthwise_right(filter_params(l.model, l.op), l.choice), x.in, y.in,
      x.in_step, y.in_step, x.out, y.out, x.out_step, y.out_step, x.taps, y.taps, x.stride,
      y.stride, x.pad, y.pad, l.in_tensor().zero_point, l.out_tensor().zero_point,
      pitch_of(x.in, x.out, x.taps, x.stride, x.pad));
  return with_params("atml_packed_depthwise", values,
                     fmt::format("{}({}, {}, {}, &p)", l.function(), l.in(), l.out(), l.scratch()));
}

std::string filter_text(const Layer& l) {
  const std::string call = fmt::format("{}({}, {}, ", l.function(), l.in(), l.out());
  switch (l.choice.kernel) {
    case Kernel::kConvPacked:
    case Kernel::kConvSwar:
    case Kernel::kConvNibblesSwar:
    case Kernel::kConvNibbles:
      return with_window(l, fmt::format("{{{}, {}, {}}}", packed_filter_text(l),
                                        conv_window_text(l), l.in_tensor().zero_point));
    case Kernel::kPointwisePacked:
    case Kernel::kPointwiseSwar:
    case Kernel::kPointwiseNibblesSwar:
    case Kernel::kPointwiseNibbles: {
      const Shape& i = l.in_tensor().shape;
      return with_params(
          "atml_packed_pointwise",
          fmt::format("{{{}, {}, {}}}", packed_filter_text(l), l.positions(), i.channels),
          call + l.scratch() + ", &p)");
    }
    case Kernel::kDensePacked:
    case Kernel::kDenseNibbles:
      return with_params("atml_packed_filter", packed_filter_text(l), call + "&p)");
    case Kernel::kDenseCoded:
      return with_params("atml_coded_filter", coded_filter_text(l), call + "&p)");
    case Kernel::kDepthwisePacked:
    case Kernel::kDepthwiseLine:
    case Kernel::kDepthwiseNibbles:
      return depthwise_packed_text(l);
    case Kernel::kDepthwiseRows:
      return depthwise_rows_text(l);
    case Kernel::kDensePlain: {
      const FilterShape shape = filter_shape(l.model, l.op);
      return with_params(
          "atml_plain_dense",
          fmt::format("{{{}, {}, {}}}", plain_filter_text(l), shape.inputs, shape.outputs),
          call + "&p)");
    }
    default:
      return with_window(l, fmt::format("{{{}, {}}}", plain_filter_text(l), window_text(l)));
  }
}

std::string pool_text(const Layer& l, int low, int high) {
  if (l.choice.kernel == Kernel::kSumRow) return sum_rows_text(l);
  if (l.choice.kernel == Kernel::kGlobalAverage) {
    const Shape& i = l.in_tensor().shape;
    return fmt::format("  atml_global_average({}, {}, {}, {});\n", l.in(), l.out(),
                       i.height * i.width, i.channels);
  }
  return with_window(l, fmt::format("{{{}, {}, {}}}", window_text(l), low, high));
}

std::string factor_text(const Multiplier& m) { return fmt::format("{}, {}", m.mantissa, m.shift); }

struct BodyText {
  const Layer& l;

  std::string operator()(const Conv&) const { return filter_text(l); }
  std::string operator()(const Depthwise&) const { return filter_text(l); }
  std::string operator()(const Dense&) const { return filter_text(l); }
  std::string operator()(const MaxPool& p) const { return pool_text(l, p.low, p.high); }
  std::string operator()(const AveragePool& p) const { return pool_text(l, p.low, p.high); }
  std::string operator()(const Mean&) const {
    if (l.choice.kernel == Kernel::kSumRow) return sum_rows_text(l);
    return with_params("atml_mean_params", mean_params_text(l),
                       fmt::format("atml_mean({}, {}, &p)", l.in(), l.out()));
  }
  std::string operator()(const Add&) const {
    AddParams p = add_params(l.model, l.op);
    ATML_ASSERT(p.left_shift == 20, "atml_add shifts by 20");
    if (l.choice.swapped) {
      std::swap(p.offset_1, p.offset_2);
      std::swap(p.input_1, p.input_2);
    }
    // One value a channel: position by position.
    const Shape& shape = l.out_tensor().shape;
    const bool whole = l.in_tensor(1).shape == shape;
    const std::int64_t count = whole ? l.elements() : shape.channels;
    const auto inputs = [&](const std::string& first, const std::string& second) {
      return l.choice.swapped ? fmt::format("{}, {}", second, first)
                              : fmt::format("{}, {}", first, second);
    };
    const bool linear = l.choice.kernel == Kernel::kAddLinear;
    return with_params(
        linear ? "atml_add_linear_params" : "atml_add_params",
        linear ? linear_text(count, p) : rounded_text(count, p),
        whole ? fmt::format("{}({}, {}, &p)", l.function(), inputs(l.in(0), l.in(1)), l.out())
              : fmt::format("int32_t i = 0;\n  do {{\n    {2}({3}, {4} + i, &p);\n"
                            "    i += {1};\n  }} while (i < {0})",
                            shape.elements(), shape.channels, l.function(),
                            inputs(l.in(0) + " + i", l.in(1)), l.out()));
  }
  std::string linear_text(std::int64_t count, const AddParams& p) const {
    const auto add = linear_add(p, l.model.rounding);
    ATML_ASSERT(add.has_value(), "atml_add_linear without a linear form");
    return fmt::format("{{{}, {}, {}, {}}}", count, add->factor_1, add->factor_2, add->constant);
  }
  static std::string rounded_text(std::int64_t count, const AddParams& p) {
    return fmt::format("{{{}, {}, {}, {}, {}, {}, {}, {}, {}}}", count, p.offset_1, p.offset_2,
                       p.output_offset, factor_text(p.input_1), factor_text(p.input_2),
                       factor_text(p.output), p.low, p.high);
  }
  std::string operator()(const Mul&) const {
    const MulParams p = mul_params(l.model, l.op);
    return with_params(
        "atml_mul_params",
        fmt::format("{{{}, {}, {}, {}, {}, {}, {}, {}}}", l.out_tensor().shape.elements(),
                    l.in_tensor(1).shape.elements(), p.offset_1, p.offset_2, p.output_offset,
                    factor_text(p.multiplier), p.low, p.high),
        fmt::format("atml_mul({}, {}, {}, &p)", l.in(0), l.in(1), l.out()));
  }
  std::string operator()(const Concat&) const {
    const Shape& o = l.out_tensor().shape;
    std::string text;
    int first = 0;
    std::size_t table = 0;
    for (int n = 0; n < static_cast<int>(l.op.inputs.size()); ++n) {
      const int channels = l.in_tensor(n).shape.channels;
      const bool copy = rescale_params(l.in_tensor(n), l.out_tensor()).identity;
      const std::string to =
          l.rows()
              ? fmt::format("&r->out[{}]", first)
              : fmt::format(
                    "&arena[{}]",
                    l.lowered.memory.tensor_offsets[static_cast<std::size_t>(l.op.output)] + first);
      text += fmt::format("  atml_place({}, {}, {}, {}, {}, {});\n", l.in(n), to, l.positions(),
                          channels, o.channels, copy ? std::string("0") : l.array(table++));
      first += channels;
    }
    return text;
  }
  std::string operator()(const Pad& p) const {
    const Shape& i = l.in_tensor().shape;
    return with_params(
        "atml_pad_params",
        fmt::format("{{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}}", i.height, i.width, i.channels,
                    p.top, p.bottom, p.left, p.right, p.front, p.back, l.out_tensor().zero_point),
        fmt::format("atml_pad({}, {}, &p)", l.in(), l.out()));
  }
  std::string operator()(const Reshape&) const { return ""; }
  std::string operator()(const Softmax&) const {
    const SoftmaxParams p = softmax_params(l.model, l.op);
    const Shape& o = l.out_tensor().shape;
    return with_params("atml_softmax_params",
                       fmt::format("{{{}, {}, {}, {}}}", o.height * o.width, o.channels,
                                   factor_text(p.input), p.smallest_difference),
                       fmt::format("atml_softmax({}, {}, &p)", l.in(), l.out()));
  }
  std::string operator()(const Table&) const {
    return fmt::format("  atml_table({}, {}, {}, {});\n", l.in(), l.out(), l.elements(),
                       l.array(0));
  }
};

std::pair<int, int> clamp_range(const Op& op) {
  if (const auto* c = std::get_if<Conv>(&op.kind)) return {c->low, c->high};
  if (const auto* d = std::get_if<Depthwise>(&op.kind)) return {d->low, d->high};
  if (const auto* d = std::get_if<Dense>(&op.kind)) return {d->low, d->high};
  if (const auto* a = std::get_if<Add>(&op.kind)) return {a->low, a->high};
  const auto& a = std::get<AveragePool>(op.kind);
  return {a.low, a.high};
}

}  // namespace

std::string layer_title(const Int8Model& model, const Op& op) {
  std::string text = fmt::format("{}: {}", op.name, kind_name(op.kind));
  if (const network::Window* w = window_of(op)) {
    text += fmt::format(" {}x{}", w->kernel_h, w->kernel_w);
    if (w->stride_h * w->stride_w > 1)
      text += fmt::format(" stride {}x{}", w->stride_h, w->stride_w);
    if (w->dilation_h * w->dilation_w > 1)
      text += fmt::format(" dilation {}x{}", w->dilation_h, w->dilation_w);
  }
  if (const auto* table = std::get_if<Table>(&op.kind)) text += " of " + table->function;
  return fmt::format("{}, {} -> {}", text, model.input_of(op).shape.text(),
                     model.output_of(op).shape.text());
}

std::string row_kernel_text(Kernel kernel) {
  const WindowKernel w = window_kernel(kernel);
  if (w.type == nullptr) return "";
  return fmt::format(
      "{}(const atml_row *r, {}const {} *whole) {{\n  {} p = *whole;\n"
      "  p.window.in_h = r->rows;\n  p.window.out_h = 1;\n"
      "  p.window.pad_top = (uint8_t)r->above;\n  {}(r->in, r->out, {}&p);\n}}\n\n",
      row_function(kernel), w.scratch ? "int8_t *scratch, " : "", w.type, w.type,
      function_name(kernel), w.scratch ? "scratch, " : "");
}

std::string layer_body(const Int8Model& model, const Lowered& lowered, int index) {
  const Step& step = lowered.steps[static_cast<std::size_t>(index)];
  const Op& op = model.ops[static_cast<std::size_t>(index)];
  const Layer layer{model, lowered, step, op, step.choice};
  std::string text = std::visit(BodyText{layer}, op.kind);
  if (!step.choice.clamp || step.choice.kernel == Kernel::kSumRow) return text;
  const auto [low, high] = clamp_range(op);
  return text +
         fmt::format("  atml_clamp({}, {}, {}, {});\n", layer.out(), layer.elements(), low, high);
}

}  // namespace atml::codegen
