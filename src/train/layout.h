// Layout: where the numbers of one activation of a whole batch lie, and the memory they lie in.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/shape.h"
#include "train/kernels.h"

namespace atml::train {

/// Rows and columns of zeros round each plane, as far as windows read beyond the edge.
struct Halo {
  int top = 0, bottom = 0, left = 0, right = 0;
  void include(const Halo& other);
};

/// [channel][group][y][x][lane] with halo; pitches in floats. The channel pitch is an odd number of
/// vectors, so that the same position of many channels does not fall into one cache set.
struct Layout {
  Shape shape;
  int groups = 1;
  int lanes = 16;
  Halo halo;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t group = 0;
  std::ptrdiff_t channel = 0;
  std::ptrdiff_t origin =
      0;  // of interior (0, 0) of channel 0, group 0, from the start of the memory

  Layout() = default;
  Layout(const Shape& shape, int groups, int lanes, const Halo& halo);

  std::size_t floats() const { return static_cast<std::size_t>(shape.channels * channel); }
  std::ptrdiff_t at(int c, int g, int y, int x) const {
    return c * channel + g * group + y * row + static_cast<std::ptrdiff_t>(x) * lanes;
  }
  bool rows_touch() const { return halo.left == 0 && halo.right == 0; }
};

/// The visit of one channel in step through planes of these layouts: rows that touch in all of them
/// become one long row.
Extent common_extent(const Layout& a, const Layout& b);

/// Zeroed memory, aligned to 64 bytes (2 MiB and huge pages where it is large), never resized.
class Buffer {
 public:
  explicit Buffer(std::size_t floats);
  float* data() const { return data_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::size_t size_;
  std::unique_ptr<float, Free> data_;
};

}  // namespace atml::train
