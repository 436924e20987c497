// A model in the forms that the packed kernels compute: what codegen makes of a model first.
#pragma once

#include "quantize/model.h"

namespace atml::codegen {

/// The same model, byte for byte at every activation and for every input: packable_windows.h and
/// packable_channels.h for each operator with weights, where the packed kernels know the result.
/// With `assume_live`, filters of zeros (a model without weights, planned before training) count as
/// ordinary ones.
quantize::Int8Model packable(const quantize::Int8Model& model, bool assume_live = false);

}  // namespace atml::codegen
