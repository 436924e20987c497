#include "data/fingerprint.h"

#include <bit>
#include <cstring>

namespace atml::data {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;  // odd: a bijection for each word
  return hash ^ hash >> 29;
}

template <class T>
std::uint64_t hash_vector(const std::vector<T>& values, std::uint64_t hash) {
  return hash_bytes(std::as_bytes(std::span(values)), mix(hash, values.size()));
}

std::uint64_t hash_split(const Split& split, std::uint64_t hash) {
  hash = mix(hash, split.size());
  hash = mix(hash, static_cast<std::uint64_t>(split.x.type()));
  hash = mix(hash, std::bit_cast<std::uint64_t>(split.x.scale()));
  hash = hash_bytes(split.x.bytes(), hash);
  hash = hash_vector(split.labels, hash);
  hash = hash_vector(split.targets, hash);
  return hash_vector(split.groups, hash);
}

}  // namespace

std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t start) {
  std::uint64_t hash = mix(start, bytes.size());
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = bytes.size() < 8 ? bytes.size() : 8;
    std::memcpy(&word, bytes.data(), count);
    hash = mix(hash, word);
    bytes = bytes.subspan(count);
  }
  return mix(hash, hash >> 32);
}

std::uint64_t fingerprint(const Dataset& dataset) {
  std::uint64_t hash = mix(0x61746d6c, static_cast<std::uint64_t>(dataset.task));
  for (const int size :
       {dataset.shape.height, dataset.shape.width, dataset.shape.channels, dataset.outputs()}) {
    hash = mix(hash, static_cast<std::uint64_t>(size));
  }
  hash = hash_split(dataset.train, hash);
  hash = hash_split(dataset.validation, hash);
  return hash_split(dataset.test, hash);
}

}  // namespace atml::data
