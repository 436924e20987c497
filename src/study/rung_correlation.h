// How well early rungs foretell the end: rank correlations between the rungs of a study's trials.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "study/trial.h"

namespace atml::study {

/// Between two rungs, over the trials that reached both. Promotion lets only the better third of a
/// rung pass, so the range is restricted and the figures lean low.
struct RungCorrelation {
  int from_epochs = 0, to_epochs = 0;
  int trials = 0;
  double spearman = 0;  // of ranks, ties share their mean; in [-1, 1]
  double kendall = 0;   // tau-b
};

/// Ranks 1, 2, ... of values; equal values share the mean of their ranks.
std::vector<double> ranks(std::span<const double> values);

/// Spearman's rho and Kendall's tau-b of two equally long lists; 0 where one of them is constant.
double spearman(std::span<const double> a, std::span<const double> b);
double kendall(std::span<const double> a, std::span<const double> b);

/// Of every pair of rungs that at least three trials reached; ascending.
std::vector<RungCorrelation> rung_correlations(std::span<const Trial> trials);

/// "rung 1 -> 3 epochs: Spearman 0.83, Kendall 0.67 over 9 trials", one line a pair; empty where
/// there is none.
std::string rung_correlation_text(std::span<const Trial> trials);

}  // namespace atml::study
