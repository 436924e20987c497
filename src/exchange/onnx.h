// .onnx in and out: an Int8Model as a graph of float operators between QuantizeLinear and
// DequantizeLinear ("QDQ", opset 13 and later), the form that onnxruntime's and PyTorch's tools
// write.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "quantize/model.h"

namespace atml::exchange {

/// Bytes of an .onnx file (opset 14, IR version 7). Deterministic. The layout is ONNX's: a tensor
/// of height x width x channels is [1, channels, height, width], a vector [1, n]; input and output
/// are float, quantised inside. Weights are int8 with one scale an output channel, biases int32
/// with scale = input scale x weight scale. read_onnx() of it gives the same model. ONNX defines
/// the graph in real numbers, so other runtimes' bytes may differ by a step an operator. Refuses,
/// by operator name, what ONNX cannot say: tables of other functions, softmax with beta != 1,
/// dilated average pooling.
Result<std::string> write_onnx(const quantize::Int8Model& model);

/// Reads a QDQ model with one input and one output, int8 activations and int8 weights. What is not
/// supported (uint8 values, other operators, opset < 13, external data, ...) is refused by node
/// name and operator; hostile bytes give an Error.
Result<quantize::Int8Model> read_onnx(std::string_view bytes, const std::string& name);

}  // namespace atml::exchange
