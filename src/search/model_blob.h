// Int8 models in the store: as .tflite bytes plus the rounding, which that format cannot say.
#pragma once

#include <string>

#include "quantize/model.h"
#include "study/store.h"

namespace atml::search {

Status put_model(study::Store& store, int trial, const std::string& kind,
                 const quantize::Int8Model& model);
/// Fails (not_found) where the store has no such model.
Result<quantize::Int8Model> get_model(study::Store& store, int trial, const std::string& kind);

}  // namespace atml::search
