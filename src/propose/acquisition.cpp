#include "propose/acquisition.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "propose/models/normal.h"

namespace atml::propose {
namespace {

// Each term gives its value and its derivatives by mean and variance.
struct Term {
  double value, by_mean, by_variance;
};

double improvement_value(double mean, double variance, double best) {
  const double sd = std::sqrt(variance);
  return std::log(sd) + log_expected_improvement((mean - best) / sd);
}

Term improvement(double mean, double variance, double best) {
  const double sd = std::sqrt(variance);
  const double z = (mean - best) / sd;
  const double value = log_expected_improvement(z);
  const double slope = std::exp(log_normal_cdf(z) - value);
  return {std::log(sd) + value, slope / sd, (1 - slope * z) / (2 * variance)};
}

double below_value(double mean, double variance, double limit) {
  return log_normal_cdf((limit - mean) / std::sqrt(variance));
}

// log P(value <= limit).
Term below(double mean, double variance, double limit) {
  const double sd = std::sqrt(variance);
  const double z = (limit - mean) / sd;
  const double slope = log_normal_cdf_slope(z);
  return {log_normal_cdf(z), -slope / sd, -slope * z / (2 * variance)};
}

// The improvement over an incumbent that is itself uncertain: averaged over joint draws of the
// feasible trials' true values (noisy EI; Letham et al., Bayesian Analysis 14, 2019, eq. 6, with
// the posterior of the candidate left unconditioned).
Term improvement(double mean, double variance, std::span<const double> bests, double margin) {
  if (bests.size() == 1) return improvement(mean, variance, bests[0] + margin);
  std::array<Term, kDraws> terms;
  double top = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < bests.size(); ++i) {
    terms[i] = improvement(mean, variance, bests[i] + margin);
    top = std::max(top, terms[i].value);
  }
  Term sum{0, 0, 0};
  for (const Term& t : std::span(terms).first(bests.size())) {
    const double weight = std::exp(t.value - top);
    sum.value += weight;
    sum.by_mean += weight * t.by_mean;
    sum.by_variance += weight * t.by_variance;
  }
  return {top + std::log(sum.value / static_cast<double>(bests.size())), sum.by_mean / sum.value,
          sum.by_variance / sum.value};
}

double improvement_value(double mean, double variance, std::span<const double> bests,
                         double margin) {
  if (bests.size() == 1) return improvement_value(mean, variance, bests[0] + margin);
  std::array<double, kDraws> values;
  double top = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < bests.size(); ++i) {
    values[i] = improvement_value(mean, variance, bests[i] + margin);
    top = std::max(top, values[i]);
  }
  double sum = 0;
  for (const double v : std::span(values).first(bests.size())) sum += std::exp(v - top);
  return top + std::log(sum / static_cast<double>(bests.size()));
}

Term violation(double mean, double variance, double limit) {
  const double sd = std::sqrt(variance);
  if (mean <= limit)
    return {0.01 * below(mean, variance, limit).value, 0, 0};  // prefers the safer side
  return {-(mean - limit) / (1 + sd), -1 / (1 + sd), 0};
}

double label_noise(const GaussianProcess& process) { return std::exp(process.hyper().log_noise); }

}  // namespace

// log P / (c + (1 - c) P): what is left of a feasibility when refusals are cheap, and its
// derivative by log P.
std::pair<double, double> Acquisition::discounted(double log_probability) const {
  if (goal_ != Goal::kImprove || refusal_cost_ >= 1) return {log_probability, 1};
  const double gain = (1 - refusal_cost_) * std::exp(log_probability);
  return {log_probability - std::log(refusal_cost_ + gain), refusal_cost_ / (refusal_cost_ + gain)};
}

std::vector<double> Acquisition::values(const Points& x, std::size_t depth) const {
  std::vector<double> sum(x.size(), 0.0), mean(x.size()), variance(x.size());
  for (const ConstraintModel& c : surrogates_.constraints()) {
    c.process.predict(x, mean, variance, depth);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += goal_ == Goal::kLeastViolation ? violation(mean[i], variance[i], c.limit).value
                                               : below_value(mean[i], variance[i], c.limit);
    }
  }
  if (const auto& computable = surrogates_.computable()) {
    computable->predict(x, mean, variance, depth);
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += below_value(-mean[i], variance[i] + label_noise(*computable), 0);
  }
  if (goal_ != Goal::kImprove) return sum;
  surrogates_.objective()->predict(x, mean, variance, depth);
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] = discounted(sum[i]).first +
             improvement_value(mean[i], variance[i], surrogates_.bests(), margin_);
  return sum;
}

