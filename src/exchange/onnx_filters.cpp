#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>

#include "exchange/onnx_reader.h"

namespace atml::exchange::onnx_in {

using namespace quantize;
using Kind = Value::Kind;
using network::Padding;
using network::Window;

namespace {

constexpr std::int64_t kLongest = 1 << 16;  // kernel, stride, dilation, padding

// Two numbers, [height, width]; of one-dimensional operators [length] becomes [length, 1].
Result<Dims> pair(Dims v, const char* name, std::int64_t least, std::int64_t fill) {
  if (v.size() == 1) v.push_back(fill);
  if (v.size() != 2) return unsupported(fmt::format("{} {}", name, text_of(v)));
  for (const std::int64_t n : v) {
    if (n < least || n > kLongest) return damaged(fmt::format("{} {}", name, text_of(v)));
  }
  return v;
}

}  // namespace

Result<Reader::Placed> Reader::window(const Node& node, const Shape& in, Dims kernel) const {
  const bool one_d = kernel.size() == 1;
  const Dims ones(kernel.size(), 1);
  ATML_TRY(const Dims k, pair(kernel, "kernel_shape", 1, 1));
  ATML_TRY(const Dims s, pair(integers(node, "strides", ones), "strides", 1, 1));
  ATML_TRY(const Dims d, pair(integers(node, "dilations", ones), "dilations", 1, 1));
  if (k[0] * d[0] > kLongest || k[1] * d[1] > kLongest) return damaged("the kernel is too large");
  Placed placed;
  Window& w = placed.window;
  w = {static_cast<int>(k[0]), static_cast<int>(k[1]), static_cast<int>(s[0]),
       static_cast<int>(s[1]), static_cast<int>(d[0]), static_cast<int>(d[1]),
       Padding::kSame};
  const std::string mode = word(node, "auto_pad", "NOTSET");
  Dims pads = integers(node, "pads", Dims(2 * kernel.size(), 0));
  if (one_d && pads.size() == 2) pads = {pads[0], 0, pads[1], 0};
  if (pads.size() != 4) return damaged(fmt::format("pads {}", text_of(pads)));
  for (const std::int64_t p : pads) {
    if (p < 0 || p > kLongest) return damaged(fmt::format("pads {}", text_of(pads)));
  }
  const auto fits = [&] {
    return w.output_height(in.height) >= 1 && w.output_width(in.width) >= 1;
  };
  if (mode == "NOTSET") {
    const int top = w.pad_top(in.height), left = w.pad_left(in.width);
    const auto all = [](int size, int out, int kernel_size, int stride, int dilation) {
      return std::max(0, (out - 1) * stride + dilation * (kernel_size - 1) + 1 - size);
    };
    const int rows =
        all(in.height, w.output_height(in.height), w.kernel_h, w.stride_h, w.dilation_h);
    const int columns =
        all(in.width, w.output_width(in.width), w.kernel_w, w.stride_w, w.dilation_w);
    if (pads == Dims{top, left, rows - top, columns - left}) return placed;
    w.padding = Padding::kValid;
    if (pads == Dims{0, 0, 0, 0}) {
      if (fits()) return placed;
      return damaged(fmt::format("the kernel does not fit into {}", in.text()));
    }
    Pad p;
    p.top = static_cast<int>(pads[0]);
    p.left = static_cast<int>(pads[1]);
    p.bottom = static_cast<int>(pads[2]);
    p.right = static_cast<int>(pads[3]);
    placed.before = p;
    const Shape wide{in.height + p.top + p.bottom, in.width + p.left + p.right, in.channels};
    if (w.output_height(wide.height) < 1 || w.output_width(wide.width) < 1)
      return damaged(fmt::format("the kernel does not fit into {}", wide.text()));
    return placed;
  }
  if (mode == "VALID") {
    w.padding = Padding::kValid;
  } else if (mode != "SAME_UPPER") {
    return unsupported(fmt::format("auto_pad {}", mode));
  }
  if (!fits()) return damaged(fmt::format("the kernel does not fit into {}", in.text()));
  return placed;
}

Result<int> Reader::padded(const Node& node, int in, const Placed& placed) {
  if (!placed.before) return in;
  const Tensor t = model_.tensor(in);
  const Pad& p = *placed.before;
  ATML_TRY(const int out, new_tensor(node.output(0) + "_padded",
                                     {t.shape.height + p.top + p.bottom,
                                      t.shape.width + p.left + p.right, t.shape.channels},
                                     {t.scale, t.zero_point}));
  emit(node.name() + "_pad", p, {in}, out);
  return out;
}

// int32 on the scale of the accumulator, or real numbers that are brought to it.
Status Reader::read_bias(const Value& v, float input_scale, Filter& f) const {
  if (v.kind != Kind::kConstant && v.kind != Kind::kScaled)
    return unsupported("a bias that is not constant");
  const Constant& c = *v.constant;
  if (c.values.size() != f.scales.size())
    return damaged(fmt::format("{} biases for {} outputs", c.values.size(), f.scales.size()));
  if (v.kind == Kind::kConstant && c.type != Type::kFloat)
    return unsupported("a bias of integers without DequantizeLinear");
  for (std::size_t i = 0; i < c.values.size(); ++i) {
    const double unit = static_cast<double>(input_scale) * static_cast<double>(f.scales[i]);
    double number = c.values[i];
    if (v.kind == Kind::kScaled) {
      const double scale = static_cast<double>(v.scales.size() == 1 ? v.scales[0] : v.scales[i]);
      // On the accumulator's own scale the number counts as it is.
      if (c.type != Type::kInt32 || std::abs(scale - unit) > 1e-5 * unit)
        number = std::nearbyint(number * scale / unit);
    } else {
      number = std::nearbyint(number / unit);
    }
    if (!(std::abs(number) < 2147483648.0))
      return damaged(fmt::format("bias {} of channel {} does not fit 32 bits", number, i));
    f.bias[i] = static_cast<std::int32_t>(number);
  }
  return {};
}

Result<Filter> Reader::filter(const Node& node, const Value& w, std::int64_t axis,
                              std::int64_t outputs) const {
  if (w.kind != Kind::kScaled || w.constant->type != Type::kInt8)
    return unsupported("its weights do not come from a DequantizeLinear of INT8 numbers");
  if (w.scales.size() != 1 && w.axis != axis)
    return unsupported(fmt::format("weight scales along axis {}, not the outputs'", w.axis));
  Filter f;
  f.scales = w.scales;
  f.scales.resize(index(outputs), w.scales[0]);
  f.bias.assign(index(outputs), 0);
  f.weights.resize(w.constant->values.size());
  f.weight_bits = has_hint(node, "weight_bits=4") ? 4 : 8;
  return f;
}

Status Reader::conv(const Node& node) {
  ATML_TRY(const Value v, find(node, 0));
  ATML_TRY(const Value w, find(node, 1));
  ATML_TRY(int in, operand(node, 0));
  const Dims& d = w.dims;
  if (d.size() != v.dims.size() || d.size() < 3)
    return unsupported(fmt::format("weights {} for an input {}", text_of(d), text_of(v.dims)));
  const Dims kernel(d.begin() + 2, d.end());
  if (integers(node, "kernel_shape", kernel) != kernel)
    return damaged("kernel_shape is not that of the weights");
  ATML_TRY(const Placed placed, window(node, model_.tensor(in).shape, kernel));
  ATML_TRY(Filter f, filter(node, w, 0, d[0]));
  if (node.input_size() > 2 && !node.input(2).empty()) {
    ATML_TRY(const Value bias, find(node, 2));
    ATML_TRY_STATUS(read_bias(bias, model_.tensor(in).scale, f));
  }
  ATML_TRY(in, padded(node, in, placed));
  const Shape s = model_.tensor(in).shape;
  const std::int64_t groups = integer(node, "group", 1), outputs = d[0], each = d[1];
  const std::int64_t taps = std::int64_t{placed.window.kernel_h} * placed.window.kernel_w;
  const bool depthwise =
      groups == s.channels && each == 1 && (groups > 1 || has_hint(node, "depthwise"));
  if (!depthwise && (groups != 1 || each != s.channels))
    return unsupported(
        fmt::format("group {} with weights {} on {} channels; 1 and depthwise are "
                    "supported",
                    groups, text_of(d), s.channels));
  if (depthwise && outputs % s.channels != 0)
    return damaged(fmt::format("{} outputs of {} groups", outputs, groups));
  const auto& from = w.constant->values;  // [out][in or 1][taps]
  for (std::int64_t o = 0; o < outputs; ++o) {
    for (std::int64_t i = 0; i < each; ++i) {
      for (std::int64_t t = 0; t < taps; ++t) {
        const std::int64_t to = depthwise ? t * outputs + o : (o * taps + t) * each + i;
        f.weights[index(to)] = static_cast<std::int8_t>(from[index((o * each + i) * taps + t)]);
      }
    }
  }
  const Window& win = placed.window;
  const Shape out{win.output_height(s.height), win.output_width(s.width),
                  static_cast<int>(outputs)};
  OpKind kind;
  if (depthwise) {
    kind = Depthwise{win, static_cast<int>(outputs / s.channels), std::move(f)};
  } else {
    Conv c{win, std::move(f)};
    c.shared_product = has_hint(node, "shared_product");
    kind = std::move(c);
  }
  put(node, std::move(kind), {in}, out, v.dims.size());
  return {};
}

// Gemm and MatMul. The input may be any reordering of a tensor: the weights follow it.
Status Reader::dense(const Node& node) {
  ATML_TRY(const Value v, find(node, 0));
  ATML_TRY(const Value w, find(node, 1));
  const bool gemm = node.op_type() == "Gemm";
  if (v.kind != Kind::kTensor || !v.real)
    return unsupported(
        fmt::format("its input '{}' does not come from a DequantizeLinear", node.input(0)));
  if (gemm && (integer(node, "transA", 0) != 0 || real(node, "alpha", 1) != 1 ||
               real(node, "beta", 1) != 1))
    return unsupported("transA, alpha or beta");
  const bool out_first = gemm && integer(node, "transB", 0) != 0;
  if (v.dims.size() != 2 || v.dims[0] != 1 || w.dims.size() != 2 ||
      w.dims[out_first ? 1 : 0] != v.dims[1])
    return unsupported(fmt::format("{} times {}", text_of(v.dims), text_of(w.dims)));
  const std::int64_t taps = v.dims[1], outputs = w.dims[out_first ? 0 : 1];
  ATML_TRY(Filter f, filter(node, w, out_first ? 0 : 1, outputs));
  if (gemm && node.input_size() > 2 && !node.input(2).empty()) {
    ATML_TRY(const Value bias, find(node, 2));
    ATML_TRY_STATUS(read_bias(bias, model_.tensor(v.tensor).scale, f));
  }
  for (std::int64_t o = 0; o < outputs; ++o) {
    for (std::int64_t i = 0; i < taps; ++i) {
      const std::int64_t at = v.map == nullptr ? i : (*v.map)[index(i)];
      const std::int64_t from = out_first ? o * taps + i : i * outputs + o;
      f.weights[index(o * taps + at)] = static_cast<std::int8_t>(w.constant->values[index(from)]);
    }
  }
  put(node, Dense{std::move(f)}, {v.tensor}, {1, 1, static_cast<int>(outputs)}, 2);
  return {};
}

// MatMul has no bias: an Add of a constant follows.
Status Reader::add_bias(const Node& node, const Value& before, const Value& bias) {
  Pending p = *before.pending;
  auto* dense = std::get_if<Dense>(&p.kind);
  if (dense == nullptr || p.low || p.high ||
      std::ranges::any_of(dense->filter.bias, [](int b) { return b != 0; }))
    return unsupported("a constant operand");
  ATML_TRY_STATUS(read_bias(bias, model_.tensor(p.inputs[0]).scale, dense->filter));
  Value v = before;
  v.pending = std::make_shared<const Pending>(std::move(p));
  set(node, std::move(v));
  return {};
}

}  // namespace atml::exchange::onnx_in
