#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <set>

#include "exchange/elementwise.h"
#include "exchange/onnx.h"
#include "quantize/requantize.h"

namespace atml::exchange {
namespace {

using namespace quantize;
using Dims = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

constexpr int kOpset = 14;  // the first with HardSwish
constexpr int kIrVersion = 7;

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

class OnnxWriter {
 public:
  explicit OnnxWriter(const Int8Model& model)
      : model_(model),
        graph_(*file_.mutable_graph()),
        values_(model.tensors.size()),
        flat_(model.tensors.size(), false) {}

  Result<std::string> run() {
    header();
    for (const Tensor& t : model_.tensors) reserved_.insert(t.name);
    choose_ranks();
    input();
    for (const Op& op : model_.ops) {
      const Status status =
          std::visit([&](const auto& kind) { return translate(op, kind); }, op.kind);
      if (!status.ok())
        return status.error().with_context(
            fmt::format("operator '{}' ({})", op.name, kind_name(op.kind)));
    }
    output();
    std::string bytes;
    if (!file_.SerializeToString(&bytes))
      return Error{Code::kUnsupported, "the model is too large for .onnx (2 GiB)"};
    return bytes;
  }

 private:
  void header() {
    file_.set_ir_version(kIrVersion);
    file_.set_producer_name("autotinyml");
    auto* opset = file_.add_opset_import();
    opset->set_domain("");
    opset->set_version(kOpset);
    const auto property = [&](const char* key, const char* value) {
      auto* entry = file_.add_metadata_props();
      entry->set_key(key);
      entry->set_value(value);
    };
    property("autotinyml.layout", "NCHW; autotinyml itself takes and gives height, width, channel");
    property("autotinyml.rounding", model_.rounding == Rounding::kSingle ? "single" : "double");
    graph_.set_name(model_.name);
  }

  // A vector is [1, n] where dense layers, reshapes or element-wise operators on such vectors give
  // it; all else is [1, c, h, w].
  void choose_ranks() {
    const auto flat = [&](int t) { return static_cast<bool>(flat_[index(t)]); };
    const Shape& in = model_.tensor(model_.input).shape;
    flat_[index(model_.input)] = in.height == 1 && in.width == 1;
    for (const Op& op : model_.ops) {
      const Shape& out = model_.output_of(op).shape;
      const bool vector = out.height == 1 && out.width == 1;
      flat_[index(op.output)] =
          vector &&
          (std::holds_alternative<Dense>(op.kind) || std::holds_alternative<Reshape>(op.kind) ||
           (is_elementwise(op.kind) && std::ranges::all_of(op.inputs, flat)));
    }
  }

  static Dims dims_of(const Shape& s, bool flat) {
    return flat ? Dims{1, s.channels} : Dims{1, s.channels, s.height, s.width};
  }

  // ---- pieces of a graph

  // The names of the model's tensors stay theirs.
  std::string unique(std::string name, bool of_tensor = false) {
    if (name.empty()) name = "value";
    while ((!of_tensor && reserved_.contains(name)) || !names_.insert(name).second) name += "_x";
    return name;
  }

  std::string constant(const std::string& name, int type, const Dims& dims, std::string bytes) {
    auto* t = graph_.add_initializer();
    t->set_name(unique(name));
    t->set_data_type(type);
    for (const std::int64_t d : dims) t->add_dims(d);
    t->set_raw_data(std::move(bytes));
    return t->name();
  }
  std::string reals(const std::string& name, const std::vector<float>& v, bool scalar = false) {
    return constant(name, onnx::TensorProto::FLOAT,
                    scalar ? Dims{} : Dims{static_cast<std::int64_t>(v.size())}, bytes_of(v));
  }
  std::string integers(const std::string& name, const Dims& v) {
    return constant(name, onnx::TensorProto::INT64, {static_cast<std::int64_t>(v.size())},
                    bytes_of(v));
  }
  template <class T>
  std::string zeros(const std::string& name, int type, std::size_t count) {
    return constant(name, type, {static_cast<std::int64_t>(count)},
                    bytes_of(std::vector<T>(count)));
  }

