// Clean-up: a model that computes the same output bytes with fewer operators and channels.
//   - intervals: what values each channel can take, forwards through the graph (constant channels
//     are those of one value: dead ReLUs, zero filters);
//   - channels that every reader can do without (zero weights, or a constant that folds into a
//     bias) are removed together with all that computes them, through add, concatenation,
//     depthwise, pooling, tables and reshape;
//   - identity reshapes and tables, tables after tables, clamps as tables after a clamp, pads that
//     SAME padding expresses, operators without readers.
// It removes nothing that a reader of the output could notice: the property test compares bytes.
#pragma once

#include "quantize/model.h"

namespace atml::quantize {

struct CleanUp {
  Int8Model model;
  int operators_removed = 0;
  int channels_removed = 0;  // of activations
  bool changed() const { return operators_removed > 0 || channels_removed > 0; }
};

/// The model must verify(); the result does. Deterministic.
CleanUp clean_up(const Int8Model& model);

/// The same operators in the order (of those that the graph allows) whose largest sum of live
/// activations is least: dynamic programme over the sets that can have run; unchanged where there
/// are too many (2,000 of one size) or nothing is gained. clean_up() ends with it.
Int8Model order_for_memory(const Int8Model& model);

}  // namespace atml::quantize
