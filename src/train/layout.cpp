#include "train/layout.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"

namespace atml::train {

void Halo::include(const Halo& other) {
  top = std::max(top, other.top);
  bottom = std::max(bottom, other.bottom);
  left = std::max(left, other.left);
  right = std::max(right, other.right);
}

Layout::Layout(const Shape& s, int group_count, int lane_count, const Halo& h)
    : shape(s), groups(group_count), lanes(lane_count), halo(h) {
  row = static_cast<std::ptrdiff_t>(h.left + s.width + h.right) * lanes;
  group = (h.top + s.height + h.bottom) * row;
  std::ptrdiff_t vectors = groups * group / lanes;
  if (vectors % 2 == 0) ++vectors;
  channel = vectors * lanes;
  origin = h.top * row + static_cast<std::ptrdiff_t>(h.left) * lanes;
}

Extent common_extent(const Layout& a, const Layout& b) {
  if (a.rows_touch() && b.rows_touch()) return {a.groups, 1, a.shape.height * a.shape.width};
  return {a.groups, a.shape.height, a.shape.width};
}

Buffer::Buffer(std::size_t floats) : size_(floats) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  const std::size_t alignment = floats * sizeof(float) >= kHuge ? kHuge : 64;
  const std::size_t bytes =
      std::max<std::size_t>(1, (floats * sizeof(float) + alignment - 1) / alignment) * alignment;
  void* memory = std::aligned_alloc(alignment, bytes);
  ATML_ASSERT(memory != nullptr, "out of memory");
  if (alignment == kHuge) madvise(memory, bytes, MADV_HUGEPAGE);
  std::memset(memory, 0, bytes);
  data_.reset(static_cast<float*>(memory));
}

void Buffer::Free::operator()(float* p) const { std::free(p); }

}  // namespace atml::train
