// Seeded, stratified, group-aware splitting: which samples are held out. Private to data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/dataset.h"

namespace atml::data {

/// Indices of a split, each ascending; together all of 0..n-1.
struct Division {
  std::vector<std::size_t> kept;
  std::vector<std::size_t> held_out;
};

/// Holds out about `fraction` of the samples. Without groups: of every class its share (at least
/// one sample, and at least one stays). With groups: whole groups, chosen so that the size and the
/// class shares come near to `fraction`; no class loses its last kept sample. `purpose`
/// ("validation", "test") separates the random streams. Fails (kInvalidArgument) where a class has
/// one sample or all samples are of one group; `classes` names the classes in the message.
Result<Division> divide(const Split& split, std::span<const std::string> classes, double fraction,
                        std::uint64_t seed, std::string_view purpose);

}  // namespace atml::data
