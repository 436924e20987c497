#include "propose/importance.h"

#include <algorithm>
#include <cmath>

#include "propose/history.h"
#include "propose/models/sobol.h"
#include "propose/surrogates.h"

namespace atml::propose {
namespace {

constexpr std::size_t kPairs = 512;

struct Design {
  Points base;                // A
  std::vector<Points> moved;  // per parameter: A with that parameter of B
};

// One Sobol sequence of twice the dimension gives both matrices; parents are moved before their
// children are made inactive, so that a moved parent brings the children of its branch.
Design design_of(const space::Space& space) {
  const std::size_t d = space.size();
  Design design{{d, {}}, std::vector<Points>(d, Points{d, {}})};
  Sobol sobol(static_cast<int>(2 * d), 1);
  for (std::size_t j = 0; j < kPairs; ++j) {
    const std::vector<double> both = sobol.next();
    std::vector<double> a(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(d));
    design.base.add(space.from_unit(a));
    for (std::size_t i = 0; i < d; ++i) {
      a[i] = both[d + i];
      design.moved[i].add(space.from_unit(a));
      a[i] = both[i];
    }
  }
  return design;
}

std::vector<double> means(const GaussianProcess& process, const Points& x) {
  std::vector<double> mean(x.size()), variance(x.size());
  process.predict(x, mean, variance);
  return mean;
}

// Jansen: S_i = sum (f(A) - f(A_i))^2 / (2 N Var f).
std::vector<double> total_indices(const GaussianProcess& process, const Design& design) {
  const std::vector<double> f = means(process, design.base);
  const auto n = static_cast<double>(f.size());
  double sum = 0, square = 0;
  for (const double v : f) sum += v, square += v * v;
  const double variance = square / n - (sum / n) * (sum / n);
  std::vector<double> indices(design.moved.size(), 0.0);
  if (!(variance > 1e-12)) return indices;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::vector<double> g = means(process, design.moved[i]);
    double off = 0;
    for (std::size_t j = 0; j < f.size(); ++j) off += (f[j] - g[j]) * (f[j] - g[j]);
    indices[i] = std::clamp(off / (2 * n * variance), 0.0, 1.0);
  }
  return indices;
}

}  // namespace

std::vector<Importance> importances(const Problem& problem) {
  std::vector<Importance> result;
  for (const space::Parameter& p : problem.space.parameters()) result.push_back({p.name, 0, {}});
  const std::vector<Observed> observed = observe(problem);
  ModelMemory memory;
  const Surrogates surrogates(problem, observed, observed, memory);
  const Design design = design_of(problem.space);
  const auto fill = [&](const GaussianProcess& process, auto target) {
    const std::vector<double> indices = total_indices(process, design);
    for (std::size_t i = 0; i < indices.size(); ++i) target(result[i]) = indices[i];
  };
  if (surrogates.objective())
    fill(*surrogates.objective(), [](Importance& p) -> double& { return p.objective; });
  for (const ConstraintModel& c : surrogates.constraints())
    fill(c.process, [&](Importance& p) -> double& { return p.constraints[c.name]; });
  return result;
}

}  // namespace atml::propose
