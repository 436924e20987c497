#include "propose/surrogates.h"

#include <algorithm>
#include <cmath>

namespace atml::propose {
namespace {

constexpr std::size_t kAlwaysFitted = 60;  // observations up to which every proposal fits anew
constexpr double kGrowth = 1.15;           // then at sizes growing by this factor
constexpr int kFitIterations = 40;         // from the mode of the priors
constexpr int kWarmIterations = 12;        // from the fit to half of the observations
constexpr double kNoticedNoise = 1e-3;     // variance, of standardised values: then EI is noisy EI
constexpr std::size_t kRivals = 15;        // trials that may truly be the best
constexpr std::size_t kMostStaged = 300;   // observations where partial trainings count too
constexpr std::size_t kFewestWarped = 10;  // observations from which on a power is fitted
constexpr int kFailuresToLearn = 3;        // as Ax's execution viability

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

Observations leading(const Observations& data, std::size_t count) {
  Observations part;
  part.x = {data.x.dimensions,
            {data.x.values.begin(),
             data.x.values.begin() + static_cast<std::ptrdiff_t>(count * data.x.dimensions)}};
  part.y.assign(data.y.begin(), data.y.begin() + static_cast<std::ptrdiff_t>(count));
  if (!data.extra.empty())
    part.extra.assign(data.extra.begin(), data.extra.begin() + static_cast<std::ptrdiff_t>(count));
  return part;
}

// Conditions on the mean at pending points, without a new fit.
GaussianProcess with_believed(const Layout& layout, const GaussianProcess& process,
                              const std::vector<const Observed*>& pending) {
  if (pending.empty()) return process;
  Points at{layout.dimensions(), {}};
  for (const Observed* o : pending) at.add(o->x);
  std::vector<double> mean(at.size()), variance(at.size());
  process.predict(at, mean, variance);
  return process.with(at, mean);
}

std::vector<const Observed*> pending_without(std::span<const Observed> observed, auto has_value) {
  std::vector<const Observed*> pending;
  for (const Observed& o : observed) {
    if (o.pending && !has_value(o)) pending.push_back(&o);
  }
  return pending;
}

}  // namespace

std::vector<double> objectives(std::span<const Observed> observed) {
  std::vector<double> values;
  for (const Observed& o : observed) {
    if (o.objective) values.push_back(*o.objective);
  }
  return values;
}

Observations objective_data(std::span<const Observed> observed, const ObjectiveWarp& warp) {
  Observations data;
  for (const Observed& o : observed) {
    if (!o.objective) continue;
    const double spread = std::min(o.objective_spread * warp.slope(), 1.0);
    add(data, o, warp(*o.objective), spread * spread);
  }
  return data;
}

bool is_staged(std::span<const Observed> observed) {
  return std::any_of(observed.begin(), observed.end(),
                     [](const Observed& o) { return !o.partials.empty(); });
}

Layout staged_layout(Layout layout) {
  layout.words.push_back(0);
  layout.conditional.push_back(false);
  return layout;
}

Observations staged_data(std::span<const Observed> observed, const ObjectiveWarp& warp) {
  const auto full = [](const Observed& o) { return o.objective && o.objective_spread == 0; };
  std::size_t sure = 0;  // observations that are kept in any case
  for (const Observed& o : observed) sure += full(o) ? 1 : o.partials.size();
  std::size_t room = sure < kMostStaged ? kMostStaged - sure : 0;
  std::vector<bool> whole(observed.size(), false);  // measured, and its partial values kept
  for (std::size_t i = observed.size(); i-- > 0;) {
    if (!full(observed[i]) || observed[i].partials.size() > room) continue;
    whole[i] = true;
    room -= observed[i].partials.size();
  }
  Observations data;
  const auto add_at = [&](const Observed& o, double fidelity, double value) {
    data.x.dimensions = o.x.size() + 1;
    data.x.add(o.x);
    data.x.add({&fidelity, 1});
    data.y.push_back(warp(value));
  };
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const Observed& o = observed[i];
    if (whole[i] || !full(o)) {
      for (const Partial& p : o.partials) add_at(o, p.fidelity, p.objective);
    }
    if (full(o)) add_at(o, 1, *o.objective);
  }
  return data;
}

std::vector<double> margins_of(std::span<const Observed> observed, std::size_t index) {
  std::vector<double> margins;
  for (const Observed& o : observed) {
    if (o.margins[index]) margins.push_back(*o.margins[index]);
  }
  return margins;
}

Observations margin_data(std::span<const Observed> observed, std::size_t index,
                         const MarginWarp& warp) {
  Observations data;
  for (const Observed& o : observed) {
    if (o.margins[index]) add(data, o, warp(*o.margins[index]), 0);
  }
  return data;
}

Observations computable_data(std::span<const Observed> observed) {
  Observations data;
  for (const Observed& o : observed) {
    if (o.computable) add(data, o, *o.computable ? 1.0 : -1.0, 0);
  }
  return data;
}

std::size_t fitted_size(std::size_t trials) {
  if (trials <= kAlwaysFitted) return trials;
  auto size = static_cast<double>(kAlwaysFitted);
  while (std::floor(size * kGrowth) <= static_cast<double>(trials))
    size = std::floor(size * kGrowth);
  return static_cast<std::size_t>(size);
}

Hyper ModelMemory::fitted(const Layout& layout, const Observations& data) {
  const std::uint64_t key = fingerprint(data);
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  const bool cold = data.size() <= kAlwaysFitted;
  const Hyper start = cold ? prior_mode(layout.dimensions())
                           : fitted(layout, leading(data, fitted_size(data.size() / 2)));
  const Hyper hyper = fit(layout, data, start, cold ? kFitIterations : kWarmIterations);
  known_.emplace(key, hyper);
  return hyper;
}

