#include "study/rung_correlation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace atml::study {
namespace {

constexpr std::size_t kFewest = 3;  // trials of a pair of rungs

int sign(double x) { return (x > 0) - (x < 0); }

}  // namespace

std::vector<double> ranks(std::span<const double> values) {
  std::vector<double> rank;
  for (const double v : values) {
    double less = 0, equal = 0;
    for (const double w : values) less += w < v, equal += w == v;
    rank.push_back(less + (equal + 1) / 2);
  }
  return rank;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  const std::vector<double> ra = ranks(a), rb = ranks(b);
  const double mean = (static_cast<double>(a.size()) + 1) / 2;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < ra.size(); ++i) {
    ab += (ra[i] - mean) * (rb[i] - mean);
    aa += (ra[i] - mean) * (ra[i] - mean);
    bb += (rb[i] - mean) * (rb[i] - mean);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

double kendall(std::span<const double> a, std::span<const double> b) {
  double sum = 0, in_a = 0, in_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const int x = sign(a[i] - a[j]), y = sign(b[i] - b[j]);
      sum += x * y;
      in_a += x * x;
      in_b += y * y;
    }
  }
  return in_a > 0 && in_b > 0 ? sum / std::sqrt(in_a * in_b) : 0;
}

std::vector<RungCorrelation> rung_correlations(std::span<const Trial> trials) {
  std::map<std::pair<int, int>, std::pair<std::vector<double>, std::vector<double>>> pairs;
  for (const Trial& t : trials) {
    for (std::size_t i = 0; i < t.rungs.size(); ++i) {
      for (std::size_t j = i + 1; j < t.rungs.size(); ++j) {
        const Rung &early = t.rungs[i], &late = t.rungs[j];
        if (!std::isfinite(early.objective) || !std::isfinite(late.objective)) continue;
        auto& [a, b] = pairs[{early.epochs, late.epochs}];
        a.push_back(early.objective);
        b.push_back(late.objective);
      }
    }
  }
  std::vector<RungCorrelation> result;
  for (const auto& [epochs, values] : pairs) {
    const auto& [a, b] = values;
    if (a.size() < kFewest) continue;
    result.push_back(
        {epochs.first, epochs.second, static_cast<int>(a.size()), spearman(a, b), kendall(a, b)});
  }
  return result;
}

std::string rung_correlation_text(std::span<const Trial> trials) {
  std::string text;
  for (const RungCorrelation& r : rung_correlations(trials)) {
    text += fmt::format("rung {} -> {} epochs: Spearman {:.2f}, Kendall {:.2f} over {} trials\n",
                        r.from_epochs, r.to_epochs, r.spearman, r.kendall, r.trials);
  }
  return text;
}

}  // namespace atml::study
