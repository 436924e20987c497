#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>

#include "exchange/onnx.h"
#include "exchange/onnx_reader.h"

namespace atml::exchange {

std::string identifier(const std::string& text);  // tflite_tensors.cpp

namespace onnx_in {

using namespace quantize;
using Kind = Value::Kind;

Reader::Reader(const ::onnx::ModelProto& file, const std::string& name)
    : file_(file), graph_(file.graph()) {
  model_.name = identifier(name);
}

Result<Int8Model> Reader::run() {
  ATML_TRY_STATUS(header());
  ATML_TRY_STATUS(borders());
  for (int i = 0; i < graph_.node_size(); ++i) {
    const Node& node = graph_.node(i);
    if (const Status status = read_node(node); !status.ok())
      return status.error().with_context(
          fmt::format("node {} '{}' ({})", i, node.name(), node.op_type()));
  }
  ATML_TRY_STATUS(output());
  ATML_TRY_STATUS(model_.verify());
  return std::move(model_);
}

Status Reader::header() {
  for (const auto& entry : file_.opset_import()) {
    if (entry.domain().empty() || entry.domain() == "ai.onnx") opset_ = entry.version();
  }
  if (opset_ < 13)
    return unsupported(fmt::format(
        "opset {}; 13 is the least that has scales for every channel: convert the model", opset_));
  for (const auto& entry : file_.metadata_props()) {
    if (entry.key() == "autotinyml.rounding" && entry.value() == "single")
      model_.rounding = Rounding::kSingle;
  }
  return {};
}

Status Reader::borders() {
  for (const auto& t : graph_.initializer()) {
    ATML_TRY(Constant c, decode(t));
    Value v;
    v.kind = Kind::kConstant;
    v.dims = c.dims;
    v.constant = std::make_shared<const Constant>(std::move(c));
    values_[t.name()] = std::move(v);
  }
  if (graph_.sparse_initializer_size() > 0) return unsupported("sparse initializers");
  model_.input = -1;
  int inputs = 0;
  for (const auto& info : graph_.input()) {
    if (values_.contains(info.name())) continue;  // old files list the weights here too
    if (++inputs > 1) return unsupported("more than one input");
    const auto& type = info.type().tensor_type();
    Value v;
    for (const auto& d : type.shape().dim())  // an open batch is one sample
      v.dims.push_back(d.has_dim_value() || !v.dims.empty() ? d.dim_value() : 1);
    if (const auto n = elements_of(v.dims); !n.ok())
      return n.error().with_context(fmt::format("input '{}'", info.name()));
    if (type.elem_type() != onnx::TensorProto::FLOAT && type.elem_type() != onnx::TensorProto::INT8)
      return unsupported(fmt::format("input '{}' is neither FLOAT nor INT8", info.name()));
    v.real = type.elem_type() == onnx::TensorProto::FLOAT;
    values_[info.name()] = std::move(v);
  }
  if (inputs == 0) return unsupported("the graph has no input");
  if (graph_.output_size() != 1)
    return unsupported(fmt::format("{} outputs, only one is supported", graph_.output_size()));
  return {};
}

Status Reader::output() {
  const std::string& name = graph_.output(0).name();
  const auto it = values_.find(name);
  if (it == values_.end()) return damaged(fmt::format("no node gives the output '{}'", name));
  if (it->second.kind == Kind::kPending)
    return unsupported(fmt::format("the output '{}' is not quantised", name));
  if (it->second.kind != Kind::kTensor)
    return unsupported(fmt::format("the output '{}' is not computed from the input", name));
  ATML_TRY(model_.output, materialised(it->second, "output"));
  return {};
}

Result<Value> Reader::find(const Node& node, int n) const {
  if (n >= node.input_size() || node.input(n).empty())
    return damaged(fmt::format("input {} is missing", n));
  const auto it = values_.find(node.input(n));
  if (it == values_.end())
    return damaged(fmt::format("reads '{}', which no earlier node gives", node.input(n)));
  return it->second;
}

Result<std::shared_ptr<const Constant>> Reader::constant(const Node& node, int n) const {
  ATML_TRY(const Value v, find(node, n));
  if (v.kind != Kind::kConstant)
    return unsupported(fmt::format("input '{}' is not a constant", node.input(n)));
  return v.constant;
}

void Reader::set(const Node& node, Value value) { values_[node.output(0)] = std::move(value); }

Status Reader::read_node(const Node& node) {
  if (!node.domain().empty() && node.domain() != "ai.onnx")
    return unsupported(fmt::format("operators of the domain '{}'", node.domain()));
  if (node.output_size() < 1 || node.output(0).empty()) return damaged("it has no output");
  for (int n = 1; n < node.output_size(); ++n) {
    if (!node.output(n).empty()) return unsupported("more than one output");
  }
  if (values_.contains(node.output(0)))
    return damaged(fmt::format("'{}' is written twice", node.output(0)));
  return dispatch(node);
}

Status Reader::dispatch(const Node& node) {
  using Method = Status (Reader::*)(const Node&);
  static const std::map<std::string, Method> methods = {{"QuantizeLinear", &Reader::quantise},
                                                        {"DequantizeLinear", &Reader::dequantise},
                                                        {"Constant", &Reader::constant_node},
                                                        {"Identity", &Reader::pass},
                                                        {"Dropout", &Reader::pass},
                                                        {"Conv", &Reader::conv},
                                                        {"Gemm", &Reader::dense},
                                                        {"MatMul", &Reader::dense},
                                                        {"MaxPool", &Reader::pool},
                                                        {"AveragePool", &Reader::pool},
                                                        {"GlobalAveragePool", &Reader::global_pool},
                                                        {"ReduceMean", &Reader::reduce_mean},
                                                        {"Add", &Reader::binary},
                                                        {"Mul", &Reader::binary},
                                                        {"Concat", &Reader::concat},
                                                        {"Pad", &Reader::pad},
                                                        {"Reshape", &Reader::relayout},
                                                        {"Flatten", &Reader::relayout},
                                                        {"Transpose", &Reader::relayout},
                                                        {"Softmax", &Reader::softmax},
                                                        {"Clip", &Reader::clip}};
  static const std::map<std::string, const char*> functions = {
      {"Sigmoid", "logistic"}, {"Tanh", "tanh"}, {"HardSwish", "hard_swish"}};
  if (node.op_type() == "Relu") return clamp(node, 0.0f, std::nullopt);
  if (const auto it = functions.find(node.op_type()); it != functions.end())
    return unary(node, it->second);
  const auto it = methods.find(node.op_type());
  if (it != methods.end()) return (this->*it->second)(node);
  std::string known = "Relu, Sigmoid, Tanh, HardSwish";
  for (const auto& [name, method] : methods) known += ", " + name;
  return unsupported("not supported; supported are " + known);
}

Status Reader::constant_node(const Node& node) {
  for (const auto& a : node.attribute()) {
    if (a.name() != "value") continue;
    ATML_TRY(Constant c, decode(a.t()));
    Value v;
    v.kind = Kind::kConstant;
    v.dims = c.dims;
    v.constant = std::make_shared<const Constant>(std::move(c));
    set(node, std::move(v));
    return {};
  }
  return unsupported("only constants given as 'value'");
}

namespace {

// uint8 is ONNX's default where there is no zero point.
Status check_zero_type(const Constant& zero, Type type) {
  if (zero.type == type) return {};
  return unsupported("the zero point is not of the type of the quantised numbers");
}

Status check_scale(double scale) {
  if (std::isnormal(static_cast<float>(scale)) && scale > 0) return {};
  return damaged(fmt::format("scale {} is not a positive number", scale));
}

}  // namespace

Result<Reader::Grid> Reader::grid(const Node& node) const {
  if (node.input_size() < 3 || node.input(2).empty())
    return unsupported("no zero point, which means uint8; only int8 is supported");
  ATML_TRY(const auto scale, constant(node, 1));
  ATML_TRY(const auto zero, constant(node, 2));
  if (scale->values.size() != 1 || zero->values.size() != 1)
    return unsupported("activations need one scale and one zero point");
  if (zero->type != Type::kInt8 || scale->type != Type::kFloat)
    return unsupported("the zero point must be INT8 and the scale FLOAT");
  ATML_TRY_STATUS(check_scale(scale->values[0]));
  return Grid{static_cast<float>(scale->values[0]), static_cast<int>(zero->values[0])};
}

Status Reader::quantise(const Node& node) {
  ATML_TRY(Value v, find(node, 0));
  if (integer(node, "block_size", 0) != 0) return unsupported("scales of blocks");
  if (v.kind == Kind::kConstant) return quantise_constant(node, v);
  if (v.kind == Kind::kScaled || !v.real) return unsupported("its input is quantised already");
  ATML_TRY(const Grid g, grid(node));
  if (v.kind == Kind::kBorder) return quantise_border(node, std::move(v), g);
  return quantise_view(node, std::move(v), g);
}

Status Reader::quantise_border(const Node& node, Value v, Grid g) {
  ATML_TRY(const Shape shape, shape_of(v.dims));
  if (model_.input < 0) {
    ATML_TRY(model_.input, new_tensor(node.output(0), shape, g));
  }
  const Tensor& t = model_.tensor(model_.input);
  if (t.scale != g.scale || t.zero_point != g.zero_point || !(t.shape == shape))
    return unsupported("the input is quantised in two ways");
  v.kind = Kind::kTensor;
  v.tensor = model_.input;
  v.real = false;
  set(node, std::move(v));
  return {};
}

// Float weights that the exporter left to be rounded here: half to even, as ONNX asks.
Status Reader::quantise_constant(const Node& node, const Value& v) {
  if (v.constant->type != Type::kFloat) return unsupported("quantises integers");
  ATML_TRY(const auto zero, constant(node, 2));
  ATML_TRY_STATUS(check_zero_type(*zero, Type::kInt8));
  Value as_int = v;
  Constant c = *v.constant;
  c.type = Type::kInt8;
  as_int.constant = std::make_shared<const Constant>(c);
  ATML_TRY(const Value grid_of, scaled(node, as_int));
  std::int64_t inner = 1;
  for (std::size_t d = index(grid_of.axis) + 1; d < c.dims.size(); ++d) inner *= c.dims[d];
  const auto n = static_cast<std::int64_t>(grid_of.scales.size());
  for (std::size_t i = 0; i < c.values.size(); ++i) {
    const float scale = grid_of.scales[index(static_cast<std::int64_t>(i) / inner % n)];
    const double q = std::nearbyint(static_cast<float>(c.values[i]) / scale);
    if (std::isnan(q)) return damaged("a weight is not a number");
    c.values[i] = std::clamp(q, -128.0, 127.0);
  }
  Value result = v;
  result.constant = std::make_shared<const Constant>(std::move(c));
  set(node, std::move(result));
  return {};
}

Status Reader::quantise_view(const Node& node, Value v, Grid g) {
  if (v.kind == Kind::kPending) {
    ATML_TRY(v.tensor, finished(*v.pending, g, node.output(0)));
    v.kind = Kind::kTensor;
    v.pending.reset();
  }
  v.real = false;
  const Tensor& t = model_.tensor(v.tensor);
  const bool same = t.scale == g.scale && t.zero_point == g.zero_point;
  if (!same || has_hint(node, "quantize")) {
    ATML_TRY(const int in, materialised(v, v.layout_name));
    ATML_TRY(v.tensor, rescaled(in, g, node.output(0), node.name()));
    v.map.reset();
  } else if (v.map != nullptr || has_hint(node, "reshape")) {
    ATML_TRY(const Shape shape, shape_of(v.dims));
    if (!has_hint(node, "reshape") && shape == t.shape) {
      // The same tensor, perhaps in another order, which only a dense layer can read.
    } else if (v.map == nullptr || *v.map == own_map(shape)) {
      const int from = v.tensor;
      ATML_TRY(v.tensor, new_tensor(node.output(0), shape, g));
      emit(v.layout_name, Reshape{}, {from}, v.tensor);
      v.map.reset();
    }
  }
  set(node, std::move(v));
  return {};
}

// int8 or int32 constants with the scales that make them real.
Result<Value> Reader::scaled(const Node& node, const Value& v) const {
  ATML_TRY(const auto scales, constant(node, 1));
  Value result = v;
  result.kind = Kind::kScaled;
  const auto rank = static_cast<std::int64_t>(v.dims.size());
  const std::int64_t axis = integer(node, "axis", 1);
  const bool single = scales->values.size() == 1;
  result.axis = single ? 0 : axis < 0 ? axis + rank : axis;
  if (scales->type != Type::kFloat) return damaged("its scales are not FLOAT");
  if (!single && (result.axis < 0 || result.axis >= rank ||
                  v.dims[index(result.axis)] != static_cast<std::int64_t>(scales->values.size())))
    return damaged(fmt::format("{} scales do not suit axis {} of {}", scales->values.size(), axis,
                               text_of(v.dims)));
  for (const double s : scales->values) {
    ATML_TRY_STATUS(check_scale(s));
    result.scales.push_back(static_cast<float>(s));
  }
  if (result.scales.empty()) return damaged("no scale");
  if (node.input_size() < 3 || node.input(2).empty()) return result;
  ATML_TRY(const auto zero, constant(node, 2));
  ATML_TRY_STATUS(check_zero_type(*zero, v.constant->type));
  for (const double z : zero->values) {
    if (z != 0) return unsupported(fmt::format("weights with zero point {}, must be 0", z));
  }
  return result;
}

Status Reader::dequantise(const Node& node) {
  ATML_TRY(Value v, find(node, 0));
  if (integer(node, "block_size", 0) != 0) return unsupported("scales of blocks");
  if (v.kind == Kind::kConstant) {
    if (v.constant->type != Type::kInt8 && v.constant->type != Type::kInt32)
      return unsupported("only INT8 and INT32 constants");
    ATML_TRY(Value result, scaled(node, v));
    set(node, std::move(result));
    return {};
  }
  if (v.real) return damaged("its input is not quantised");
  ATML_TRY(const Grid g, grid(node));
  if (v.kind == Kind::kBorder) {  // an int8 input
    ATML_TRY_STATUS(quantise_border(node, v, g));
    v = values_[node.output(0)];
  }
  const Tensor& t = model_.tensor(v.tensor);
  if (t.scale != g.scale || t.zero_point != g.zero_point)
    return unsupported(fmt::format(
        "reads ({}, {}) as ({}, {}): scale and zero point must be those of its QuantizeLinear",
        t.scale, t.zero_point, g.scale, g.zero_point));
  v.real = true;
  set(node, std::move(v));
  return {};
}

}  // namespace onnx_in

Result<quantize::Int8Model> read_onnx(std::string_view bytes, const std::string& name) {
  constexpr std::size_t kMostBytes = std::size_t{256} << 20;
  if (bytes.size() > kMostBytes)
    return onnx_in::unsupported(fmt::format(
        "{} bytes; an int8 model for a microcontroller has at most {}", bytes.size(), kMostBytes));
  const google::protobuf::LogSilencer quiet;  // the error below says it
  onnx::ModelProto file;
  if (!file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Error{Code::kParse, fmt::format("not an .onnx file, or cut or damaged: its {} bytes are "
                                           "no protobuf message",
                                           bytes.size())};
  if (file.graph().node_size() == 0)
    return Error{Code::kParse, "not an .onnx file: it has no graph with nodes"};
  return onnx_in::Reader(file, name).run();
}

}  // namespace atml::exchange
