// A good sgemm without a peer: Eigen's, built for this processor.
#include <Eigen/Core>

#include "layer_table.h"

namespace atml::bench {

EigenProduct::EigenProduct(int size)
    : size_(size),
      a_(static_cast<std::size_t>(size) * static_cast<std::size_t>(size), 1.0f),
      b_(a_),
      c_(a_) {}

void EigenProduct::operator()() {
  using Matrix = Eigen::Map<Eigen::MatrixXf>;
  Matrix a(a_.data(), size_, size_), b(b_.data(), size_, size_), c(c_.data(), size_, size_);
  c.noalias() = a * b;
}

}  // namespace atml::bench
