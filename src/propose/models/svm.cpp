#include "propose/models/svm.h"

#include <algorithm>
#include <cmath>

#include <libsvm/svm.h>

#include "base/assert.h"

namespace atml::propose {
namespace {

void say_nothing(const char*) {}

double squared_distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

}  // namespace

Svm::Svm(const Points& points, const std::vector<int>& labels, double c, double gamma)
    : gamma_(gamma) {
  const std::size_t n = points.size(), d = points.dimensions;
  std::vector<std::vector<svm_node>> rows(n, std::vector<svm_node>(d + 1));
  std::vector<svm_node*> x(n);
  std::vector<double> y(n);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < d; ++i) rows[j][i] = {static_cast<int>(i) + 1, points[j][i]};
    rows[j][d].index = -1;
    x[j] = rows[j].data();
    y[j] = labels[j];
  }
  svm_problem problem{static_cast<int>(n), y.data(), x.data()};
  svm_parameter parameter{};
  parameter.svm_type = C_SVC;
  parameter.kernel_type = RBF;
  parameter.gamma = gamma;
  parameter.C = c;
  parameter.cache_size = 10;
  parameter.eps = 1e-3;
  parameter.shrinking = 1;
  svm_set_print_string_function(say_nothing);
  ATML_ASSERT(svm_check_parameter(&problem, &parameter) == nullptr,
              "libsvm refuses the parameters");
  svm_model* model = svm_train(&problem, &parameter);
  ATML_ASSERT(model->nr_class == 2, "an SVM needs both labels");
  vectors_.dimensions = d;
  const double sign =
      model->label[0] == 1 ? 1 : -1;  // libsvm's positive side is the label it met first
  for (int k = 0; k < model->l; ++k) {
    vectors_.add(points[static_cast<std::size_t>(model->sv_indices[k] - 1)]);
    alpha_.push_back(sign * model->sv_coef[0][k]);
  }
  intercept_ = -sign * model->rho[0];
  svm_free_and_destroy_model(&model);
}

double Svm::decision(std::span<const double> x) const {
  double sum = intercept_;
  for (std::size_t k = 0; k < alpha_.size(); ++k)
    sum += alpha_[k] * std::exp(-gamma_ * squared_distance(x, vectors_[k]));
  return sum;
}

double Svm::published_boundness(std::span<const double> x) const {
  double sum = 0;
  for (std::size_t k = 0; k < alpha_.size(); ++k)
    sum += alpha_[k] * std::exp(-squared_distance(x, vectors_[k]) / gamma_);
  return std::abs(sum);
}

}  // namespace atml::propose
