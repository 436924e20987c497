// Support vector classification with a radial kernel. Wraps libsvm, whose header stays inside
// svm.cpp.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "propose/models/gaussian_process.h"

namespace atml::propose {

/// C-SVC with k(a, b) = exp(-gamma |a - b|^2). Labels +1 and -1, both present.
class Svm {
 public:
  Svm(const Points& points, const std::vector<int>& labels, double c, double gamma);

  /// sum_k alpha_k k(x, sv_k) + b; its sign is the label.
  double decision(std::span<const double> x) const;
  /// |sum_k alpha_k exp(-|x - sv_k|^2 / gamma)|: the boundness term as the reference code of
  /// SVM-CBO computes it, with the inverse width and without the intercept. For comparison only.
  double published_boundness(std::span<const double> x) const;

 private:
  Points vectors_;
  std::vector<double> alpha_;  // dual coefficients, with the sign of their label
  double intercept_ = 0;
  double gamma_ = 1;
};

}  // namespace atml::propose
