// Scores of an int8 model on a split: accuracy (classification), R2 (regression), reconstruction
// error (anomaly), by the batch evaluator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "data/dataset.h"
#include "quantize/model.h"

namespace atml::quantize {

/// n x input elements: values normalised as the data set says, then round(v / scale) + zero point,
/// clamped. For exact-pixel images this is pixel - 128.
std::vector<std::int8_t> quantize_inputs(const Int8Model& model, const data::Dataset& dataset,
                                         const data::Split& split);

struct Score {
  std::string metric_name;  // "accuracy", "r2", "reconstruction"; higher is better
  double metric = 0;        // accuracy in [0, 1]; R2; minus the mean squared reconstruction error
  double loss_like = 0;     // error rate; mean squared error
  std::size_t samples = 0;
  std::vector<std::vector<int>>
      confusion;                     // [true class][predicted class]; empty unless classification
  std::vector<std::int8_t> outputs;  // n x output elements
};

/// Argmax ties go to the lowest index. Fails where shapes or outputs do not suit the data set,
/// where the split is empty, and with kCancelled when stopped.
Result<Score> evaluate(const Int8Model& model, const data::Dataset& dataset,
                       const data::Split& split, const StopToken& stop);

}  // namespace atml::quantize
