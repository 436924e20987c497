// Lowering: which operators an Int8Model of a float Network has, before any number is known. Batch
// normalisation and ReLU disappear into their neighbours, dropout vanishes.
// Private to quantize: quantize(), structure_model() and random_model() start from it.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "network/network.h"
#include "quantize/model.h"

namespace atml::quantize {

/// Where the numbers of one operator come from; network layer indices, -1 for none.
struct Origin {
  int layer = -1;          // conv, depthwise, dense, pool, add, ... (a lone norm: the first norm)
  std::vector<int> norms;  // batch normalisations folded into it, in order
  std::optional<network::Activation> activation;  // fused ReLU or ReLU6
};

struct Lowering {
  Int8Model model;                 // zero weights, scale 1, activation ranges open
  std::vector<Origin> origins;     // one an operator
  std::vector<int> tensor_layers;  // the network layer whose float output a tensor holds
  std::vector<int> scale_groups;   // one a tensor: tensors of one group share scale and zero point
};

/// The network must verify().
Lowering lower(const network::Network& network);

/// Sets the activation range [low, high] of an operator from its fused activation and output
/// tensor.
void set_activation_range(Int8Model& model, Op& op, std::optional<network::Activation> activation);

/// The filter of a conv, depthwise or dense operator, or nullptr.
Filter* filter_of(Op& op);

/// Taps of one output channel; the flat index of a weight in its filter.
std::int64_t taps_of(const Int8Model& model, const Op& op);
std::size_t weight_index(const Op& op, std::int64_t outputs, std::int64_t taps, std::int64_t output,
                         std::int64_t tap);

}  // namespace atml::quantize
