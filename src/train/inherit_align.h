// Which layer of a trained network each layer of a larger one continues, and what the added layers
// must compute so that the whole stays the same.
#pragma once

#include <vector>

#include "base/result.h"
#include "network/network.h"

namespace atml::train {

enum class Role {
  kMatched,   // has the weights of an old layer
  kIdentity,  // added: hands its first input on
  kZero,      // added: the last layer of a residual branch, which answers 0
  kFree,      // added: inside such a branch, its numbers do not matter
};

struct Aligned {
  Role role = Role::kMatched;
  int old = -1;  // the old layer whose output this layer's output is; -1: none
};

/// One entry a layer of `to`. Added layers may be: convolutions, depthwise and dense layers that
/// keep the shape, normalisations, ReLU or ReLU6 behind numbers that they leave alone, dropout, and
/// residual blocks (a branch of single readers from x to add(branch, x)). Fails (unsupported) where
/// the networks are joined differently.
Result<std::vector<Aligned>> align(const network::Network& from, const network::Network& to);

}  // namespace atml::train
