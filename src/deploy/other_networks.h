// Networks near a model that need less of one resource. They have to be trained again, so only
// their structure is built, with random weights: deployability depends on nothing else.
#pragma once

#include <string>
#include <vector>

#include "quantize/model.h"

namespace atml::deploy {

struct OtherNetwork {
  std::string name;  // "weights of 4 bits, trained again"
  quantize::Int8Model model;
};

/// The model with every filter of 4 bits (two weights a byte of flash), unless it has them already
/// or nothing is gained.
std::vector<OtherNetwork> with_smaller_weights(const quantize::Int8Model& model);

/// The model with a smaller stem: its first convolution moves on by twice as much along each axis,
/// so that all activations behind it shrink. None where the first operator is no convolution, or
/// where the rest of the network does not stand it or cannot be rebuilt (Pad, Mul).
std::vector<OtherNetwork> with_smaller_stem(const quantize::Int8Model& model);

}  // namespace atml::deploy
