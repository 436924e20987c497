// The plan of a search: how long a full training is, where its rungs lie, and what a job costs in
// virtual seconds. All of it follows from settings and data alone, never from a clock, so that the
// same command makes the same decisions on every machine.
#pragma once

#include <cstddef>
#include <vector>

#include "network/network.h"
#include "search/settings.h"

namespace atml::search {

inline constexpr int kEta = 3;  // a rung keeps the best third

/// Virtual seconds one epoch costs on one worker: forward and backward multiply-accumulates plus
/// the traffic of every activation (batch normalisation, ReLU), at the speed of a nominal core.
/// Real machines differ by a factor, which cancels: only the order of ends matters.
double epoch_cost(const network::Network& network, std::size_t samples);

/// What a deployability check costs in virtual seconds.
inline constexpr double kCheckCost = 0.3;

struct Plan {
  std::vector<int> rungs;  // epochs at the end of each rung, ascending; the last is a full training
  double search_share = 1;  // of the budget that the search may use; finalists get the rest
  int epochs() const { return rungs.back(); }
  int last_rung() const { return static_cast<int>(rungs.size()) - 1; }
};

/// Rungs at E, E/3, E/9 (at least one epoch each), E from settings.epochs or, where that is 0, such
/// that the budget is worth about kFullTrainings full trainings of the typical network.
Plan make_plan(const Settings& settings, const network::Network& typical, std::size_t train_samples,
               int jobs);

/// The rungs of a full training of `epochs` epochs.
std::vector<int> rungs_of(int epochs);

}  // namespace atml::search
