// The table of layers: what share of the machine's best sgemm each kind reaches, and what limits
// it.
#pragma once

#include <vector>

#include "base/json.h"
#include "stepper.h"

namespace atml::bench {

/// A square product of `size` by Eigen (eigen_sgemm.cpp, built for the building machine).
class EigenProduct {
 public:
  explicit EigenProduct(int size);
  void operator()();
  double flops() const { return 2.0 * size_ * size_ * size_; }

 private:
  int size_;
  std::vector<float> a_, b_, c_;
};

/// Prints the table and returns its rows. `peer_sgemm`: the peer's product in FLOP/s, 0: none.
Json layer_table(const Options& o, double peer_sgemm);

}  // namespace atml::bench
