// Monotone transformations of objectives and constraint margins to what a Gaussian process expects.
#pragma once

#include <span>
#include <vector>

namespace atml::propose {

/// Objectives: below one spread under the median, distances are compressed logarithmically, because
/// how bad a bad configuration is matters little; then mean 0 and variance 1. The spread is that
/// of the better half about the median (as in Vizier's half-rank warp), so no failure can widen it.
class ObjectiveWarp {
 public:
  /// `power`: of a further transformation of the standardised values (models/power.h), which the
  /// surrogate fits.
  explicit ObjectiveWarp(std::span<const double> values, double power = 1);
  double operator()(double value) const;
  double inverse(double warped) const;
  /// d warped / d value above the median: turns a small spread of values into one of warped values.
  double slope() const { return 1 / (spread_ * deviation_); }

 private:
  double median_ = 0, spread_ = 1;
  double mean_ = 0, deviation_ = 1;
  double power_ = 1;
};

/// Margins: sgn(c) log(1 + |c| / s), s = the upper quartile of |c| (the bilog of SCBO,
/// Eriksson and Poloczek 2021, made independent of the unit; the median would shrink to the
/// distances of the trials that crowd at a limit, and bend the model there), then mean 0 and variance 1.
class MarginWarp {
 public:
  explicit MarginWarp(std::span<const double> margins);
  double operator()(double margin) const;
  /// The image of margin 0.
  double limit() const { return (*this)(0); }

 private:
  double scale_ = 1;
  double mean_ = 0, deviation_ = 1;
};

}  // namespace atml::propose
