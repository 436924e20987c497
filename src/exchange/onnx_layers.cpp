#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>

#include "exchange/onnx_reader.h"
#include "quantize/requantize.h"

namespace atml::exchange {

std::string identifier(const std::string& text);  // tflite_tensors.cpp

namespace onnx_in {

using namespace quantize;
using Kind = Value::Kind;

// What write_onnx() notes of a node where the graph itself cannot say it.
bool Reader::has_hint(const Node& node, const char* text) {
  return node.doc_string().starts_with("autotinyml:") &&
         node.doc_string().find(text) != std::string::npos;
}

Result<int> Reader::new_tensor(const std::string& name, const Shape& shape, Grid g) {
  if (shape.elements() > kMostElements)
    return unsupported(fmt::format("a tensor of {}", shape.text()));
  model_.tensors.push_back({name, shape, g.scale, g.zero_point});
  return static_cast<int>(model_.tensors.size()) - 1;
}

void Reader::emit(const std::string& name, OpKind kind, std::vector<int> inputs, int output) {
  std::string unique = identifier(name.empty() ? std::string(kind_name(kind)) : name);
  while (!names_.insert(unique).second) unique += "_x";
  model_.ops.push_back({unique, std::move(kind), std::move(inputs), output});
}

// A tensor whose own dimensions are those of the view; a reshape where only they differ.
Result<int> Reader::materialised(const Value& v, const std::string& name) {
  const Tensor t = model_.tensor(v.tensor);
  ATML_TRY(const Shape shape, shape_of(v.dims));
  if (v.map == nullptr && shape == t.shape) return v.tensor;
  const Map own = own_map(shape);
  if ((v.map == nullptr ? own_map(t.shape) : *v.map) != own)
    return unsupported(fmt::format(
        "'{}' of {} was reshaped or transposed to {} in another order of its elements; only a "
        "dense layer may read that",
        t.name, t.shape.text(), text_of(v.dims)));
  if (shape == t.shape) return v.tensor;
  ATML_TRY(const int to, new_tensor(t.name + "_reshaped", shape, {t.scale, t.zero_point}));
  emit(name.empty() ? "reshape" : name, Reshape{}, {v.tensor}, to);
  return to;
}

Result<int> Reader::operand(const Node& node, int n) {
  ATML_TRY(const Value v, find(node, n));
  if (v.kind == Kind::kConstant || v.kind == Kind::kScaled)
    return unsupported(fmt::format("a constant operand '{}'", node.input(n)));
  if (v.kind != Kind::kTensor || !v.real)
    return unsupported(
        fmt::format("its input '{}' does not come from a DequantizeLinear", node.input(n)));
  return materialised(v, v.layout_name);
}

void Reader::put(const Node& node, OpKind kind, std::vector<int> inputs, const Shape& s,
                 std::size_t rank) {
  Value v;
  v.kind = Kind::kPending;
  v.dims = rank == 2   ? Dims{1, s.channels}
           : rank == 3 ? Dims{1, s.channels, s.height}
                       : Dims{1, s.channels, s.height, s.width};
  v.pending = std::make_shared<const Pending>(
      Pending{node.name(), std::move(kind), std::move(inputs), s, {}, {}});
  set(node, std::move(v));
}

namespace {

struct Range {
  int *low = nullptr, *high = nullptr;
};
Range range_of(OpKind& kind) {
  return std::visit(
      [](auto& k) -> Range {
        if constexpr (requires { k.low; }) return {&k.low, &k.high};
        return {};
      },
      kind);
}

bool keeps_grid(const OpKind& kind) {
  return std::holds_alternative<MaxPool>(kind) || std::holds_alternative<AveragePool>(kind) ||
         std::holds_alternative<Pad>(kind);
}

}  // namespace

Status Reader::apply_clamp(Pending& p, Grid g) const {
  const Range range = range_of(p.kind);
  if ((p.low || p.high) && range.low == nullptr)
    return unsupported(fmt::format("a clamp after {}", kind_name(p.kind)));
  const auto bound = [&](float real) {
    return static_cast<int>(
        std::clamp(static_cast<float>(g.zero_point) + std::round(real / g.scale), -128.0f, 127.0f));
  };
  if (p.low) *range.low = bound(*p.low);
  if (p.high) *range.high = bound(*p.high);
  return {};
}

Status Reader::table_values(const Table& t, int in, int out,
                            std::vector<std::int8_t>& values) const {
  const Tensor &from = model_.tensor(in), &to = model_.tensor(out);
  const double ratio = static_cast<double>(from.scale) / static_cast<double>(to.scale);
  if (!(ratio <= 256)) return unsupported(fmt::format("a requantisation factor of {}", ratio));
  ATML_TRY(values, function_table(t.function, from, to, model_.rounding));
  return {};
}

// The operator with its output on the grid: some kinds have a grid of their own, from which their
// output is requantised.
Result<int> Reader::finished(const Pending& pending, Grid g, const std::string& name) {
  Pending p = pending;
  Grid own = g;
  auto* table = std::get_if<Table>(&p.kind);
  if (keeps_grid(p.kind)) {
    const Tensor& in = model_.tensor(p.inputs[0]);
    own = {in.scale, in.zero_point};
  }
  if (std::holds_alternative<Softmax>(p.kind) || (table && table->function == "logistic"))
    own = {1.0f / 256, -128};
  if (table && table->function == "tanh") own = {1.0f / 128, 0};
  const bool rescales = own.scale != g.scale || own.zero_point != g.zero_point;
  ATML_TRY_STATUS(apply_clamp(p, own));
  ATML_TRY(const int out, new_tensor(rescales ? name + "_own" : name, p.shape, own));
  if (table != nullptr) ATML_TRY_STATUS(table_values(*table, p.inputs[0], out, table->values));
  emit(p.name, p.kind, p.inputs, out);
  return rescales ? rescaled(out, g, name, p.name + "_rescale") : Result<int>(out);
}

Result<int> Reader::rescaled(int tensor, Grid g, const std::string& name,
                             const std::string& op_name) {
  ATML_TRY(const int out, new_tensor(name, model_.tensor(tensor).shape, g));
  Table t{"quantize", {}};
  ATML_TRY_STATUS(table_values(t, tensor, out, t.values));
  emit(op_name, std::move(t), {tensor}, out);
  return out;
}

Status Reader::unary(const Node& node, const char* function) {
  ATML_TRY(const Value v, find(node, 0));
  ATML_TRY(const int in, operand(node, 0));
  put(node, Table{function, {}}, {in}, model_.tensor(in).shape, v.dims.size());
  return {};
}

Status Reader::clip(const Node& node) {
  std::optional<float> bounds[2];
  for (int n = 1; n <= 2; ++n) {
    if (n >= node.input_size() || node.input(n).empty()) continue;
    ATML_TRY(const auto c, constant(node, n));
    if (c->values.size() != 1 || !std::isfinite(c->values[0]))
      return damaged("its bounds are not one finite number each");
    bounds[n - 1] = static_cast<float>(c->values[0]);
  }
  if (bounds[0] && bounds[1] && *bounds[0] > *bounds[1])
    return damaged(fmt::format("bounds [{}, {}]", *bounds[0], *bounds[1]));
  return clamp(node, bounds[0], bounds[1]);
}

// After an operator: part of it. On quantised values: a table.
Status Reader::clamp(const Node& node, std::optional<float> low, std::optional<float> high) {
  ATML_TRY(Value v, find(node, 0));
  if (v.kind == Kind::kPending) {
    Pending p = *v.pending;
    if (low) p.low = std::max(*low, p.low.value_or(*low));
    if (high) p.high = std::min(*high, p.high.value_or(*high));
    if (p.low && p.high && *p.low > *p.high) return unsupported("a clamp to an empty range");
    v.pending = std::make_shared<const Pending>(std::move(p));
    set(node, std::move(v));
    return {};
  }
  if (low == 0.0f && !high) return unary(node, "relu");
  if (low == 0.0f && high == 6.0f) return unary(node, "relu6");
  if (low == -1.0f && high == 1.0f) return unary(node, "relu_n1_to_1");
  return unsupported("its bounds on quantised values; supported are [0, 6], [-1, 1] and [0, none]");
}

Status Reader::softmax(const Node& node) {
  ATML_TRY(const Value v, find(node, 0));
  const auto rank = static_cast<std::int64_t>(v.dims.size());
  const std::int64_t axis = integer(node, "axis", -1);
  if (axis != 1 && axis + rank != 1)
    return unsupported(fmt::format("axis {}; the channels are axis 1", axis));
  ATML_TRY(const int in, operand(node, 0));
  put(node, Softmax{}, {in}, model_.tensor(in).shape, v.dims.size());
  return {};
}

Status Reader::binary(const Node& node) {
  ATML_TRY(const Value x, find(node, 0));
  ATML_TRY(const Value y, find(node, 1));
  const bool add = node.op_type() == "Add";
  const auto fixed = [](const Value& v) {
    return v.kind == Kind::kConstant || v.kind == Kind::kScaled;
  };
  if (add && x.kind == Kind::kPending && fixed(y)) return add_bias(node, x, y);
  if (add && y.kind == Kind::kPending && fixed(x)) return add_bias(node, y, x);
  ATML_TRY(int a, operand(node, 0));
  ATML_TRY(int b, operand(node, 1));
  if (x.dims.size() != y.dims.size())
    return unsupported(fmt::format("operands {} and {}", text_of(x.dims), text_of(y.dims)));
  const auto vector = [&](int t) {
    return model_.tensor(t).shape.elements() == model_.tensor(t).shape.channels;
  };
  if (vector(a) && !vector(b)) std::swap(a, b);  // what is repeated comes second
  const Shape &sa = model_.tensor(a).shape, &sb = model_.tensor(b).shape;
  if (!(sa == sb) && !(sb == Shape{1, 1, sa.channels}))
    return unsupported(fmt::format("broadcasting {} and {}", sa.text(), sb.text()));
  const OpKind kind = add ? OpKind(Add{}) : OpKind(Mul{});
  put(node, kind, {a, b}, sa, x.dims.size());
  return {};
}

Status Reader::concat(const Node& node) {
  std::vector<int> inputs;
  std::size_t rank = 0;
  Shape shape;
  for (int n = 0; n < node.input_size(); ++n) {
    ATML_TRY(const Value v, find(node, n));
    ATML_TRY(const int in, operand(node, n));
    const Shape& s = model_.tensor(in).shape;
    if (n > 0 && (v.dims.size() != rank || s.height != shape.height || s.width != shape.width))
      return unsupported(fmt::format("joining {} and {}", shape.text(), s.text()));
    rank = v.dims.size();
    shape = {s.height, s.width, (n > 0 ? shape.channels : 0) + s.channels};
    if (shape.channels > kMostElements) return unsupported("too many channels");
    inputs.push_back(in);
  }
  if (inputs.empty()) return damaged("it has no input");
  const std::int64_t axis = integer(node, "axis", 0);
  if (axis != 1 && axis + static_cast<std::int64_t>(rank) != 1)
    return unsupported(fmt::format("axis {}; the channels are axis 1", axis));
  put(node, Concat{}, inputs, shape, rank);
  return {};
}

Status Reader::pad(const Node& node) {
  ATML_TRY(const auto pads, constant(node, 1));
  if (const std::string mode = word(node, "mode", "constant"); mode != "constant")
    return unsupported(fmt::format("mode '{}'", mode));
  if (node.input_size() > 2 && !node.input(2).empty()) {
    ATML_TRY(const Value fill, find(node, 2));
    if ((fill.kind != Kind::kConstant && fill.kind != Kind::kScaled) ||
        fill.constant->values != std::vector<double>{0})
      return unsupported("padding with another value than 0");
  }
  if (node.input_size() > 3 && !node.input(3).empty()) return unsupported("axes");
  ATML_TRY(const Value v, find(node, 0));
  ATML_TRY(const int in, operand(node, 0));
  if (v.dims.size() != 4 || pads->values.size() != 8)
    return unsupported(fmt::format("{} pads of {}", pads->values.size(), text_of(v.dims)));
  int p[8];
  for (std::size_t i = 0; i < 8; ++i) {
    const double n = pads->values[i];
    if (!(n >= 0 && n <= 1 << 16)) return unsupported(fmt::format("padding {}", n));
    p[i] = static_cast<int>(n);
  }
  if (p[0] != 0 || p[4] != 0) return unsupported("padding of the batch");
  const Pad kind{p[2], p[6], p[3], p[7], p[1], p[5]};
  const Shape s = model_.tensor(in).shape;
  const Shape out{s.height + p[2] + p[6], s.width + p[3] + p[7], s.channels + p[1] + p[5]};
  if (out.elements() > kMostElements)
    return unsupported(fmt::format("an output of {}", out.text()));
  put(node, kind, {in}, out, 4);
  return {};
}

Status Reader::pool(const Node& node) {
  if (integer(node, "ceil_mode", 0) != 0) return unsupported("ceil_mode");
  ATML_TRY(const Value v, find(node, 0));
  ATML_TRY(int in, operand(node, 0));
  ATML_TRY(const Placed placed,
           window(node, model_.tensor(in).shape, integers(node, "kernel_shape", {})));
  const bool average = node.op_type() == "AveragePool";
  if (placed.before && !(average && integer(node, "count_include_pad", 0) != 0))
    return unsupported(
        "its pads are not those of SAME_UPPER, and a maximum or mean leaves them out");
  if (average && !placed.before && placed.window.padding == network::Padding::kSame &&
      integer(node, "count_include_pad", 0) != 0) {
    const Shape& s = model_.tensor(in).shape;
    const network::Window& w = placed.window;
    const bool padded_h = (w.output_height(s.height) - 1) * w.stride_h + w.kernel_h > s.height;
    const bool padded_w = (w.output_width(s.width) - 1) * w.stride_w + w.kernel_w > s.width;
    if (padded_h || padded_w) return unsupported("count_include_pad with these pads");
  }
  ATML_TRY(in, padded(node, in, placed));
  const Shape& s = model_.tensor(in).shape;
  const network::Window& w = placed.window;
  const Shape out{w.output_height(s.height), w.output_width(s.width), s.channels};
  const OpKind kind = average ? OpKind(AveragePool{w}) : OpKind(MaxPool{w});
  put(node, kind, {in}, out, v.dims.size());
  return {};
}

Status Reader::global_pool(const Node& node) {
  ATML_TRY(const Value v, find(node, 0));
  if (v.dims.size() < 3) return damaged(fmt::format("dimensions {}", text_of(v.dims)));
  ATML_TRY(const int in, operand(node, 0));
  put(node, Mean{}, {in}, {1, 1, model_.tensor(in).shape.channels}, v.dims.size());
  return {};
}

Status Reader::reduce_mean(const Node& node) {
  ATML_TRY(const Value v, find(node, 0));
  Dims axes = integers(node, "axes", {});
  if (node.input_size() > 1) {
    ATML_TRY(const auto c, constant(node, 1));
    for (const double a : c->values) axes.push_back(static_cast<std::int64_t>(a));
  }
  const auto rank = static_cast<std::int64_t>(v.dims.size());
  std::set<std::int64_t> seen;
  for (const std::int64_t a : axes) seen.insert(a < 0 ? a + rank : a);
  if (rank != 4 || seen != std::set<std::int64_t>{2, 3})
    return unsupported(
        fmt::format("axes {} of {}; only height and width (2, 3)", text_of(axes), text_of(v.dims)));
  ATML_TRY(const int in, operand(node, 0));
  put(node, Mean{}, {in}, {1, 1, model_.tensor(in).shape.channels},
      integer(node, "keepdims", 1) != 0 ? 4 : 2);
  return {};
}

Result<Dims> Reader::new_dims(const Node& node, const Value& v) const {
  ATML_TRY(const std::int64_t count, elements_of(v.dims));
  if (node.op_type() == "Flatten") {
    if (integer(node, "axis", 1) != 1) return unsupported("another axis than 1");
    return Dims{v.dims[0], count / v.dims[0]};
  }
  ATML_TRY(const auto shape, constant(node, 1));
  if (shape->type != Type::kInt64 || shape->values.size() > 8)
    return damaged("its shape is not a short list of INT64");
  Dims dims;
  std::int64_t known = 1;
  int open = -1;
  for (std::size_t i = 0; i < shape->values.size(); ++i) {
    auto d = shape->values[i];
    if (d == 0 && integer(node, "allowzero", 0) == 0 && i < v.dims.size())
      d = static_cast<double>(v.dims[i]);
    if (d == -1 && open < 0) {
      open = static_cast<int>(i);
      d = 1;
    }
    if (!(d >= 1 && d <= static_cast<double>(count)))
      return damaged(fmt::format("dimension {}", d));
    dims.push_back(static_cast<std::int64_t>(d));
    known *= dims.back();
    if (known > count) break;
  }
  if (open >= 0 && count % known == 0) known *= dims[index(open)] = count / known;
  if (known != count || dims.empty())
    return damaged(fmt::format("{} cannot be reshaped to {}", text_of(v.dims), text_of(dims)));
  return dims;
}

Status Reader::relayout(const Node& node) {
  ATML_TRY(Value v, find(node, 0));
  const bool transposes = node.op_type() == "Transpose";
  if (v.kind == Kind::kScaled) return unsupported("on weights; fold it into them");
  if (v.dims.empty()) return damaged("on a single number");
  Dims reversed(v.dims.size());
  for (std::size_t i = 0; i < reversed.size(); ++i)
    reversed[i] = static_cast<std::int64_t>(reversed.size() - 1 - i);
  const Dims order = integers(node, "perm", reversed);
  if (v.kind == Kind::kConstant) return unsupported("on a constant");
  if (v.kind == Kind::kBorder) {
    if (!transposes) return unsupported("on the input before it is quantised");
    ATML_TRY(const Map unused, transposed(Map(index(*elements_of(v.dims))), v.dims, order));
  } else {
    Map map = v.map != nullptr ? *v.map
                               : own_map(v.kind == Kind::kTensor ? model_.tensor(v.tensor).shape
                                                                 : v.pending->shape);
    if (transposes) {
      ATML_TRY(map, transposed(map, v.dims, order));
    }
    v.map = std::make_shared<const Map>(std::move(map));
  }
  if (transposes) {
    Dims dims;
    for (const std::int64_t o : order) dims.push_back(v.dims[index(o)]);
    v.dims = std::move(dims);
  } else {
    ATML_TRY(v.dims, new_dims(node, v));
  }
  if (!transposes) v.layout_name = node.name();
  set(node, std::move(v));
  return {};
}

Status Reader::pass(const Node& node) {
  ATML_TRY(Value v, find(node, 0));
  set(node, std::move(v));
  return {};
}

}  // namespace onnx_in
}  // namespace atml::exchange
