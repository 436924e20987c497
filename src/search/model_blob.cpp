#include "search/model_blob.h"

#include <fmt/format.h>

#include "exchange/tflite.h"

namespace atml::search {

Status put_model(study::Store& store, int trial, const std::string& kind,
                 const quantize::Int8Model& model) {
  quantize::Int8Model plain = model;
  plain.rounding = quantize::Rounding::kDouble;
  ATML_TRY(const std::string bytes, exchange::write_tflite(plain));
  const char rounding = model.rounding == quantize::Rounding::kDouble ? 'd' : 's';
  return store.put_blob(trial, kind, rounding + bytes);
}

Result<quantize::Int8Model> get_model(study::Store& store, int trial, const std::string& kind) {
  ATML_TRY(const auto blob, store.get_blob(trial, kind));
  if (!blob || blob->empty()) {
    return Error{Code::kNotFound,
                 fmt::format("trial {} has no model '{}' in the study", trial, kind)};
  }
  ATML_TRY(quantize::Int8Model model,
           exchange::read_tflite(std::string_view(*blob).substr(1), "model"));
  if (blob->front() == 's') model.rounding = quantize::Rounding::kSingle;
  return model;
}

}  // namespace atml::search
