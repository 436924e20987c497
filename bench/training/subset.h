// A data set with fewer training samples, so that a benchmark costs less. Needs float32 or 8-bit
// samples; what is kept becomes float32.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace atml::bench {

/// Keeps the first `count` training samples, or all where there are no more. Classification only.
inline void keep_first(data::Dataset& d, std::size_t count) {
  if (count >= d.train.size()) return;
  const auto size = static_cast<std::size_t>(d.shape.elements());
  std::vector<float> values(count * size);
  for (std::size_t i = 0; i < count; ++i)
    d.train.x.read(i, std::span(values).subspan(i * size, size));
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  d.train.x = data::Samples(d.shape, data::ElementType::kFloat32, std::move(bytes));
  d.train.labels.resize(count);
}

}  // namespace atml::bench
