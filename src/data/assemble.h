// The last step of every loader: the missing splits are drawn, the whole is checked, normalisation
// and fingerprint are measured. Private to data.
#pragma once

#include <optional>

#include "base/result.h"
#include "data/dataset.h"
#include "data/load.h"

namespace atml::data {

struct Parts {
  Split train;
  std::optional<Split> validation;  // absent: carved from train
  std::optional<Split> test;        // absent: drawn from train first
  double test_fraction = 0.2;       // of train, used where test is absent
};

/// `dataset` brings name, task, classes, channels and sample rate; the rest is filled here.
Result<Dataset> assemble(Dataset dataset, Parts parts, const LoadOptions& options);

}  // namespace atml::data
