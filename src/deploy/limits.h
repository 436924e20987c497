// Compares what a firmware uses with what it may use.
#pragma once

#include <vector>

#include "deploy/deployability.h"

namespace atml::deploy {

/// The limits that `d` breaks, in the order flash, ram, latency, energy. Latency and energy are
/// judged only where they are known (> 0). The texts give used, allowed and excess with units.
std::vector<Violation> find_violations(const Deployability& d, const target::Limits& limits);

}  // namespace atml::deploy
