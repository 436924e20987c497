// Shape: the size of one sample or activation, in the order height, width, channel (HWC).
#pragma once

#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace atml {

/// Batch size is always 1 and not part of a Shape. One-dimensional signals have height = time and
/// width = 1, so that k x 1 kernels read contiguous memory and rows can be streamed; feature
/// vectors are 1 x 1 x n.
struct Shape {
  int height = 1;
  int width = 1;
  int channels = 1;

  std::int64_t elements() const { return static_cast<std::int64_t>(height) * width * channels; }
  bool operator==(const Shape&) const = default;

  /// "28x28x1".
  std::string text() const { return fmt::format("{}x{}x{}", height, width, channels); }
};

}  // namespace atml
