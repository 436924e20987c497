// The audit behind describe(): what would make a score look better than it is. Private to data.
#pragma once

#include <vector>

#include "data/describe.h"

namespace atml::data {

/// Groups in train or validation that are also in test; samples of test that are exactly equal to
/// one of train (and how many with another label); equal samples inside train; class imbalance
/// (largest / smallest class of train above 3); classes without samples in validation or test;
/// constant channels.
std::vector<Note> audit(const Dataset& dataset, const Summary& summary);

}  // namespace atml::data
