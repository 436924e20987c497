// What a .tflite file is written from: tensors and operators with the format's numbers.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "exchange/tflite_schema.h"

namespace atml::exchange {

struct OutTensor {
  std::string name;
  std::vector<int> dims;
  schema::TensorType type = schema::kInt8;
  std::string data;  // empty for activations
  std::vector<float> scales;
  std::vector<std::int64_t> zero_points;
  int dimension = 0;
};

/// The scalar fields of an options table: (field, value) as int32, byte or float.
struct Option {
  int field;
  std::variant<std::int32_t, std::int8_t, float, bool> value;
};

struct OutOp {
  schema::Operator code;
  int version = 1;
  std::vector<int> inputs;
  int output = 0;
  schema::OptionsType options_type = schema::kNoOptions;
  std::vector<Option> options;
};

struct OutGraph {
  std::vector<OutTensor> tensors;
  std::vector<OutOp> ops;
  int input = 0, output = 0;  // tensors
};

/// The bytes of the file: one subgraph named `name`.
std::string serialise(const OutGraph& graph, const std::string& name);

}  // namespace atml::exchange
