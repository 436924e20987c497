// Layout: which axis of an array is what, and the way to samples in HWC order. Private to data.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/shape.h"
#include "data/array.h"
#include "data/dataset.h"

namespace atml::data {

enum class Axis { kSample, kTime, kHeight, kWidth, kChannel, kFeature };

/// From the names of dataset.toml: "sample" once, each other at most once, in any order. time and
/// height are both the shape's height (so only one of them); a signal has width 1. feature is
/// channel by another name: ["sample", "feature"] is 1 x 1 x n.
Result<std::vector<Axis>> parse_layout(const std::vector<std::string>& names);

/// Samples in HWC order. 8- and 16-bit integers that ElementType knows keep their type, everything
/// else becomes float32. Fails where the rank does not match the layout or a size exceeds 2^24.
/// NaN and infinity fail with file, sample and element.
/// `scale` is not applied to 8-bit images (height and width above 1, uint8): normalisation keeps
/// their pixels exact, and a factor would change nothing that the network sees.
Result<Samples> to_samples(Array array, const std::vector<Axis>& layout, double scale);

}  // namespace atml::data
