// Real values to int8 model inputs. Private to quantize.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quantize/model.h"

namespace atml::quantize {

/// Appends round(v / scale) + zero point of every value, clamped to [-128, 127].
void append_quantized(const Tensor& input, std::span<const float> values,
                      std::vector<std::int8_t>& out);

}  // namespace atml::quantize
