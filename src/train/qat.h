// Quantisation-aware fine tuning: training goes on while the forward pass rounds weights and
// activations to what the int8 model can hold. Gradients pass the rounding unchanged and stop where
// a value was clipped (straight-through estimator; Jacob et al., CVPR 2018).
#pragma once

#include <optional>
#include <vector>

#include "network/network.h"

namespace atml::train {

/// An int8 activation: real = scale x (q - zero_point), q in [-128, 127].
struct ActivationRange {
  float scale = 1;     // > 0
  int zero_point = 0;  // -128..127
};

/// Weights are rounded symmetrically to the layer's weight_bits (8: +-127, 4: +-7) per output
/// channel, or per tensor in dense layers of 8 bits: as quantize() does (see fake_quantise.h for
/// the step). That equals rounding the kernel after batch normalisation is folded, as folding
/// multiplies a whole channel.
struct QuantisationPlan {
  /// One a network layer: the range of its output where the int8 model keeps that output as a
  /// tensor (layer 0: the input), else nothing. For convolution -> batch norm -> activation only
  /// the activation has one.
  std::vector<std::optional<ActivationRange>> outputs;
  /// Batch normalisation uses the running statistics in training too, and keeps them: it computes
  /// what its folded form will (gamma and beta are trained on).
  bool frozen_statistics = false;
};

}  // namespace atml::train
