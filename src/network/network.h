// Network: a topology as a value - typed layers in a graph, with shapes; no weights.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/shape.h"
#include "base/units.h"

namespace atml::network {

/// As TensorFlow computes it. Same: output = ceil(input / stride), the odd pixel of padding goes to
/// the bottom and right. Valid: output = ceil((input - dilated kernel + 1) / stride).
enum class Padding { kSame, kValid };
enum class Activation { kRelu, kRelu6, kHardSwish };

/// A window that slides over height and width; kernel, stride and dilation are >= 1.
struct Window {
  int kernel_h = 1;
  int kernel_w = 1;
  int stride_h = 1;
  int stride_w = 1;
  int dilation_h = 1;
  int dilation_w = 1;
  Padding padding = Padding::kSame;
  bool operator==(const Window&) const = default;

  /// Output size along one axis; <= 0 where the kernel does not fit.
  int output_height(int input) const;
  int output_width(int input) const;
  /// Zeros before the first row/column (the rest, which may be one more, goes after the last).
  int pad_top(int input) const;
  int pad_left(int input) const;
};

struct Input {
  Shape shape;
  bool operator==(const Input&) const = default;
};
struct Conv {
  int filters = 1;
  Window window;
  bool bias = false;    // false where a BatchNorm follows
  int weight_bits = 8;  // 8 or 4
  bool operator==(const Conv&) const = default;
};
struct Depthwise {
  int multiplier =
      1;  // output channels = input channels x multiplier, channel c reads c / multiplier
  Window window;
  bool bias = false;
  int weight_bits = 8;
  bool operator==(const Depthwise&) const = default;
};
struct Dense {  // reads its input flattened in HWC order
  int units = 1;
  bool bias = true;
  int weight_bits = 8;
  bool operator==(const Dense&) const = default;
};
struct BatchNorm {  // per channel
  bool operator==(const BatchNorm&) const = default;
};
struct Activate {
  Activation kind = Activation::kRelu;
  bool operator==(const Activate&) const = default;
};
struct MaxPool {
  Window window;
  bool operator==(const MaxPool&) const = default;
};
struct AveragePool {  // padding does not count in the mean
  Window window;
  bool operator==(const AveragePool&) const = default;
};
struct GlobalAveragePool {
  bool operator==(const GlobalAveragePool&) const = default;
};
struct Add {  // two inputs of one shape
  bool operator==(const Add&) const = default;
};
struct Concat {  // two or more inputs of one height and width, joined along the channels
  bool operator==(const Concat&) const = default;
};
struct Flatten {  // to 1 x 1 x n, HWC order
  bool operator==(const Flatten&) const = default;
};
struct Dropout {  // active in training only
  float rate = 0;
  bool operator==(const Dropout&) const = default;
};

using Op = std::variant<Input, Conv, Depthwise, Dense, BatchNorm, Activate, MaxPool, AveragePool,
                        GlobalAveragePool, Add, Concat, Flatten, Dropout>;

/// The word for an operator in texts and tables: "conv", "depthwise", "dense", ...
std::string_view kind_name(const Op& op);

struct Layer {
  std::string name;  // unique, [a-z0-9_]+
  Op op;
  std::vector<int> inputs;  // indices of earlier layers
  Shape output;
  bool operator==(const Layer&) const = default;
};

/// Layers in execution order: the first is the only Input, the last gives the result (logits,
/// values or a reconstruction; softmax belongs to the loss). Every layer but the last is read by a
/// later one.
class Network {
 public:
  explicit Network(Shape input);

  /// Appends a layer and computes its shape. Fails where the inputs do not exist or do not suit the
  /// operator, saying which and why. An empty name becomes "<kind>_<index>".
  Result<int> add(Op op, std::vector<int> inputs, std::string name = "");

  const std::vector<Layer>& layers() const { return layers_; }
  const Layer& layer(int index) const { return layers_[static_cast<std::size_t>(index)]; }
  int size() const { return static_cast<int>(layers_.size()); }
  int last() const { return size() - 1; }
  const Shape& input_shape() const { return layers_.front().output; }
  const Shape& output_shape() const { return layers_.back().output; }
  /// Shape of the first input of a layer.
  const Shape& source_shape(int index) const { return layer(layer(index).inputs[0]).output; }

  /// Multiply-accumulates of one inference: convolution, depthwise and dense layers.
  Macs macs() const;
  Macs macs(int index) const;
  /// Trainable numbers after batch normalisation is folded (kernels and biases).
  std::int64_t parameters() const;
  std::int64_t parameters(int index) const;

  /// Fails where a layer is read by nobody, or the graph has no layer beside the input.
  Status verify() const;

  /// One line a layer ("conv_1 = conv(input_0) filters=8 kernel=3x3 stride=1x1 padding=same");
  /// from_text(text()) gives an equal Network.
  std::string text() const;
  static Result<Network> from_text(std::string_view text);

  bool operator==(const Network&) const = default;

 private:
  std::vector<Layer> layers_;
};

}  // namespace atml::network
