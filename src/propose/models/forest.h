// Random forest regression over mixed, conditional points, with the spread of its trees as
// uncertainty.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "propose/models/gaussian_process.h"

namespace atml::propose {

/// Extremely randomised in the threshold: each node tries a random subset of the parameters (5/6 of
/// them, as SMAC) and puts the border uniformly between two neighbouring values, so that the forest
/// interpolates. Words are split one against the rest; an inactive parameter is a value (-1) of its
/// own. Leaves hold at least three observations. Prediction by the law of total variance over
/// leaves (Hutter et al., AIJ 206, 2014, section 4.3.2).
class Forest {
 public:
  Forest(const Layout& layout, const Observations& data, std::uint64_t seed, int trees = 30);
  void predict(const Points& x, std::span<double> mean, std::span<double> variance) const;

 private:
  struct Node {
    int parameter = -1;    // -1: a leaf
    double threshold = 0;  // numbers: left below; words: left where equal
    bool word = false;
    int left = 0, right = 0;
    double mean = 0, variance = 0;
  };
  using Tree = std::vector<Node>;
  int grow(Tree& tree, const Layout& layout, const Observations& data,
           std::vector<std::size_t> members, Rng& rng);
  const Node& leaf_of(const Tree& tree, std::span<const double> x) const;

  std::vector<Tree> trees_;
};

}  // namespace atml::propose
