// From arrays to a Split: sizes, labels, targets and groups checked. Private to data.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "data/array.h"
#include "data/dataset.h"
#include "data/layout.h"

namespace atml::data {

struct RawSplit {
  Array x;
  std::optional<Array> y;
  std::optional<Array> groups;
};

/// What all splits of a data set share.
struct Form {
  Task task = Task::kClassification;
  std::vector<Axis> layout;
  double scale = 1;
  std::size_t classes = 0;  // classification
};

/// Errors name the file, the index, the value and what was allowed.
Result<Split> make_split(RawSplit raw, const Form& form);

/// Class ids of an integer array of shape (n) or (n, 1), each in 0..classes-1.
Result<std::vector<std::int32_t>> to_labels(const Array& array, std::size_t classes);

}  // namespace atml::data
