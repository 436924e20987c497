// The tensors and operators of a .tflite file as plain values, before they mean anything.
// Private to exchange.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exchange/flat_view.h"

namespace atml::exchange {

struct RawTensor {
  std::string name;
  std::vector<std::int32_t> dims;
  int type = 0;
  std::string_view data;  // empty for activations; views the file
  std::vector<float> scales;
  std::vector<std::int64_t> zero_points;
  int dimension = 0;
};

struct RawOp {
  int code = 0;
  std::string custom;  // name of a custom operator
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
  FlatTable options;  // valid where has_options
  bool has_options = false;

  int option_int(int field, int fallback) const {
    return has_options ? options.scalar<std::int32_t>(field, fallback) : fallback;
  }
  int option_byte(int field, int fallback) const {
    return has_options ? options.scalar<std::int8_t>(field, static_cast<std::int8_t>(fallback))
                       : fallback;
  }
  float option_float(int field, float fallback) const {
    return has_options ? options.scalar<float>(field, fallback) : fallback;
  }
};

struct RawGraph {
  std::vector<RawTensor> tensors;
  std::vector<RawOp> ops;
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
};

/// All indices in the result are valid: inputs of operators are -1 (absent) or name a tensor.
Result<RawGraph> parse_graph(const FlatBuffer& buffer, std::string_view bytes);

/// "CONV_2D"; numbers for operators we have no name for.
std::string operator_name(int code);

}  // namespace atml::exchange
