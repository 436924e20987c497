// What the writers of .tflite and .onnx ask of an operator's kind.
#pragma once

#include <variant>

#include "quantize/model.h"

namespace atml::exchange {

/// Operators whose output has the rank of their inputs, whatever that is.
inline bool is_elementwise(const quantize::OpKind& kind) {
  return std::holds_alternative<quantize::Table>(kind) ||
         std::holds_alternative<quantize::Softmax>(kind) ||
         std::holds_alternative<quantize::Add>(kind) ||
         std::holds_alternative<quantize::Mul>(kind) ||
         std::holds_alternative<quantize::Concat>(kind);
}

}  // namespace atml::exchange
