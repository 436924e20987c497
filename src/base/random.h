// Seeded random numbers with the same sequence on every machine. Not thread safe: one Rng a thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace atml {

/// xoshiro256** (Blackman and Vigna, ACM TOMS 47(4), 2021), seeded through SplitMix64.
class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  /// A generator for one purpose: the same (seed, purpose, index) gives the same stream, streams of
  /// different purposes are independent. Use it instead of passing one Rng through many stages.
  static Rng derive(std::uint64_t seed, std::string_view purpose, std::uint64_t index = 0);

  std::uint64_t next();                      // uniform over all 64-bit values
  double uniform();                          // [0, 1)
  double uniform(double low, double high);   // [low, high)
  std::uint64_t below(std::uint64_t bound);  // [0, bound), bound >= 1, unbiased
  int integer(int low, int high);            // [low, high], both included
  double normal();                           // mean 0, variance 1 (Box-Muller)
  bool chance(double probability);

  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  /// State for checkpoints: restore(state()) continues the same sequence.
  struct State {
    std::array<std::uint64_t, 4> words{};
    double spare = 0;
    bool has_spare = false;
  };
  State state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  State state_;
};

/// FNV-1a, 64 bit; for seeds and cache keys, not for security.
std::uint64_t fnv1a(std::string_view bytes, std::uint64_t start = 14695981039346656037ull);

}  // namespace atml
