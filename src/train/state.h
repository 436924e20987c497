// State: all numbers that change while a network is trained, as bytes for checkpoints and
// roll-back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace atml::train {

struct State {
  std::uint64_t epochs = 0;  // completed
  std::uint64_t steps = 0;   // optimiser steps
  double first_loss = 0;     // of the first batch; 0 before it
  double smoothed_loss = 0;  // running mean of the batches' losses
  std::vector<float> values, statistics;
  std::vector<float> moment1, moment2;                    // optimiser; moment2 empty for SGD
  std::vector<float> average_values, average_statistics;  // of weight averaging, else empty
};

/// "ATMLTRN", format version, `owner` (a fingerprint of network and settings), the numbers of State
/// little-endian with their counts, FNV-1a of all before it. Do not change: checkpoints are stored.
std::string to_bytes(const State& state, std::uint64_t owner);

/// `like` gives the expected sizes. Fails (parse) on damage, (conflict) on another owner.
Result<State> from_bytes(std::string_view bytes, std::uint64_t owner, const State& like);

}  // namespace atml::train
