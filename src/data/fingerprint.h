// Fingerprint of a data set, so that a resumed study notices other data. Private to data.
#pragma once

#include <cstdint>

#include "data/dataset.h"

namespace atml::data {

/// 64-bit hash of shape, element type, scale, values, labels, targets, groups and the split; not of
/// names. Eight bytes at a time: 180 MB of CIFAR-10 must not cost a noticeable part of a start.
std::uint64_t fingerprint(const Dataset& dataset);

/// The hash behind it, also used to find equal samples.
std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t start);

}  // namespace atml::data