  // The node's output value has the node's name.
  onnx::NodeProto& node(const char* type, const Names& inputs, const std::string& name,
                        std::string output = "") {
    auto* n = graph_.add_node();
    n->set_op_type(type);
    n->set_name(name);
    for (const std::string& i : inputs) n->add_input(i);
    n->add_output(output.empty() ? unique(name + "_real") : std::move(output));
    return *n;
  }
  static void attribute(onnx::NodeProto& n, const char* name, std::int64_t value) {
    auto* a = n.add_attribute();
    a->set_name(name);
    a->set_type(onnx::AttributeProto::INT);
    a->set_i(value);
  }
  static void attribute(onnx::NodeProto& n, const char* name, const Dims& values) {
    auto* a = n.add_attribute();
    a->set_name(name);
    a->set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t v : values) a->add_ints(v);
  }
  static void attribute(onnx::NodeProto& n, const char* name, const std::string& value) {
    auto* a = n.add_attribute();
    a->set_name(name);
    a->set_type(onnx::AttributeProto::STRING);
    a->set_s(value);
  }
  // What the graph cannot say and read_onnx() keeps.
  static void hint(onnx::NodeProto& n, const std::string& text) {
    n.set_doc_string(n.doc_string() + (n.doc_string().empty() ? "autotinyml: " : ", ") + text);
  }

  std::string reshaped(const std::string& from, const Dims& dims, const std::string& name) {
    return node("Reshape", {from, integers(name + "_shape", dims)}, name).output(0);
  }

  Names quantisation(const Tensor& t, const std::string& name) {
    const std::vector<std::int8_t> zero{static_cast<std::int8_t>(t.zero_point)};
    return {reals(name + "_scale", {t.scale}, true),
            constant(name + "_zero_point", onnx::TensorProto::INT8, {}, bytes_of(zero))};
  }

  // The real values of the operator's n-th input, of rank 2 or 4.
  std::string real_input(const Op& op, int n, bool flat) {
    const int t = op.inputs[index(n)];
    const Value& v = values_[index(t)];
    const std::string name = fmt::format("{}_input_{}", op.name, n);
    const std::string real =
        node("DequantizeLinear", {v.name, v.scale, v.zero_point}, name).output(0);
    if (flat_[index(t)] == flat) return real;
    return reshaped(real, dims_of(model_.tensor(t).shape, flat), name + "_reshape");
  }
  bool all_flat(const Op& op) const {
    return std::ranges::all_of(op.inputs,
                               [&](int t) { return static_cast<bool>(flat_[index(t)]); });
  }

  onnx::NodeProto& quantise(int tensor, const std::string& real, const std::string& name) {
    const Tensor& t = model_.tensor(tensor);
    const std::string value = unique(t.name, true);
    const Names q = quantisation(t, value);
    values_[index(tensor)] = {value, q[0], q[1]};
    return node("QuantizeLinear", {real, q[0], q[1]}, name, value);
  }
  onnx::NodeProto& finish(const Op& op, const std::string& real) {
    return quantise(op.output, real, op.name + "_quantize");
  }

  // The clamp [low, high] of the quantised output, in real numbers.
  std::string clamped(const Op& op, const std::string& real, int low, int high) {
    const Tensor& out = model_.output_of(op);
    if (low == -128 && high == 127) return real;
    const std::string name = op.name + "_clamp";
    if (low == out.zero_point && high == 127) return node("Relu", {real}, name).output(0);
    const auto bound = [&](const char* which, int q) {
      return reals(name + which, {out.scale * static_cast<float>(q - out.zero_point)}, true);
    };
    return node("Clip", {real, bound("_min", low), bound("_max", high)}, name).output(0);
  }

