// Warm start: the weights of a trained network for another that differs little from it.
#pragma once

#include "base/result.h"
#include "network/network.h"
#include "train/weights.h"

namespace atml::train {

struct Inherited {
  Weights weights;
  int layers = 0;     // whose weights came, whole or in part, from the old network
  int added = 0;      // layers that the old network does not have
  bool exact = true;  // false: an activation or pool is another one, the function changed
};

/// Layers are matched by their order; where the new network has more of them, see
/// inherit_align.h for which may be added. Where a layer became wider its first channels repeat and
/// what reads them is divided among the copies; where a kernel grew the old one lies in its middle,
/// among zeros; an added layer starts as the identity (Chen, Goodfellow and Shlens, "Net2Net", ICLR
/// 2016), an added residual branch with a last gamma of 0 (Goyal et al., "Accurate, large minibatch
/// SGD", 2017): the new network then computes in inference what the old one did, but for the
/// margins where padding grew with a stride. (In training an added normalisation uses the batch.)
/// Fails (unsupported) where the networks are joined differently, or something became smaller.
Result<Inherited> inherit(const network::Network& from, const Weights& trained,
                          const network::Network& to);

}  // namespace atml::train
