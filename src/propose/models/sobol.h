// Sobol points with random scrambling: evenly spread starts for designs and searches.
#pragma once

#include <cstdint>
#include <vector>

namespace atml::propose {

/// A digital (t, s)-sequence over [0, 1)^s (Sobol 1967): one primitive polynomial over GF(2) per
/// dimension in ascending order, initial direction numbers drawn from the seed, then a random
/// linear matrix scramble and a digital shift (Matousek 1998). Every aligned block of 2^k points
/// has exactly one point in each of the 2^k equal intervals of every axis.
class Sobol {
 public:
  Sobol(int dimensions, std::uint64_t seed);
  int dimensions() const { return static_cast<int>(state_.size()); }
  std::vector<double> next();

 private:
  std::vector<std::vector<std::uint32_t>> directions_;  // [dimension][bit], scrambled
  std::vector<std::uint32_t> state_;
  std::uint64_t index_ = 0;
};

}  // namespace atml::propose