  void border(onnx::ValueInfoProto& info, const std::string& name, int tensor) {
    info.set_name(name);
    auto* type = info.mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t d : dims_of(model_.tensor(tensor).shape, flat_[index(tensor)]))
      type->mutable_shape()->add_dim()->set_dim_value(d);
  }
  void input() {
    const std::string name = unique("input");
    border(*graph_.add_input(), name, model_.input);
    quantise(model_.input, name, name + "_quantize");
  }
  void output() {
    const std::string name = unique("output");
    const Value& v = values_[index(model_.output)];
    node("DequantizeLinear", {v.name, v.scale, v.zero_point}, name + "_dequantize", name);
    border(*graph_.add_output(), name, model_.output);
  }

  // ---- operators with weights

  // Dequantised weights (transposed already) and biases.
  Names filter(const Op& op, const Filter& f, const std::vector<std::int8_t>& weights,
               const Dims& dims) {
    const std::size_t n = f.scales.size();
    std::vector<float> bias_scales;
    for (const float s : f.scales) bias_scales.push_back(model_.input_of(op).scale * s);
    const std::string w = op.name + "_weights", b = op.name + "_bias";
    auto& wide = node("DequantizeLinear",
                      {constant(w, onnx::TensorProto::INT8, dims, bytes_of(weights)),
                       reals(w + "_scale", f.scales),
                       zeros<std::int8_t>(w + "_zero_point", onnx::TensorProto::INT8, n)},
                      w);
    attribute(wide, "axis", 0);
    const std::string wide_name = wide.output(0);
    auto& bias = node(
        "DequantizeLinear",
        {constant(b, onnx::TensorProto::INT32, {static_cast<std::int64_t>(n)}, bytes_of(f.bias)),
         reals(b + "_scale", bias_scales),
         zeros<std::int32_t>(b + "_zero_point", onnx::TensorProto::INT32, n)},
        b);
    attribute(bias, "axis", 0);
    return {wide_name, bias.output(0)};
  }

  static void window(onnx::NodeProto& n, const network::Window& w, const Shape& in) {
    attribute(n, "kernel_shape", Dims{w.kernel_h, w.kernel_w});
    attribute(n, "strides", Dims{w.stride_h, w.stride_w});
    if (w.padding == network::Padding::kValid) {
      attribute(n, "auto_pad", "VALID");
      return;
    }
    const auto all = [](int size, int out, int kernel, int stride, int dilation) {
      return std::max(0, (out - 1) * stride + dilation * (kernel - 1) + 1 - size);
    };
    const int top = w.pad_top(in.height), left = w.pad_left(in.width);
    const int rows =
        all(in.height, w.output_height(in.height), w.kernel_h, w.stride_h, w.dilation_h);
    const int columns =
        all(in.width, w.output_width(in.width), w.kernel_w, w.stride_w, w.dilation_w);
    attribute(n, "pads", Dims{top, left, rows - top, columns - left});
  }

  Status convolution(const Op& op, const Filter& f, const network::Window& w,
                     const std::vector<std::int8_t>& weights, const Dims& dims, int groups, int low,
                     int high, const char* extra) {
    const std::string in = real_input(op, 0, false);
    const Names wb = filter(op, f, weights, dims);
    auto& n = node("Conv", {in, wb[0], wb[1]}, op.name);
    window(n, w, model_.input_of(op).shape);
    attribute(n, "dilations", Dims{w.dilation_h, w.dilation_w});
    attribute(n, "group", groups);
    if (*extra != '\0') hint(n, extra);
    if (f.weight_bits == 4) hint(n, "weight_bits=4");
    finish(op, clamped(op, n.output(0), low, high));
    return {};
  }

