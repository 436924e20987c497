// Weights: the trained numbers of a Network, layer by layer, in TFLite's layouts.
#pragma once

#include <vector>

namespace atml::train {

/// Empty vectors where a layer has no such numbers.
///   conv       kernel [filters][kernel_h][kernel_w][in channels]   bias [filters]
///   depthwise  kernel [kernel_h][kernel_w][out channels]           bias [out channels]
///   dense      kernel [units][inputs in HWC order]                 bias [units]
///   batch_norm gamma, beta, mean, variance [channels]; y = gamma (x - mean) / sqrt(variance +
///   epsilon) + beta
struct LayerWeights {
  std::vector<float> kernel;
  std::vector<float> bias;
  std::vector<float> gamma;
  std::vector<float> beta;
  std::vector<float> mean;      // running mean
  std::vector<float> variance;  // running variance
};

inline constexpr float kBatchNormEpsilon = 1e-3f;

struct Weights {
  std::vector<LayerWeights> layers;  // one per network layer, same index
};

}  // namespace atml::train
