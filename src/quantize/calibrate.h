// Calibration: what values the tensors of a lowered network take on training samples, and from that
// a range for each, by three rules. Private to quantize.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "data/dataset.h"
#include "quantize/lower.h"
#include "quantize/quantize.h"
#include "train/weights.h"

namespace atml::quantize {

/// Counts of values in equal bins over [-reach, reach]; reach doubles when a value lies outside.
class Histogram {
 public:
  Histogram() : bins_(kBins, 0) {}
  void add(std::span<const float> values);
  void merge(const Histogram& other);

  double least() const { return least_; }
  double most() const { return most_; }
  /// The value below which the fraction lies, within one bin.
  double quantile(double fraction) const;
  /// Mean squared error of 8-bit quantisation with clipping to [low, high]: rounding noise step^2 /
  /// 12 inside, squared distance outside.
  double error(double low, double high) const;

 private:
  static constexpr std::size_t kBins = 4096;
  void double_reach();
  double centre(std::size_t bin) const {
    return ((static_cast<double>(bin) + 0.5) / (kBins / 2.0) - 1.0) * reach_;
  }

  double reach_ = 1.0 / 64;
  double least_ = 0;
  double most_ = 0;
  std::uint64_t count_ = 0;
  std::vector<std::uint64_t> bins_;
};

struct Statistics {
  std::vector<Histogram> tensors;           // one a tensor
  std::vector<std::vector<double>> means;   // of each element of each tensor
  std::vector<std::vector<float>> inputs;   // the calibration samples, normalised
  std::vector<std::vector<float>> outputs;  // what the float network gives for them
};

/// Runs the float network over `options.calibration_samples` training samples.
Statistics measure(const network::Network& network, const train::Weights& weights,
                   const Lowering& lowering, const data::Dataset& dataset,
                   const QuantizeOptions& options);

enum class Clipping { kMinMax, kPercentile, kLeastError };

struct Range {
  double low = 0;   // <= 0
  double high = 0;  // >= 0
};
Range choose_range(const Histogram& histogram, Clipping rule, double percentile);

}  // namespace atml::quantize
