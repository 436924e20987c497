#include "base/random.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "base/assert.h"

namespace atml {
namespace {

std::uint64_t split_mix(std::uint64_t& x) {
  x += 0x9e3779b97f4a7c15ull;
  std::uint64_t z = x;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(std::uint64_t seed) {
  for (std::uint64_t& word : state_.words) word = split_mix(seed);
}

Rng Rng::derive(std::uint64_t seed, std::string_view purpose, std::uint64_t index) {
  std::uint64_t mixed = seed;
  const std::uint64_t a = split_mix(mixed);
  std::uint64_t tag = fnv1a(purpose) ^ (index * 0x9e3779b97f4a7c15ull);
  return Rng(a ^ split_mix(tag));
}

std::uint64_t Rng::next() {
  auto& s = state_.words;
  const std::uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

std::uint64_t Rng::below(std::uint64_t bound) {
  ATML_ASSERT(bound > 0, "below(0)");
  const std::uint64_t rejected = (0 - bound) % bound;  // values under this would bias the remainder
  std::uint64_t x = next();
  while (x < rejected) x = next();
  return x % bound;
}

int Rng::integer(int low, int high) {
  ATML_ASSERT(low <= high, "integer() with low > high");
  const auto width = static_cast<std::uint64_t>(static_cast<std::int64_t>(high) - low) + 1;
  return static_cast<int>(low + static_cast<std::int64_t>(below(width)));
}

double Rng::normal() {
  if (state_.has_spare) {
    state_.has_spare = false;
    return state_.spare;
  }
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  state_.spare = radius * std::sin(angle);
  state_.has_spare = true;
  return radius * std::cos(angle);
}

bool Rng::chance(double probability) { return uniform() < probability; }

std::uint64_t fnv1a(std::string_view bytes, std::uint64_t start) {
  std::uint64_t hash = start;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash;
}

}  // namespace atml
