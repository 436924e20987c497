#include "cli/model_file.h"

#include <fmt/format.h>

#include "base/files.h"
#include "exchange/onnx.h"
#include "exchange/tflite.h"

namespace atml::cli {

Result<quantize::Int8Model> read_model_file(const std::string& path) {
  ATML_TRY(const std::string bytes, read_file(path));
  auto model = path.ends_with(".onnx") ? exchange::read_onnx(bytes, "model")
                                       : exchange::read_tflite(bytes, "model");
  if (!model.ok()) return model.error().with_context(path);
  return model;
}

}  // namespace atml::cli
