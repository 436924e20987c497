// Models that commands read: a .tflite or .onnx file (by its ending), by name with good errors.
#pragma once

#include <string>

#include "base/result.h"
#include "quantize/model.h"

namespace atml::cli {

Result<quantize::Int8Model> read_model_file(const std::string& path);

}  // namespace atml::cli
