// Int8Model: a quantised network after the TFLite int8 specification, as a value. The one form that
// the reference interpreter runs, codegen turns into C, exchange writes and reads, and deploy
// measures.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/shape.h"
#include "base/units.h"
#include "network/network.h"

namespace atml::quantize {

/// Which requantisation the model means. Double: TFLite's reference kernels (gemmlowp), the
/// default.
enum class Rounding { kDouble, kSingle };

/// An activation: real = scale x (q - zero_point), q in [-128, 127].
struct Tensor {
  std::string name;
  Shape shape;
  float scale = 1;
  int zero_point = 0;
};

/// Kernels with per-channel symmetric weights: real = scales[oc] x w, w in [-127, 127] (4 bits:
/// [-7, 7]); bias scale = input scale x scales[oc]. The accumulator is int32 and cannot overflow
/// (verify()).
struct Filter {
  std::vector<std::int8_t> weights;
  std::vector<std::int32_t> bias;  // one an output channel
  std::vector<float> scales;       // one an output channel
  int weight_bits = 8;
};

// Fused activations are the clamp [low, high] on the quantised output.
struct Conv {  // weights [out][kernel_h][kernel_w][in]
  network::Window window;
  Filter filter;
  int low = -128;
  int high = 127;
  // A per-tensor FULLY_CONNECTED on every position of a map: TFLite multiplies its scales in float.
  bool shared_product = false;
};
struct Depthwise {  // weights [kernel_h][kernel_w][out], out = in x multiplier
  network::Window window;
  int multiplier = 1;
  Filter filter;
  int low = -128;
  int high = 127;
};
struct Dense {  // weights [out][in], input flattened in HWC order
  Filter filter;
  int low = -128;
  int high = 127;
};
struct MaxPool {  // input and output share scale and zero point
  network::Window window;
  int low = -128;
  int high = 127;
};
struct AveragePool {  // input and output share scale and zero point; also global pooling
  network::Window window;
  int low = -128;
  int high = 127;
};
struct Mean {};  // TFLite MEAN over height and width, with requantisation
struct Add {     // the second input may be one value a channel
  int low = -128;
  int high = 127;
};
struct Mul {  // as Add
  int low = -128;
  int high = 127;
};
struct Concat {};  // along the channels; inputs whose scale differs are requantised
struct Pad {       // with the quantised zero
  int top = 0, bottom = 0, left = 0, right = 0, front = 0, back = 0;  // height, width, channels
};
struct Reshape {};  // same elements in the same order
struct Softmax {    // over the channels; output scale 1/256, zero point -128
  float beta = 1;
};
struct Table {  // any unary function on int8: output = table[input + 128] (logistic, hard-swish,
                // ...)
  std::string function;  // "logistic", "hard_swish", "relu", "relu6", "tanh", "quantize", ...
  std::vector<std::int8_t> values;  // 256
};

using OpKind = std::variant<Conv, Depthwise, Dense, MaxPool, AveragePool, Mean, Add, Mul, Concat,
                            Pad, Reshape, Softmax, Table>;

struct Op {
  std::string name;  // unique, a C identifier
  OpKind kind;
  std::vector<int> inputs;  // tensor indices
  int output = 0;           // tensor index
};

/// "conv", "depthwise", "dense", "max_pool", ...
std::string_view kind_name(const OpKind& kind);

struct Int8Model {
  std::string name;             // a C identifier
  std::vector<Tensor> tensors;  // activations only; weights live in the operators
  std::vector<Op> ops;          // execution order; every tensor but `input` is written exactly once
  int input = 0;                // tensor index
  int output = 0;               // tensor index
  Rounding rounding = Rounding::kDouble;

  const Tensor& tensor(int index) const { return tensors[static_cast<std::size_t>(index)]; }
  const Tensor& input_of(const Op& op, int n = 0) const {
    return tensor(op.inputs[static_cast<std::size_t>(n)]);
  }
  const Tensor& output_of(const Op& op) const { return tensor(op.output); }

  Macs macs(const Op& op) const;
  Macs macs() const;
  /// Checks shapes, sizes, scales, ranges, order of use and that no accumulator can overflow. What
  /// passes here can be interpreted and generated without further checks.
  Status verify() const;
};

}  // namespace atml::quantize
