// The float network, computed plainly: the reference for calibration and for tests of quantisation.
// Batch normalisation uses running statistics; dropout does nothing.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "network/network.h"
#include "train/weights.h"

namespace atml::quantize {

/// Fails where a layer's vectors do not have the size its shape asks for, or hold NaN or infinity.
Status check_weights(const network::Network& network, const train::Weights& weights);

/// Not thread safe. Network and weights must pass check_weights() and outlive the object.
class FloatForward {
 public:
  FloatForward(const network::Network& network, const train::Weights& weights);

  /// The output of every layer for one normalised sample (HWC order), same index as the layer;
  /// valid until the next run.
  const std::vector<std::vector<float>>& run(std::span<const float> input);

 private:
  void run_layer(int index);

  const network::Network& network_;
  const train::Weights& weights_;
  std::vector<std::vector<float>>
      kernels_;  // conv and dense: [tap][output], so that outputs are contiguous
  std::vector<std::vector<float>> outputs_;
};

}  // namespace atml::quantize