  Status translate(const Op& op, const Conv& c) {
    const int in = model_.input_of(op).shape.channels, out = model_.output_of(op).shape.channels;
    const int taps = c.window.kernel_h * c.window.kernel_w;
    std::vector<std::int8_t> weights;
    weights.reserve(c.filter.weights.size());
    for (std::int64_t o = 0; o < out; ++o) {
      for (int i = 0; i < in; ++i) {
        for (int t = 0; t < taps; ++t)
          weights.push_back(c.filter.weights[index((o * taps + t) * in + i)]);
      }
    }
    return convolution(op, c.filter, c.window, weights,
                       {out, in, c.window.kernel_h, c.window.kernel_w}, 1, c.low, c.high,
                       c.shared_product ? "shared_product" : "");
  }

  Status translate(const Op& op, const Depthwise& d) {
    const int out = model_.output_of(op).shape.channels;
    const int taps = d.window.kernel_h * d.window.kernel_w;
    std::vector<std::int8_t> weights;
    weights.reserve(d.filter.weights.size());
    for (int o = 0; o < out; ++o) {
      for (std::int64_t t = 0; t < taps; ++t)
        weights.push_back(d.filter.weights[index(t * out + o)]);
    }
    return convolution(op, d.filter, d.window, weights,
                       {out, 1, d.window.kernel_h, d.window.kernel_w},
                       model_.input_of(op).shape.channels, d.low, d.high, "depthwise");
  }

  // ONNX flattens channel by channel: the weights follow.
  Status translate(const Op& op, const Dense& d) {
    const Shape& s = model_.input_of(op).shape;
    const int out = model_.output_of(op).shape.channels;
    const std::int64_t positions = std::int64_t{s.height} * s.width, taps = s.elements();
    std::vector<std::int8_t> weights;
    weights.reserve(d.filter.weights.size());
    for (std::int64_t o = 0; o < out; ++o) {
      for (int c = 0; c < s.channels; ++c) {
        for (std::int64_t p = 0; p < positions; ++p)
          weights.push_back(d.filter.weights[index(o * taps + p * s.channels + c)]);
      }
    }
    std::string in = real_input(op, 0, flat_[index(op.inputs[0])]);
    if (!flat_[index(op.inputs[0])]) {
      auto& flatten = node("Flatten", {in}, op.name + "_flatten");
      attribute(flatten, "axis", 1);
      in = flatten.output(0);
    }
    const Names wb = filter(op, d.filter, weights, {out, taps});
    auto& n = node("Gemm", {in, wb[0], wb[1]}, op.name);
    attribute(n, "transB", 1);
    if (d.filter.weight_bits == 4) hint(n, "weight_bits=4");
    finish(op, clamped(op, n.output(0), d.low, d.high));
    return {};
  }

  // ---- operators without weights

  Status translate(const Op& op, const MaxPool& p) {
    auto& n = node("MaxPool", {real_input(op, 0, false)}, op.name);
    window(n, p.window, model_.input_of(op).shape);
    attribute(n, "dilations", Dims{p.window.dilation_h, p.window.dilation_w});
    finish(op, clamped(op, n.output(0), p.low, p.high));
    return {};
  }
  Status translate(const Op& op, const AveragePool& p) {
    if (p.window.dilation_h != 1 || p.window.dilation_w != 1)
      return Error{Code::kUnsupported, "AveragePool has no dilation before opset 19"};
    auto& n = node("AveragePool", {real_input(op, 0, false)}, op.name);
    window(n, p.window, model_.input_of(op).shape);
    attribute(n, "count_include_pad", 0);
    finish(op, clamped(op, n.output(0), p.low, p.high));
    return {};
  }
  Status translate(const Op& op, const Mean&) {
    finish(op, node("GlobalAveragePool", {real_input(op, 0, false)}, op.name).output(0));
    return {};
  }
  Status binary(const Op& op, const char* type, int low, int high) {
    const bool flat = all_flat(op);
    const std::string a = real_input(op, 0, flat), b = real_input(op, 1, flat);
    finish(op, clamped(op, node(type, {a, b}, op.name).output(0), low, high));
    return {};
  }
  Status translate(const Op& op, const Add& a) { return binary(op, "Add", a.low, a.high); }
  Status translate(const Op& op, const Mul& m) { return binary(op, "Mul", m.low, m.high); }

