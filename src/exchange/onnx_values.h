// What the reader of .onnx knows of a value: a constant, or a view of an int8 tensor (or of an
// operator whose output is not quantised yet) under ONNX's dimensions. Private to exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "quantize/model.h"

namespace onnx {
class TensorProto;
class NodeProto;
}  // namespace onnx

namespace atml::exchange::onnx_in {

using Dims = std::vector<std::int64_t>;
/// Where element i of a view lies in the tensor's own order height, width, channel.
using Map = std::vector<std::int32_t>;

// Far above any microcontroller; bounds what a hostile file can make us allocate.
constexpr std::int64_t kMostElements = std::int64_t{1} << 22;

enum class Type { kFloat, kInt8, kInt32, kInt64 };

struct Constant {
  Type type = Type::kFloat;
  Dims dims;
  std::vector<double> values;  // exact for all four types (int64: shapes, below 2^53)
};

/// An operator whose output no QuantizeLinear has quantised yet.
struct Pending {
  std::string name;
  quantize::OpKind kind;
  std::vector<int> inputs;
  Shape shape;
  std::optional<float> low, high;  // of a clamp that followed, real
};

struct Value {
  enum class Kind { kBorder, kConstant, kScaled, kTensor, kPending };
  Kind kind = Kind::kBorder;
  Dims dims;
  bool real = true;                          // kTensor: dequantised
  int tensor = -1;                           // kTensor
  std::shared_ptr<const Constant> constant;  // kConstant; kScaled: the int8 or int32 numbers
  std::vector<float> scales;                 // kScaled: one, or one an index of `axis`
  std::int64_t axis = 0;
  std::shared_ptr<const Pending> pending;
  std::shared_ptr<const Map> map;  // none: the dimensions are those of the tensor itself
  std::string layout_name;         // the node that last changed the dimensions
};

inline std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }
inline Error unsupported(std::string message) { return {Code::kUnsupported, std::move(message)}; }
inline Error damaged(std::string message) { return {Code::kParse, std::move(message)}; }

/// Product of the dimensions; fails where one is < 1 or the product is above kMostElements.
Result<std::int64_t> elements_of(const Dims& dims);
std::string text_of(const Dims& dims);
/// [1, n], [1, c, length] and [1, c, h, w] as height x width x channels.
Result<Shape> shape_of(const Dims& dims);
/// The map of a tensor of that shape under its own ONNX dimensions.
Map own_map(const Shape& shape);
Result<Map> transposed(const Map& map, const Dims& dims, const Dims& order);

Result<Constant> decode(const onnx::TensorProto& tensor);

/// Attributes of a node, with ONNX's defaults.
std::int64_t integer(const onnx::NodeProto& node, const char* name, std::int64_t otherwise);
float real(const onnx::NodeProto& node, const char* name, float otherwise);
std::string word(const onnx::NodeProto& node, const char* name, const char* otherwise);
Dims integers(const onnx::NodeProto& node, const char* name, Dims otherwise);
bool has_attribute(const onnx::NodeProto& node, const char* name);

}  // namespace atml::exchange::onnx_in
