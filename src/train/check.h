// Checks that a network, a data set and settings suit each other, before anything is allocated.
#pragma once

#include "base/result.h"
#include "data/dataset.h"
#include "network/network.h"
#include "train/trainer.h"

namespace atml::train {

Status check_suits(const network::Network& network, const data::Dataset& dataset,
                   const Settings& settings);

/// Labels or targets are there, one a sample, and in range.
Status check_split(const data::Split& split, const data::Dataset& dataset, const char* name);

}  // namespace atml::train