  Status translate(const Op& op, const Concat&) {
    const bool flat = all_flat(op);
    Names inputs;
    for (int n = 0; n < static_cast<int>(op.inputs.size()); ++n)
      inputs.push_back(real_input(op, n, flat));
    auto& n = node("Concat", inputs, op.name);
    attribute(n, "axis", 1);
    finish(op, n.output(0));
    return {};
  }

  Status translate(const Op& op, const Pad& p) {
    const std::string in = real_input(op, 0, false);
    const std::string pads =
        integers(op.name + "_pads", {0, p.front, p.top, p.left, 0, p.back, p.bottom, p.right});
    finish(op, node("Pad", {in, pads}, op.name).output(0));
    return {};
  }

  // The elements keep their order height, width, channel: transposed there and back.
  Status translate(const Op& op, const Reshape&) {
    const Shape &from = model_.input_of(op).shape, &to = model_.output_of(op).shape;
    std::string real = real_input(op, 0, flat_[index(op.inputs[0])]);
    if (!flat_[index(op.inputs[0])]) real = transposed(real, {0, 2, 3, 1}, op.name + "_nhwc");
    const bool flat = flat_[index(op.output)];
    real = reshaped(real, flat ? Dims{1, to.channels} : Dims{1, to.height, to.width, to.channels},
                    op.name);
    if (!flat) real = transposed(real, {0, 3, 1, 2}, op.name + "_nchw");
    auto& n = finish(op, real);
    if (from == to) hint(n, "reshape");
    return {};
  }
  std::string transposed(const std::string& from, const Dims& order, const std::string& name) {
    auto& n = node("Transpose", {from}, name);
    attribute(n, "perm", order);
    return n.output(0);
  }

  Status translate(const Op& op, const Softmax& s) {
    if (s.beta != 1)
      return Error{Code::kUnsupported, fmt::format("Softmax of .onnx has no beta {}", s.beta)};
    auto& n = node("Softmax", {real_input(op, 0, all_flat(op))}, op.name);
    attribute(n, "axis", 1);
    finish(op, n.output(0));
    return {};
  }

  Status translate(const Op& op, const Table& t) {
    static const std::map<std::string, const char*> known = {{"logistic", "Sigmoid"},
                                                             {"tanh", "Tanh"},
                                                             {"hard_swish", "HardSwish"},
                                                             {"relu", "Relu"},
                                                             {"relu6", "Clip"},
                                                             {"relu_n1_to_1", "Clip"},
                                                             {"quantize", "QuantizeLinear"}};
    const auto it = known.find(t.function);
    if (it == known.end())
      return Error{Code::kUnsupported,
                   fmt::format("no operator of .onnx computes '{}'", t.function)};
    ATML_TRY_STATUS(check_table(model_, op, t));
    const std::string in = real_input(op, 0, flat_[index(op.inputs[0])]);
    if (t.function == "quantize") {
      hint(quantise(op.output, in, op.name), "quantize");
      return {};
    }
    Names inputs{in};
    if (t.function == "relu6" || t.function == "relu_n1_to_1") {
      const bool six = t.function == "relu6";
      inputs.push_back(reals(op.name + "_min", {six ? 0.0f : -1.0f}, true));
      inputs.push_back(reals(op.name + "_max", {six ? 6.0f : 1.0f}, true));
    }
    finish(op, node(it->second, inputs, op.name).output(0));
    return {};
  }

  struct Value {  // of an int8 tensor
    std::string name, scale, zero_point;
  };
  const Int8Model& model_;
  onnx::ModelProto file_;
  onnx::GraphProto& graph_;
  std::vector<Value> values_;  // one a model tensor
  std::vector<bool> flat_;     // which are [1, n]
  std::set<std::string> names_, reserved_;
};

}  // namespace

Result<std::string> write_onnx(const Int8Model& model) { return OnnxWriter(model).run(); }

}  // namespace atml::exchange
