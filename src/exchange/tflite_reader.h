// Follows the operators of a .tflite graph and builds the Int8Model; one method an operator,
// grouped in files by what they compute. Private to exchange.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exchange/tflite_graph.h"
#include "exchange/tflite_schema.h"
#include "quantize/model.h"

namespace atml::exchange {

inline constexpr std::int64_t kMostTensorElements = std::int64_t{1} << 26;

inline Error unsupported(std::string message) { return {Code::kUnsupported, std::move(message)}; }

/// Makes a C identifier of any text.
std::string identifier(const std::string& text);

/// Height x width x channels of up to four dimensions; the batch must be 1.
Result<Shape> shape_of(const RawTensor& tensor);

/// The dimensions as three numbers: what is before `axis`, its own length, what is after it.
struct AxisView {
  int outer = 1, length = 1, inner = 1;
};

class TfliteReader {
 public:
  TfliteReader(const RawGraph& graph, const std::string& name)
      : graph_(graph), tensor_of_(graph.tensors.size(), -1) {
    model_.name = identifier(name);
  }
  Result<quantize::Int8Model> run();

 private:
  struct Bounds {
    int low, high;
  };
  const RawTensor& raw(int index) const { return graph_.tensors[static_cast<std::size_t>(index)]; }
  quantize::Tensor& tensor(int index) { return model_.tensors[static_cast<std::size_t>(index)]; }

  // tflite_read.cpp: borders, tensors, dispatch
  Status read_input();
  Status read_output();
  Status read_op(const RawOp& op);
  Status quantize(const RawOp& op);
  Status quantize_output(const RawOp& op);
  Status dequantize(const RawOp& op);

  // tflite_tensors.cpp: what every operator asks for
  Result<quantize::Tensor> checked_tensor(int index) const;
  Result<int> add_tensor(int index);
  int copy_of(int tensor, const Shape& shape);
  Status expect_counts(const RawOp& op, std::size_t least, std::size_t most) const;
  Result<int> activation(const RawOp& op, std::size_t n) const;
  Result<std::vector<std::int64_t>> integers(const RawOp& op, std::size_t n) const;
  Result<Bounds> bounds(const RawOp& op, int field, const quantize::Tensor& t) const;
  void emit(const RawOp& op, quantize::OpKind kind, std::vector<int> inputs, int output);
  void emit_named(const std::string& name, quantize::OpKind kind, std::vector<int> inputs,
                  int output);
  /// The tensor under another shape of the same size.
  int reshaped(int tensor, const Shape& shape);
  /// What an operator writes that gives the output under the shape; finish_output() follows, which
  /// reshapes it to the output's own.
  int output_as(int output, const Shape& shape);
  void finish_output(int output);

  // tflite_filters.cpp
  Status read_bias(const RawOp& op, std::size_t outputs, quantize::Filter& f) const;
  Result<quantize::Filter> read_filter(const RawOp& op, std::size_t rank, int axis) const;
  Status conv(const RawOp& op);
  Status depthwise(const RawOp& op);
  Status dense(const RawOp& op);
  Result<network::Window> window(const RawOp& op, int kernel_h, int kernel_w, int padding,
                                 int stride_w, int stride_h, int dilation_w, int dilation_h) const;

  // tflite_reductions.cpp
  template <class Pool>
  Status pool(const RawOp& op, Pool kind);
  Status max_pool(const RawOp& op);
  Status average_pool(const RawOp& op);
  Result<AxisView> reduced_axes(const RawOp& op);
  Status mean(const RawOp& op);
  Status reduce_max(const RawOp& op);

  // tflite_elementwise.cpp
  bool is_constant(int index) const;
  Result<int> operand(const RawOp& op, std::size_t n);
  int constant(const quantize::Tensor& t, std::string_view values);
  Result<int> expanded(int tensor, const Shape& to);
  template <class Kind>
  Status elementwise(const RawOp& op, Kind kind);
  template <class Kind>
  Status with_scalar(const RawOp& op, Kind kind, std::size_t scalar);
  Status add(const RawOp& op);
  Status mul(const RawOp& op);
  Status softmax(const RawOp& op);
  Status table(const RawOp& op, const std::string& function);
  Status leaky_relu(const RawOp& op);
  Status check_scales(int in, int out) const;

  // tflite_shapes.cpp
  Status concat(const RawOp& op);
  Status pad(const RawOp& op);
  Status reshape(const RawOp& op);
  bool is_shape_value(const RawOp& op) const;
  Status shape_computation(const RawOp& op) const;

  const RawGraph& graph_;
  quantize::Int8Model model_;
  std::vector<int> tensor_of_;  // .tflite tensor -> model tensor, -1 where it is none
  std::set<std::string> names_;
  std::size_t index_ = 0;
  int border_ = -1;  // a float or uint8 input, until its QUANTIZE
};

}  // namespace atml::exchange
