#include "propose/surrogates.h"

#include <algorithm>
#include <cmath>

namespace atml::propose {
namespace {

constexpr std::size_t kAlwaysFitted = 60;  // observations up to which every proposal fits anew
constexpr double kGrowth = 1.2;            // then at sizes growing by this factor
constexpr int kFitIterations = 40;
constexpr int kFailuresToLearn = 3;        // as Ax's execution viability

// The number of observations whose fit serves n observations.
std::size_t checkpoint(std::size_t n) {
  if (n <= kAlwaysFitted) return n;
  auto size = static_cast<double>(kAlwaysFitted);
  while (std::floor(size * kGrowth) <= static_cast<double>(n)) size = std::floor(size * kGrowth);
  return static_cast<std::size_t>(size);
}

std::uint64_t fingerprint(const Observations& data) {
  const auto hash = [](const std::vector<double>& v, std::uint64_t start) {
    return fnv1a({reinterpret_cast<const char*>(v.data()), v.size() * sizeof(double)}, start);
  };
  return hash(data.extra, hash(data.y, hash(data.x.values, fnv1a("gp"))));
}

void add(Observations& data, const Observed& o, double y, double extra) {
  data.x.dimensions = o.x.size();
  data.x.add(o.x);
  data.y.push_back(y);
  data.extra.push_back(extra);
}

Observations first(const Observations& data, std::size_t count) {
  Observations part;
  part.x.dimensions = data.x.dimensions;
  const auto end = static_cast<std::ptrdiff_t>(count);
  part.x.values.assign(data.x.values.begin(), data.x.values.begin() + end * static_cast<std::ptrdiff_t>(data.x.dimensions));
  part.y.assign(data.y.begin(), data.y.begin() + end);
  part.extra.assign(data.extra.begin(), data.extra.begin() + end);
  return part;
}

// Conditions on the mean at pending points, without a new fit.
GaussianProcess with_believed(const Layout& layout, GaussianProcess process, const std::vector<const Observed*>& pending) {
  if (pending.empty()) return process;
  Points at{layout.dimensions(), {}};
  for (const Observed* o : pending) at.add(o->x);
  std::vector<double> mean(at.size()), variance(at.size());
  process.predict(at, mean, variance);
  Observations data = process.data();
  for (std::size_t i = 0; i < pending.size(); ++i) add(data, *pending[i], mean[i], 0);
  return GaussianProcess(layout, std::move(data), process.hyper());
}

}  // namespace

Hyper HyperMemory::fitted(const Layout& layout, const Observations& data) {
  const Observations part = first(data, checkpoint(data.size()));
  const auto [it, missing] = known_.try_emplace(fingerprint(part));
  if (missing) it->second = fit(layout, part, prior_mode(layout.dimensions()), kFitIterations);
  return it->second;
}

Surrogates::Surrogates(const Problem& problem, std::span<const Observed> observed, HyperMemory& memory)
    : layout_(layout_of(problem.space)) {
  learn_objective(observed, memory);
  for (std::size_t j = 0; j < problem.constraint_names.size(); ++j)
    learn_constraint(problem.constraint_names[j], j, observed, memory);
  learn_computable(observed, memory);
  find_best(observed);
}

void Surrogates::learn_objective(std::span<const Observed> observed, HyperMemory& memory) {
  std::vector<double> values;
  std::vector<const Observed*> pending;
  for (const Observed& o : observed) {
    if (o.objective) values.push_back(*o.objective);
    else if (o.pending) pending.push_back(&o);
  }
  if (values.empty()) return;
  objective_warp_.emplace(values);
  Observations data;
  for (const Observed& o : observed) {
    if (!o.objective) continue;
    const double spread = std::min(o.objective_spread * objective_warp_->slope(), 1.0);
    add(data, o, (*objective_warp_)(*o.objective), spread * spread);
  }
  const Hyper hyper = memory.fitted(layout_, data);
  objective_ = with_believed(layout_, GaussianProcess(layout_, std::move(data), hyper), pending);
}

void Surrogates::learn_constraint(const std::string& name, std::size_t index,
                                  std::span<const Observed> observed, HyperMemory& memory) {
  std::vector<double> margins;
  std::vector<const Observed*> pending;
  for (const Observed& o : observed) {
    if (o.margins[index]) margins.push_back(*o.margins[index]);
    else if (o.pending) pending.push_back(&o);
  }
  if (margins.empty()) return;
  const MarginWarp warp(margins);
  Observations data;
  for (const Observed& o : observed) {
    if (o.margins[index]) add(data, o, warp(*o.margins[index]), 0);
  }
  const Hyper hyper = memory.fitted(layout_, data);
  GaussianProcess process(layout_, std::move(data), hyper);
  constraints_.push_back({name, warp, with_believed(layout_, std::move(process), pending), warp.limit()});
}

// Least-squares classification (Rasmussen and Williams 2006, section 6.5): regression on the labels.
void Surrogates::learn_computable(std::span<const Observed> observed, HyperMemory& memory) {
  const auto failures = std::count_if(observed.begin(), observed.end(),
                                      [](const Observed& o) { return o.computable == false; });
  if (failures < kFailuresToLearn) return;
  Observations data;
  for (const Observed& o : observed) {
    if (o.computable) add(data, o, *o.computable ? 1.0 : -1.0, 0);
  }
  const Hyper hyper = memory.fitted(layout_, data);
  computable_.emplace(layout_, std::move(data), hyper);
}

void Surrogates::find_best(std::span<const Observed> observed) {
  if (!objective_) return;
  Points at{layout_.dimensions(), {}};
  for (const Observed& o : observed) {
    if (o.feasible) at.add(o.x);
  }
  const bool measured = at.size() > 0;
  for (const Observed& o : observed) {  // where all good ones were pruned, their estimates must do
    if (!measured && o.objective && o.computable == true && o.violation == 0) at.add(o.x);
  }
  if (at.size() == 0) return;
  std::vector<double> mean(at.size()), variance(at.size());
  objective_->predict(at, mean, variance);
  best_ = *std::max_element(mean.begin(), mean.end());
}

std::size_t Surrogates::largest() const {
  std::size_t n = objective_ ? objective_->data().size() : 0;
  for (const ConstraintModel& c : constraints_) n = std::max(n, c.process.data().size());
  return computable_ ? std::max(n, computable_->data().size()) : n;
}

}  // namespace atml::propose