std::vector<double> Acquisition::values_with_slopes(const Points& x,
                                                    std::span<double> slopes) const {
  const std::size_t n = x.size(), d = x.dimensions;
  std::vector<double> sums(n, 0.0);
  std::fill(slopes.begin(), slopes.end(), 0.0);
  std::vector<GaussianProcess::Local> at(n);
  const auto add = [&](std::size_t i, const Term& term, double sign) {
    sums[i] += term.value;
    const std::span<double> slope = slopes.subspan(i * d, d);
    for (std::size_t k = 0; k < d; ++k)
      slope[k] +=
          sign * term.by_mean * at[i].mean_slope[k] + term.by_variance * at[i].variance_slope[k];
  };
  for (const ConstraintModel& c : surrogates_.constraints()) {
    c.process.predict_with_slopes(x, at);
    for (std::size_t i = 0; i < n; ++i)
      add(i,
          goal_ == Goal::kLeastViolation ? violation(at[i].mean, at[i].variance, c.limit)
                                         : below(at[i].mean, at[i].variance, c.limit),
          1);
  }
  if (const auto& computable = surrogates_.computable()) {
    computable->predict_with_slopes(x, at);
    for (std::size_t i = 0; i < n; ++i)
      add(i, below(-at[i].mean, at[i].variance + label_noise(*computable), 0), -1);
  }
  if (goal_ != Goal::kImprove) return sums;
  surrogates_.objective()->predict_with_slopes(x, at);
  for (std::size_t i = 0; i < n; ++i) {
    const auto [feasible, share] = discounted(sums[i]);
    sums[i] = feasible;
    for (double& s : slopes.subspan(i * d, d)) s *= share;
    add(i, improvement(at[i].mean, at[i].variance, surrogates_.bests(), margin_), 1);
  }
  return sums;
}

std::string Acquisition::name() const {
  switch (goal_) {
    case Goal::kImprove:
      if (surrogates_.bests().size() > 1)
        return "log noisy expected improvement + log probability of feasibility";
      return "log expected improvement + log probability of feasibility";
    case Goal::kFeasible:
      return "log probability of feasibility";
    case Goal::kLeastViolation:
      return "least predicted violation";
  }
  ATML_UNREACHABLE("goal");
}

study::Explanation Acquisition::details(std::span<const double> x) const {
  const Points one{x.size(), {x.begin(), x.end()}};
  double mean = 0, variance = 0;
  study::Explanation e;
  e.kind = goal_ == Goal::kFeasible ? "feasibility" : "violation";
  e.acquisition = name();
  if (surrogates_.objective()) {
    surrogates_.objective()->predict(one, {&mean, 1}, {&variance, 1});
    const ObjectiveWarp& warp = *surrogates_.objective_warp();
    const double sd = std::sqrt(variance);
    e.mean = warp.inverse(mean);
    e.deviation = (warp.inverse(mean + sd) - warp.inverse(mean - sd)) / 2;
    if (surrogates_.best()) e.best = warp.inverse(*surrogates_.best());
    if (goal_ == Goal::kImprove) e.kind = mean > *surrogates_.best() ? "exploit" : "explore";
  }
  for (const ConstraintModel& c : surrogates_.constraints()) {
    c.process.predict(one, {&mean, 1}, {&variance, 1});
    e.chances.push_back({c.name, std::exp(below(mean, variance, c.limit).value)});
  }
  if (const auto& computable = surrogates_.computable()) {
    computable->predict(one, {&mean, 1}, {&variance, 1});
    e.computable = std::exp(below(-mean, variance + label_noise(*computable), 0).value);
  }
  return e;
}

std::string Acquisition::explain(std::span<const double> x) const {
  const study::Explanation e = details(x);
  std::string text;
  if (e.mean) {
    text = fmt::format("predicts {:.4g} +- {:.2g}", *e.mean, *e.deviation);
    if (e.best) text += fmt::format(", best {:.4g}", *e.best);
  }
  double probability = 1, lowest = 1;
  std::string tightest;
  for (const auto& [name, p] : e.chances) {
    probability *= p;
    if (p < lowest) {
      lowest = p;
      tightest = name;
    }
  }
  if (!e.chances.empty()) {
    text += fmt::format("{}feasible {:.0f} %", text.empty() ? "" : "; ", 100 * probability);
    if (!tightest.empty() && lowest < 0.9) text += fmt::format(" ({} binds)", tightest);
  }
  if (e.computable)
    text += fmt::format("{}computable {:.0f} %", text.empty() ? "" : "; ", 100 * *e.computable);
  return text;
}

}  // namespace atml::propose
