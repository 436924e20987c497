// Seeded damage: what happens to files on bad disks, in cut downloads and at the hands of
// attackers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"

namespace atml::fuzz {

/// How many damaged files a test makes: ATML_FUZZ_ROUNDS, 1000 without it.
inline int rounds() {
  const char* text = std::getenv("ATML_FUZZ_ROUNDS");
  return text == nullptr ? 1000 : std::atoi(text);
}

/// Added to a test's seed: ATML_FUZZ_SEED, for long runs in parts.
inline std::uint64_t seed() {
  const char* text = std::getenv("ATML_FUZZ_SEED");
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

/// How many of the accepted files are compiled: ATML_FUZZ_COMPILED, else a fiftieth of the rounds.
inline int compiled() {
  const char* text = std::getenv("ATML_FUZZ_COMPILED");
  return text == nullptr ? std::max(12, rounds() / 50) : std::atoi(text);
}

/// One to four of: a flipped bit, a random or extreme byte, a removed, doubled or inserted stretch,
/// a cut, two parts swapped. `words` are pieces of the format, inserted now and then.
inline std::string mutate(std::string bytes, const std::vector<std::string>& words, Rng& rng) {
  const auto at = [&] { return static_cast<std::size_t>(rng.below(bytes.size() + 1)); };
  for (int n = rng.integer(1, 4); n > 0 && !bytes.empty(); --n) {
    const std::size_t place = static_cast<std::size_t>(rng.below(bytes.size()));
    const std::size_t length =
        static_cast<std::size_t>(rng.below(1 + std::min<std::size_t>(bytes.size() - place, 40)));
    switch (rng.below(8)) {
      case 0:
        bytes[place] = static_cast<char>(bytes[place] ^ 1 << rng.below(8));
        break;
      case 1:
        bytes[place] = static_cast<char>(rng.below(256));
        break;
      case 2:
        bytes[place] = static_cast<char>(rng.chance(0.5) ? 0xFF : 0x00);
        break;
      case 3:
        bytes.erase(place, length);
        break;
      case 4:
        bytes.insert(at(), bytes.substr(place, length));
        break;
      case 5:
        bytes.resize(place);
        break;
      case 6:
        std::swap(bytes[place], bytes[static_cast<std::size_t>(rng.below(bytes.size()))]);
        break;
      default:
        if (!words.empty())
          bytes.insert(at(), words[static_cast<std::size_t>(rng.below(words.size()))]);
    }
  }
  return bytes;
}

}  // namespace atml::fuzz
