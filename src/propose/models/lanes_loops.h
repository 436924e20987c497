// The loops behind lanes.h, compiled once for each kind of processor. All give the same bits.
#pragma once

#include <cstddef>

#include "propose/models/lanes.h"

namespace atml::propose {

/// Sizes are those that lanes.h checks; `features` = numbers + words, `stride` likewise.
struct Loops {
  void (*covariances)(const double* points, std::size_t n, std::size_t numbers,
                      const double* word_weights, std::size_t words, const Lanes* others, double s2,
                      Lanes* k, Lanes* pull);
  void (*weigh_offsets)(const double* points, std::size_t n, std::size_t numbers,
                        std::size_t stride, const Lanes* others, const Lanes* weights, Lanes* sums);
  void (*weigh_squares)(const double* points, std::size_t n, std::size_t numbers,
                        const double* word_weights, std::size_t words, const Lanes* others,
                        const Lanes* weights, Lanes* sums);
  void (*forward)(const double* packed, std::size_t first, std::size_t n, Lanes* columns);
  void (*backward)(const double* packed, std::size_t n, std::size_t first, Lanes* columns);
  bool (*factor_own)(const Lanes* solved, std::size_t n, std::size_t count, Lanes* own);
  void (*dot_lanes)(const Lanes* a, const Lanes* b, std::size_t n, Lanes* result);
  void (*dot_column)(const Lanes* a, const double* b, std::size_t n, Lanes* result);
  void (*exponential)(const Lanes* x, Lanes* result);
};

namespace lanes_any {
const Loops& loops();
}
#ifdef __x86_64__
namespace lanes_avx2 {
const Loops& loops();
}
namespace lanes_avx512 {
const Loops& loops();
}
#endif

/// Those that this machine can run, the fastest first.
std::span<const Loops* const> runnable_loops();

}  // namespace atml::propose
