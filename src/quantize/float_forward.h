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

/// The output of every layer for one normalised sample (HWC order), same index as the layer.
std::vector<std::vector<float>> float_forward(const network::Network& network, const train::Weights& weights,
                                              std::span<const float> input);

}  // namespace atml::quantize
