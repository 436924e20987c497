#include "quantize/calibrate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "quantize/float_forward.h"

namespace atml::quantize {

void Histogram::double_reach() {
  std::vector<std::uint64_t> wide(kBins, 0);
  for (std::size_t i = 0; i < kBins; ++i) wide[kBins / 4 + i / 2] += bins_[i];
  bins_ = std::move(wide);
  reach_ *= 2;
}

void Histogram::add(std::span<const float> values) {
  const auto [least, most] = std::ranges::minmax(values);
  least_ = std::min<double>(least_, least);
  most_ = std::max<double>(most_, most);
  while (std::max(-least_, most_) >= reach_) double_reach();
  const double factor = (kBins / 2.0) / reach_;
  for (const float v : values) {
    const auto bin = static_cast<std::size_t>((v + reach_) * factor);
    ++bins_[std::min(bin, kBins - 1)];
  }
  count_ += values.size();
}

void Histogram::merge(const Histogram& other) {
  Histogram copy = other;
  while (copy.reach_ < reach_) copy.double_reach();
  while (reach_ < copy.reach_) double_reach();
  for (std::size_t i = 0; i < kBins; ++i) bins_[i] += copy.bins_[i];
  least_ = std::min(least_, copy.least_);
  most_ = std::max(most_, copy.most_);
  count_ += copy.count_;
}

double Histogram::quantile(double fraction) const {
  const double wanted = fraction * static_cast<double>(count_);
  double seen = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    seen += static_cast<double>(bins_[i]);
    if (seen >= wanted) return centre(i);
  }
  return most_;
}

double Histogram::error(double low, double high) const {
  const double step = (high - low) / 255;
  const double rounding = step * step / 12;
  double sum = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (bins_[i] == 0) continue;
    const double value = centre(i);
    const double outside = value < low ? low - value : (value > high ? value - high : 0);
    sum += static_cast<double>(bins_[i]) * (rounding + outside * outside);
  }
  return count_ > 0 ? sum / static_cast<double>(count_) : 0;
}

Statistics measure(const network::Network& network, const train::Weights& weights,
                   const Lowering& lowering, const data::Dataset& dataset,
                   const QuantizeOptions& options) {
  std::vector<std::size_t> order(dataset.train.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng = Rng::derive(options.seed, "calibration");
  rng.shuffle(std::span(order));
  order.resize(std::min<std::size_t>(
      order.size(), static_cast<std::size_t>(std::max(1, options.calibration_samples))));

  Statistics result;
  result.tensors.resize(lowering.model.tensors.size());
  for (const Tensor& t : lowering.model.tensors)
    result.means.emplace_back(static_cast<std::size_t>(t.shape.elements()), 0.0);
  FloatForward forward(network, weights);
  std::vector<float> sample(static_cast<std::size_t>(dataset.shape.elements()));
  for (const std::size_t index : order) {
    dataset.train.x.read(index, sample);
    dataset.normalisation.apply(sample);
    const auto& layers = forward.run(sample);
    for (std::size_t t = 0; t < result.tensors.size(); ++t) {
      const std::vector<float>& values =
          layers[static_cast<std::size_t>(lowering.tensor_layers[t])];
      result.tensors[t].add(values);
      for (std::size_t i = 0; i < values.size(); ++i)
        result.means[t][i] += static_cast<double>(values[i]) / static_cast<double>(order.size());
    }
    result.inputs.push_back(sample);
    result.outputs.push_back(layers.back());
  }
  return result;
}

namespace {

// Shrinks both ends of the min-max range, together and apart, in steps of 1/32 down to a quarter.
Range least_error(const Histogram& h, Range widest) {
  Range best = widest;
  double best_error = h.error(widest.low, widest.high);
  const auto consider = [&](double low_share, double high_share) {
    const Range r{widest.low * low_share, widest.high * high_share};
    const double error = h.error(r.low, r.high);
    if (error >= best_error) return;
    best_error = error;
    best = r;
  };
  for (int i = 8; i < 32; ++i) consider(i / 32.0, i / 32.0);
  const Range symmetric = best;
  for (int i = 8; i < 32; ++i) consider(symmetric.low / std::min(widest.low, -1e-30), i / 32.0);
  const Range upper = best;
  for (int i = 8; i < 32; ++i) consider(i / 32.0, upper.high / std::max(widest.high, 1e-30));
  return best;
}

}  // namespace

Range choose_range(const Histogram& h, Clipping rule, double percentile) {
  const Range widest{std::min(0.0, h.least()), std::max(0.0, h.most())};
  switch (rule) {
    case Clipping::kMinMax:
      return widest;
    case Clipping::kPercentile: {
      const double tail = 1 - percentile / 100;
      return {std::clamp(h.quantile(tail), widest.low, 0.0),
              std::clamp(h.quantile(1 - tail), 0.0, widest.high)};
    }
    case Clipping::kLeastError:
      return least_error(h, widest);
  }
  ATML_UNREACHABLE("clipping rule");
}

}  // namespace atml::quantize
