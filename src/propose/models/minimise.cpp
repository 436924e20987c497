#include "propose/models/minimise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <LBFGSB.h>

namespace atml::propose {
namespace {

// Remembers the best point, so that an exception of the line search loses nothing.
class Watched {
 public:
  explicit Watched(const Smooth& function) : function_(function) {}

  double operator()(const Eigen::VectorXd& x, Eigen::VectorXd& gradient) {
    std::vector<double> slope(static_cast<std::size_t>(x.size()), 0.0);
    const std::span<const double> at(x.data(), static_cast<std::size_t>(x.size()));
    const double value = function_(at, slope);
    if (!std::isfinite(value)) throw std::runtime_error("not finite");
    for (const double g : slope) {
      if (!std::isfinite(g)) throw std::runtime_error("gradient not finite");
    }
    if (value < best_value) {
      best_value = value;
      best.assign(at.begin(), at.end());
    }
    gradient = Eigen::Map<Eigen::VectorXd>(slope.data(), x.size());
    return value;
  }

  double best_value = std::numeric_limits<double>::infinity();
  std::vector<double> best;

 private:
  const Smooth& function_;
};

}  // namespace

double minimise(const Smooth& function, std::vector<double>& x, const std::vector<double>& low,
                const std::vector<double>& high, int max_iterations, double gradient_tolerance) {
  const auto n = static_cast<Eigen::Index>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::clamp(x[i], low[i], high[i]);
  Watched watched(function);
  try {
    LBFGSpp::LBFGSBParam<double> options;
    options.max_iterations = max_iterations;
    options.epsilon = gradient_tolerance;
    options.epsilon_rel = gradient_tolerance;
    options.past = 1;
    options.delta = 1e-9;
    options.max_linesearch = 12;
    LBFGSpp::LBFGSBSolver<double> solver(options);
    Eigen::VectorXd at = Eigen::Map<Eigen::VectorXd>(x.data(), n);
    const Eigen::VectorXd lower = Eigen::Map<const Eigen::VectorXd>(low.data(), n);
    const Eigen::VectorXd upper = Eigen::Map<const Eigen::VectorXd>(high.data(), n);
    double value = 0;
    solver.minimize(watched, at, value, lower, upper);
  } catch (const std::exception&) {
    // The best point so far is kept: see Watched.
  }
  if (!watched.best.empty()) x = watched.best;
  return watched.best_value;
}

}  // namespace atml::propose
