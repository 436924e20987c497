// What tests of the engine share: numbers of a batch in and out of its layout.
#pragma once

#include <vector>

#include "train/engine.h"
#include "train/reference_test_support.h"

namespace atml::train {

/// Every instruction set of this machine.
inline std::vector<const Kernels*> all_kernels() {
  int count = 0;
  const Kernels* const* list = available_kernels(&count);
  return {list, list + count};
}

inline float* value_at(const Tensor& t, int sample, int y, int x, int c, float* base) {
  const int lanes = t.layout.lanes;
  return base + t.layout.at(c, sample / lanes, y, x) + sample % lanes;
}

// visit(number) for a batch in the order [sample][y][x][channel].
template <class Visit>
void each_number(const Tensor& t, float* base, int batch, Visit visit) {
  const Shape& s = t.layout.shape;
  for (int b = 0; b < batch; ++b)
    for (int y = 0; y < s.height; ++y)
      for (int x = 0; x < s.width; ++x)
        for (int c = 0; c < s.channels; ++c) visit(*value_at(t, b, y, x, c, base));
}

inline void put(const Tensor& t, float* base, int batch, const reference::Values& v) {
  std::size_t i = 0;
  each_number(t, base, batch, [&](float& to) { to = static_cast<float>(v[i++]); });
}

inline reference::Values get(const Tensor& t, float* base, int batch) {
  reference::Values v;
  each_number(t, base, batch, [&](float& from) { v.push_back(static_cast<double>(from)); });
  return v;
}

}  // namespace atml::train
