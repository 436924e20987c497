// Follows the nodes of an .onnx graph and builds the Int8Model; one method an operator. Private to
// exchange.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "exchange/onnx_values.h"

namespace onnx {
class ModelProto;
class GraphProto;
}  // namespace onnx

namespace atml::exchange::onnx_in {

using Node = ::onnx::NodeProto;

class Reader {
 public:
  Reader(const ::onnx::ModelProto& file, const std::string& name);
  Result<quantize::Int8Model> run();

 private:
  struct Grid {  // of a QuantizeLinear or DequantizeLinear of an activation
    float scale;
    int zero_point;
  };
  struct Placed {
    network::Window window;
    std::optional<quantize::Pad> before;  // padding that the window itself cannot say
  };

  // onnx_read.cpp: the file, borders, dispatch, quantisation
  Status header();
  Status borders();
  Status read_node(const Node& node);
  Status dispatch(const Node& node);
  Status output();
  Result<Value> find(const Node& node, int n) const;
  Result<std::shared_ptr<const Constant>> constant(const Node& node, int n) const;
  void set(const Node& node, Value value);
  Result<Grid> grid(const Node& node) const;
  Status constant_node(const Node& node);
  Status quantise(const Node& node);
  Status quantise_border(const Node& node, Value v, Grid g);
  Status quantise_constant(const Node& node, const Value& v);
  Status quantise_view(const Node& node, Value v, Grid g);
  Status dequantise(const Node& node);
  Result<Value> scaled(const Node& node, const Value& v) const;

  // onnx_layers.cpp: what every operator asks for, and operators without weights
  static bool has_hint(const Node& node, const char* text);
  Result<int> new_tensor(const std::string& name, const Shape& shape, Grid g);
  void emit(const std::string& name, quantize::OpKind kind, std::vector<int> inputs, int output);
  Result<int> materialised(const Value& v, const std::string& name);
  Result<int> operand(const Node& node, int n);
  void put(const Node& node, quantize::OpKind kind, std::vector<int> inputs, const Shape& shape,
           std::size_t rank);
  Result<int> finished(const Pending& p, Grid g, const std::string& name);
  Status apply_clamp(Pending& p, Grid g) const;
  Status table_values(const quantize::Table& t, int in, int out,
                      std::vector<std::int8_t>& values) const;
  Result<int> rescaled(int tensor, Grid g, const std::string& name, const std::string& op_name);
  Status unary(const Node& node, const char* function);
  Status clip(const Node& node);
  Status clamp(const Node& node, std::optional<float> low, std::optional<float> high);
  Status softmax(const Node& node);
  Status binary(const Node& node);
  Status concat(const Node& node);
  Status pad(const Node& node);
  Status pool(const Node& node);
  Status global_pool(const Node& node);
  Status reduce_mean(const Node& node);
  Status relayout(const Node& node);
  Status pass(const Node& node);
  Result<Dims> new_dims(const Node& node, const Value& v) const;

  // onnx_filters.cpp
  Result<Placed> window(const Node& node, const Shape& in, Dims kernel) const;
  Result<int> padded(const Node& node, int in, const Placed& placed);
  Status read_bias(const Value& v, float input_scale, quantize::Filter& f) const;
  Result<quantize::Filter> filter(const Node& node, const Value& weights, std::int64_t axis,
                                  std::int64_t outputs) const;
  Status conv(const Node& node);
  Status dense(const Node& node);
  Status add_bias(const Node& node, const Value& dense, const Value& bias);

  const ::onnx::ModelProto& file_;
  const ::onnx::GraphProto& graph_;
  quantize::Int8Model model_;
  std::map<std::string, Value> values_;
  std::set<std::string> names_;
  std::int64_t opset_ = 0;
};

}  // namespace atml::exchange::onnx_in
