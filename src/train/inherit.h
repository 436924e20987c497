// Warm start: the weights of a trained network for another that differs little from it.
#pragma once

#include "base/result.h"
#include "network/network.h"
#include "train/weights.h"

namespace atml::train {

struct Inherited {
  Weights weights;
  int layers = 0;  // whose weights came, whole or in part, from the old network
};

/// Layers are matched by their order among those of the same kind; the networks must have as many
/// of each kind, joined in the same way. Where a layer became wider its first channels repeat and
/// what reads them is divided among the copies; where a kernel grew the old one lies in its middle,
/// among zeros (Chen, Goodfellow and Shlens, "Net2Net", ICLR 2016): the new network then computes
/// what the old one did, but for the margins where padding grew with a stride. Fails (unsupported)
/// where the networks are joined differently, or something became smaller.
Result<Inherited> inherit(const network::Network& from, const Weights& trained,
                          const network::Network& to);

}  // namespace atml::train
