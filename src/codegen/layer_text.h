// The C of one layer: its parameter struct and its call.
#pragma once

#include <string>

#include "codegen/lowering.h"

namespace atml::codegen {

/// "conv_1: conv 3x3 stride 2x2, 16x16x1 -> 8x8x8".
std::string layer_title(const quantize::Int8Model& model, const quantize::Op& op);

/// The function of model.c that runs a row of a kernel with a window, without "static void"; empty
/// for other kernels.
std::string row_kernel_text(Kernel kernel);

/// The body of the layer's function: statements, indented by two blanks, on `int8_t *arena`.
std::string layer_body(const quantize::Int8Model& model, const Lowered& lowered, int op);

}  // namespace atml::codegen
