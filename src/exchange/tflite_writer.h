// Turns operators into TFLite's: tensors, constants, reshapes between ranks.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "exchange/tflite_file.h"
#include "quantize/model.h"

namespace atml::exchange {

class TfliteWriter {
 public:
  explicit TfliteWriter(const quantize::Int8Model& model)
      : model_(model), index_(model.tensors.size(), -1), rank_2_(model.tensors.size(), false) {}

  /// Fails (unsupported) on what the format cannot say, naming the operator.
  Result<OutGraph> run();

 private:
  // tflite_writer_tensors.cpp
  void choose_ranks();
  int add_activation(const quantize::Tensor& t, bool flat);
  int add_output(const quantize::Op& op);
  int add_constant(OutTensor t);
  int add_ints(const std::string& name, const std::vector<int>& values, std::vector<int> dims);
  int input_of(const quantize::Op& op, int n, bool four);
  int reshaped(const quantize::Tensor& t, int from, const std::string& name);
  bool any_four(const quantize::Op& op) const;
  Result<std::int8_t> activation(const quantize::Tensor& t, int low, int high) const;

  // tflite_writer_filters.cpp
  int add_weights(const quantize::Op& op, const quantize::Filter& f, std::vector<int> dims,
                  int dimension);
  int add_bias(const quantize::Op& op, const quantize::Filter& f);
  Status dense_on_positions(const quantize::Op& op, const quantize::Conv& c, std::int8_t act);
  Status translate(const quantize::Op& op, const quantize::Conv& c);
  Status translate(const quantize::Op& op, const quantize::Depthwise& d);
  Status translate(const quantize::Op& op, const quantize::Dense& d);
  Status fully_connected(const quantize::Op& op, const quantize::Dense& d, std::int8_t act);

  // tflite_writer_layers.cpp
  Status pool(const quantize::Op& op, schema::Operator code, const network::Window& w, int low,
              int high);
  Status translate(const quantize::Op& op, const quantize::MaxPool& p);
  Status translate(const quantize::Op& op, const quantize::AveragePool& p);
  Status translate(const quantize::Op& op, const quantize::Mean&);
  Status translate(const quantize::Op& op, const quantize::Add& a);
  Status translate(const quantize::Op& op, const quantize::Mul& m);
  Status translate(const quantize::Op& op, const quantize::Concat&);
  Status translate(const quantize::Op& op, const quantize::Pad& p);
  Status translate(const quantize::Op& op, const quantize::Reshape&);
  Status translate(const quantize::Op& op, const quantize::Softmax& s);
  Status translate(const quantize::Op& op, const quantize::Table& t);

  const quantize::Int8Model& model_;
  OutGraph graph_;
  std::vector<int> index_;  // model tensor -> .tflite tensor
  std::vector<bool> rank_2_;
};

/// Values as they lie in the file.
template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::int8_t padding_of(const network::Window& window);

}  // namespace atml::exchange
