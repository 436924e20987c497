// Which runtime kernel computes an operator, and what it costs in bytes. The one place that
// decides: the memory plan, the C emitter and the estimate all read its answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "quantize/model.h"
#include "quantize/requantize.h"

namespace atml::codegen {

enum class Kernel {
  kNone,  // the output is the input under another shape
  kConvPacked,
  kPointwisePacked,
  kDensePacked,
  kDepthwisePacked,
  kDepthwiseLine,  // the same for windows of one row or column
  kConvSwar,       // for cores without DSP instructions (atml_swar.h); see for_core()
  kPointwiseSwar,
  kConvNibblesSwar,  // the same with weights of 4 bits
  kPointwiseNibblesSwar,
  kConvNibbles,  // the packed ones with weights of 4 bits, two a byte
  kPointwiseNibbles,
  kDenseNibbles,
  kDepthwiseNibbles,
  kConvPlain,
  kDepthwisePlain,
  kDensePlain,
  kMaxPool,
  kAveragePool,
  kGlobalAverage,
  kMean,
  kAdd,
  kAddHalf,
  kAddLinear,  // where linear_add() finds the same bits (linear_add.h)
  kMul,
  kPlace,
  kPad,
  kSoftmax,
  kTable,
  kDepthwiseRows,  // row streaming (streaming.h), and small maps in a build for speed
  kSumRow,
  kDenseCoded,  // only where asked for: compressed weights (coded_weights.h)
};

/// The runtime's function: "atml_conv_packed"; empty for kNone.
std::string_view function_name(Kernel kernel);
/// Its source, relative to the runtime folder: "kernels/conv_packed.c".
std::string source_name(Kernel kernel);

/// The filter of a convolution, depthwise or dense operator in one form, whatever the operator:
/// weights of an output in the order of its inputs.
struct FilterShape {
  int outputs = 0;
  int inputs = 0;  // per output: kernel_h x kernel_w x in_c, or kernel_h x kernel_w
  int weight(const quantize::Op& op, int output, int input) const;
  bool channel_last = false;  // depthwise: weights [input][output]
};
bool has_nibbles(const quantize::Op& op);
FilterShape filter_shape(const quantize::Int8Model& model, const quantize::Op& op);
const quantize::Filter* filter_of(const quantize::Op& op);
quantize::Filter* filter_of(quantize::Op& op);

struct KernelChoice {
  Kernel kernel = Kernel::kNone;
  bool clamp = false;  // a pass of atml_clamp follows: the kernel saturates to [-128, 127] only
  bool per_channel = false;  // factors differ between the output channels
  bool transposed = false;   // packed depthwise and lines: x slides along the height
  bool nibbles = false;      // weights of 4 bits, two a byte
  bool swapped = false;      // add: the second input goes first
  bool wide = false;         // both: biases and factors do not fit the short form
  std::int64_t weights = 0;  // bytes in flash: kernels
  std::int64_t tables = 0;   // bytes in flash: biases, factors, look-up tables
  std::int64_t scratch = 0;  // bytes in the arena, 4-byte aligned
};

/// Fails (unsupported) with the reason where the runtime cannot compute the operator. With
/// `assume_live`, filters of zeros (a model without weights, planned before training) count as
/// ordinary per-channel filters.
Result<KernelChoice> choose_kernel(const quantize::Int8Model& model, const quantize::Op& op,
                                   bool assume_live = false);

/// Why only a plain kernel, several times slower, computes the operator; empty where a packed one
/// does or it has no filter.
std::string why_plain(const quantize::Int8Model& model, const quantize::Op& op);

/// Whether a packed kernel computes the operator; false where none does.
bool is_packed(const quantize::Int8Model& model, const quantize::Op& op, bool assume_live);

/// The plain kernel of a filter for which choose_kernel() said `choice`; kNone for other operators.
KernelChoice plain_kernel(const quantize::Int8Model& model, const quantize::Op& op,
                          const KernelChoice& choice);

/// The packed depthwise of a line; kNone where there is none: for code that a firmware needs
/// anyway.
KernelChoice ring_kernel(const quantize::Int8Model& model, const quantize::Op& op,
                         const KernelChoice& choice);

/// The kernel of an add that rounds step by step as TFLite does, whatever its scales.
KernelChoice rounded_add(const quantize::Int8Model& model, const quantize::Op& op);

/// int16 elements of a ring row of a packed depthwise, or of a line.
int depthwise_pitch(int in, int out, int taps, int stride, int pad);
int line_pitch(int in, int out, int taps, int stride, int pad);

/// k of a packed filter: inputs rounded up to 4.
inline int packed_inputs(int inputs) { return (inputs + 3) / 4 * 4; }

}  // namespace atml::codegen
