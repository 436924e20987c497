// Interpreter: the scalar reference of int8 arithmetic, written for clarity. What it computes is
// what every other implementation (batch evaluator, C on the host, C on the MCU, LiteRT) must give.
// Not thread safe: one Interpreter a thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quantize/model.h"

namespace atml::quantize {

class Interpreter {
 public:
  /// The model must verify() and outlive the interpreter.
  explicit Interpreter(const Int8Model& model);

  /// One sample; `in` and `out` have the elements of the model's input and output, in HWC order.
  void run(std::span<const std::int8_t> in, std::span<std::int8_t> out);

  /// Bytes of a tensor after run(), in HWC order.
  const std::vector<std::int8_t>& activation(int tensor) const {
    return activations_[static_cast<std::size_t>(tensor)];
  }

 private:
  const Int8Model& model_;
  std::vector<std::vector<std::int8_t>> activations_;  // one a tensor
};

/// One operator on given inputs (one pointer each, HWC order); the kernel behind Interpreter.
void run_op(const Int8Model& model, const Op& op, std::span<const std::int8_t* const> inputs,
            std::int8_t* output);

}  // namespace atml::quantize
