// From a trained float network to an Int8Model: batch normalisation folded, activations fused,
// calibrated, weights per channel. Also models without training, for planning and for measuring.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "data/dataset.h"
#include "network/network.h"
#include "quantize/model.h"
#include "train/qat.h"
#include "train/weights.h"

namespace atml::quantize {

struct QuantizeOptions {
  Rounding rounding = Rounding::kDouble;
  int calibration_samples = 512;  // of the training split, chosen by seed; fewer where it has fewer
  double clip_percentile = 99.99;  // of the percentile candidate among the clipping rules
  bool bias_correction = true;     // removes the mean error that weight rounding gives each channel
  std::uint64_t seed = 1;
  /// Ranges of activations as fine tuning used them, instead of calibrated ones; null: calibrate.
  /// Biases are then not corrected: the network was trained with its rounding errors. The weights
  /// must be Trainer::rounded_weights().
  const train::QuantisationPlan* plan = nullptr;
};

/// Fails where the network cannot be expressed (a batch normalisation over an input that no
/// convolution or dense layer feeds becomes a 1x1 depthwise), or weights are not finite or do not
/// fit it.
Result<Int8Model> quantize(const network::Network& network, const train::Weights& weights,
                           const data::Dataset& dataset, const QuantizeOptions& options);

/// The ranges that quantize() gives the tensors of its best model, for quantisation-aware fine
/// tuning under frozen statistics (train/qat.h). Fails as quantize() does.
Result<train::QuantisationPlan> calibrated_plan(const network::Network& network,
                                                const train::Weights& weights,
                                                const data::Dataset& dataset,
                                                const QuantizeOptions& options);

/// Structure and sizes only: zero weights, plausible scales. Microseconds; verifies. The operators
/// and tensors are those that quantize() gives for the same network. The network must verify().
Int8Model structure_model(const network::Network& network);

/// The same structure with random weights and scales under which every layer uses the int8 range
/// and different inputs give different outputs (a dead network would prove nothing). Deterministic.
Int8Model random_model(const network::Network& network, std::uint64_t seed);

/// `count` samples of uniform random int8 input for a model, sample after sample. Deterministic.
std::vector<std::int8_t> random_inputs(const Int8Model& model, std::size_t count,
                                       std::uint64_t seed);

}  // namespace atml::quantize
