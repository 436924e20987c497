#include "propose/acquisition.h"

#include <algorithm>
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

Term improvement(double mean, double variance, double best) {
  const double sd = std::sqrt(variance);
  const double z = (mean - best) / sd;
  const double slope = log_expected_improvement_slope(z);
  return {std::log(sd) + log_expected_improvement(z), slope / sd, (1 - slope * z) / (2 * variance)};
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
  std::vector<Term> terms;
  double top = -std::numeric_limits<double>::infinity();
  for (const double best : bests) {
    terms.push_back(improvement(mean, variance, best + margin));
    top = std::max(top, terms.back().value);
  }
  Term sum{0, 0, 0};
  for (const Term& t : terms) {
    const double weight = std::exp(t.value - top);
    sum.value += weight;
    sum.by_mean += weight * t.by_mean;
    sum.by_variance += weight * t.by_variance;
  }
  return {top + std::log(sum.value / static_cast<double>(terms.size())), sum.by_mean / sum.value,
          sum.by_variance / sum.value};
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

std::vector<double> Acquisition::values(const Points& x) const {
  std::vector<double> sum(x.size(), 0.0), mean(x.size()), variance(x.size());
  for (const ConstraintModel& c : surrogates_.constraints()) {
    c.process.predict(x, mean, variance);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += goal_ == Goal::kLeastViolation ? violation(mean[i], variance[i], c.limit).value
                                               : below(mean[i], variance[i], c.limit).value;
    }
  }
  if (const auto& computable = surrogates_.computable()) {
    computable->predict(x, mean, variance);
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += below(-mean[i], variance[i] + label_noise(*computable), 0).value;
  }
  if (goal_ != Goal::kImprove) return sum;
  surrogates_.objective()->predict(x, mean, variance);
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] = discounted(sum[i]).first +
             improvement(mean[i], variance[i], surrogates_.bests(), margin_).value;
  return sum;
}

double Acquisition::value_with_slope(std::span<const double> x, std::span<double> slope) const {
  double sum = 0;
  std::fill(slope.begin(), slope.end(), 0.0);
  const auto add = [&](const GaussianProcess::Local& at, const Term& term, double sign) {
    sum += term.value;
    for (std::size_t i = 0; i < slope.size(); ++i)
      slope[i] += sign * term.by_mean * at.mean_slope[i] + term.by_variance * at.variance_slope[i];
  };
  for (const ConstraintModel& c : surrogates_.constraints()) {
    const auto at = c.process.predict_with_slope(x);
    add(at,
        goal_ == Goal::kLeastViolation ? violation(at.mean, at.variance, c.limit)
                                       : below(at.mean, at.variance, c.limit),
        1);
  }
  if (const auto& computable = surrogates_.computable()) {
    const auto at = computable->predict_with_slope(x);
    add(at, below(-at.mean, at.variance + label_noise(*computable), 0), -1);
  }
  if (goal_ != Goal::kImprove) return sum;
  const auto [feasible, share] = discounted(sum);
  sum = feasible;
  for (double& s : slope) s *= share;
  const auto at = surrogates_.objective()->predict_with_slope(x);
  add(at, improvement(at.mean, at.variance, surrogates_.bests(), margin_), 1);
  return sum;
}

std::string Acquisition::explain(std::span<const double> x) const {
  const Points one{x.size(), {x.begin(), x.end()}};
  std::vector<double> mean(1), variance(1);
  std::string text;
  if (surrogates_.objective()) {
    surrogates_.objective()->predict(one, mean, variance);
    const ObjectiveWarp& warp = *surrogates_.objective_warp();
    const double sd = std::sqrt(variance[0]);
    const double spread = (warp.inverse(mean[0] + sd) - warp.inverse(mean[0] - sd)) / 2;
    text = fmt::format("predicts {:.4g} +- {:.2g}", warp.inverse(mean[0]), spread);
    if (surrogates_.best()) text += fmt::format(", best {:.4g}", warp.inverse(*surrogates_.best()));
  }
  double probability = 1;
  std::string tightest;
  double lowest = 1;
  for (const ConstraintModel& c : surrogates_.constraints()) {
    c.process.predict(one, mean, variance);
    const double p = std::exp(below(mean[0], variance[0], c.limit).value);
    probability *= p;
    if (p < lowest) {
      lowest = p;
      tightest = c.name;
    }
  }
  if (!surrogates_.constraints().empty()) {
    text += fmt::format("{}feasible {:.0f} %", text.empty() ? "" : "; ", 100 * probability);
    if (!tightest.empty() && lowest < 0.9) text += fmt::format(" ({} binds)", tightest);
  }
  if (const auto& computable = surrogates_.computable()) {
    computable->predict(one, mean, variance);
    text += fmt::format(
        "{}computable {:.0f} %", text.empty() ? "" : "; ",
        100 * std::exp(below(-mean[0], variance[0] + label_noise(*computable), 0).value));
  }
  return text;
}

}  // namespace atml::propose