Hyper ModelMemory::fitted_with_power(const Layout& layout, const Observations& data) {
  const Hyper plain = fitted(layout, data);
  if (data.size() < kFewestWarped) return plain;
  const std::uint64_t key = fingerprint(data);
  const auto found = powers_.find(key);
  if (found != powers_.end()) return found->second;
  const Hyper hyper = fit_warped(layout, data, plain, kWarmIterations);
  const double gain = negative_log_warped_posterior(layout, data, plain) -
                      negative_log_warped_posterior(layout, data, hyper);
  const double price = std::log(static_cast<double>(data.size())) / 2;
  return powers_.emplace(key, gain > price ? hyper : plain).first->second;
}

GaussianProcess ModelMemory::process(const std::string& name, const Layout& layout,
                                     Observations data, const Hyper& hyper) {
  const auto last = last_.find(name);
  GaussianProcess process(layout, std::move(data), hyper,
                          last == last_.end() ? nullptr : &last->second);
  last_.insert_or_assign(name, process);
  return process;
}

Surrogates::Surrogates(const Problem& problem, Span observed, Span basis, ModelMemory& memory,
                       PowerFit power)
    : layout_(layout_of(problem.space)) {
  learn_objective(observed, basis, memory, power);
  for (std::size_t j = 0; j < problem.constraint_names.size(); ++j)
    learn_constraint(problem.constraint_names[j], j, observed, basis, memory);
  learn_computable(observed, basis, memory);
  find_best(observed);
}

void Surrogates::learn_objective(Span observed, Span basis, ModelMemory& memory, PowerFit power) {
  const std::vector<double> values = objectives(observed);
  if (values.empty()) return;
  if (objectives(basis).empty()) basis = observed;
  const bool staged = is_staged(basis) && is_staged(observed);
  const Layout layout = staged ? staged_layout(layout_) : layout_;
  const auto data_of = [&](Span from, const ObjectiveWarp& warp) {
    return staged ? staged_data(from, warp) : objective_data(from, warp);
  };
  const Observations learnt = data_of(basis, ObjectiveWarp(objectives(basis)));
  const Hyper hyper = power == PowerFit::kNever ? memory.fitted(layout, learnt)
                                                : memory.fitted_with_power(layout, learnt);
  objective_warp_.emplace(values, hyper.power);
  GaussianProcess process =
      memory.process("objective", layout, data_of(observed, *objective_warp_), hyper);
  if (staged) process = process.slice({1.0});
  objective_ = with_believed(layout_, process, pending_without(observed, [](const Observed& o) {
                               return o.objective.has_value();
                             }));
}

void Surrogates::learn_constraint(const std::string& name, std::size_t index, Span observed,
                                  Span basis, ModelMemory& memory) {
  const std::vector<double> margins = margins_of(observed, index);
  if (margins.empty()) return;
  if (margins_of(basis, index).empty()) basis = observed;
  const MarginWarp warp(margins);
  const Hyper hyper =
      memory.fitted(layout_, margin_data(basis, index, MarginWarp(margins_of(basis, index))));
  GaussianProcess process =
      memory.process("limit " + name, layout_, margin_data(observed, index, warp), hyper);
  process = with_believed(layout_, process, pending_without(observed, [&](const Observed& o) {
                            return o.margins[index].has_value();
                          }));
  constraints_.push_back({name, warp, std::move(process), warp.limit()});
}

// Least-squares classification (Rasmussen and Williams 2006, section 6.5): regression on the
// labels.
void Surrogates::learn_computable(Span observed, Span basis, ModelMemory& memory) {
  const auto failures = std::count_if(observed.begin(), observed.end(),
                                      [](const Observed& o) { return o.computable == false; });
  if (failures < kFailuresToLearn) return;
  const bool one_class = failures == static_cast<std::ptrdiff_t>(computable_data(observed).size());
  if (computable_data(basis).size() == 0) basis = observed;
  // A fit to equal labels would find a flat function and nothing left to explore; the priors spread
  // out.
  const Hyper hyper =
      one_class ? prior_mode(layout_.dimensions()) : memory.fitted(layout_, computable_data(basis));
  computable_ = memory.process("computable", layout_, computable_data(observed), hyper);
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
  bests_ = {*best_};
  if (objective_->hyper().log_noise > std::log(kNoticedNoise)) draw_bests(at, mean);
}

// Joint draws at the trials with the best means; fixed normals, so the acquisition is one function.
void Surrogates::draw_bests(const Points& at, std::span<const double> mean) {
  std::vector<std::size_t> order(at.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return mean[a] > mean[b]; });
  order.resize(std::min(order.size(), kRivals));
  Points rivals{at.dimensions, {}};
  for (const std::size_t i : order) rivals.add(at[i]);
  bests_.clear();
  Rng rng(1);
  std::vector<double> normals(rivals.size() * kDraws);
  for (double& z : normals) z = rng.normal();
  const std::vector<double> draws = objective_->sample(rivals, normals);
  for (auto draw = draws.begin(); draw != draws.end();) {
    const auto end = draw + static_cast<std::ptrdiff_t>(rivals.size());
    bests_.push_back(*std::max_element(draw, end));
    draw = end;
  }
}

std::size_t Surrogates::largest() const {
  std::size_t n = objective_ ? objective_->data().size() : 0;
  for (const ConstraintModel& c : constraints_) n = std::max(n, c.process.data().size());
  return computable_ ? std::max(n, computable_->data().size()) : n;
}

}  // namespace atml::propose
