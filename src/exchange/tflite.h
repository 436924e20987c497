// .tflite in and out: the FlatBuffers form of an Int8Model (schema version 3, the operators we
// know).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "quantize/model.h"

namespace atml::exchange {

/// Bytes of a .tflite file that LiteRT's interpreter runs to the same output bytes (reference
/// kernels). Deterministic. Fails on a model with single rounding, which the format cannot say.
/// Dense layers are written as CONV_2D with a kernel as large as their input, and RESHAPE to [1,
/// n]: LiteRT (since 2024) requantises FULLY_CONNECTED in float, TFLite Micro in integers, and
/// about 2.5 % of the values differ; convolutions are the same in both. read_tflite() makes them
/// dense again.
Result<std::string> write_tflite(const quantize::Int8Model& model);

/// Reads an int8 model with one input and one output. QUANTIZE and DEQUANTIZE at the borders are
/// removed. What is not supported is refused by operator name and index; hostile bytes give an
/// Error.
Result<quantize::Int8Model> read_tflite(std::string_view bytes, const std::string& name);

}  // namespace atml::exchange
