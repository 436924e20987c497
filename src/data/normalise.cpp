#include "data/normalise.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace atml::data {
namespace {

/// Of all channels together.
ChannelStatistics merge(const std::vector<ChannelStatistics>& channels) {
  ChannelStatistics all{channels[0].min, channels[0].max};
  for (const auto& c : channels) {
    all.min = std::min(all.min, c.min);
    all.max = std::max(all.max, c.max);
    all.mean += c.mean / static_cast<double>(channels.size());
  }
  double variance = 0;
  for (const auto& c : channels) {
    variance += (c.deviation * c.deviation + (c.mean - all.mean) * (c.mean - all.mean)) /
                static_cast<double>(channels.size());
  }
  all.deviation = std::sqrt(variance);
  return all;
}

double guarded_gain(const ChannelStatistics& c) {
  const double furthest = std::max(c.max - c.mean, c.mean - c.min);
  const double negligible = 1e-7 * std::max(std::abs(c.min), std::abs(c.max));
  if (c.deviation <= negligible || furthest <= 0) return 1;
  return std::min(1 / c.deviation, kMostDeviations / furthest);
}

}  // namespace

std::vector<ChannelStatistics> measure_channels(const Samples& samples) {
  // Sums of value - first value: exact for the integers of small types, stable for the rest.
  const auto channels = static_cast<std::size_t>(samples.shape().channels);
  std::vector<float> values(static_cast<std::size_t>(samples.shape().elements()));
  std::vector<ChannelStatistics> found(channels, {std::numeric_limits<double>::infinity(),
                                                  -std::numeric_limits<double>::infinity()});
  std::vector<double> first(channels), sum(channels, 0), squares(channels, 0);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples.read(i, values);
    if (i == 0) std::copy_n(values.begin(), channels, first.begin());
    for (std::size_t at = 0, c = 0; at < values.size(); ++at, c = c + 1 == channels ? 0 : c + 1) {
      const double value = values[at];
      found[c].min = std::min(found[c].min, value);
      found[c].max = std::max(found[c].max, value);
      sum[c] += value - first[c];
      squares[c] += (value - first[c]) * (value - first[c]);
    }
  }
  const double count = static_cast<double>(samples.size() * values.size() / channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double shifted = sum[c] / count;
    found[c].mean = first[c] + shifted;
    found[c].deviation = std::sqrt(std::max(0.0, squares[c] / count - shifted * shifted));
  }
  return found;
}

Normalisation measure_normalisation(const Samples& train) {
  const std::vector<ChannelStatistics> channels = measure_channels(train);
  const Shape& shape = train.shape();
  Normalisation normalisation;
  normalisation.exact_pixels = train.type() == ElementType::kUint8 && train.scale() == 1 &&
                               shape.height > 1 && shape.width > 1;
  if (normalisation.exact_pixels) {
    const ChannelStatistics all = merge(channels);
    normalisation.mean.assign(channels.size(), static_cast<float>(std::round(all.mean)));
    normalisation.gain.assign(channels.size(), static_cast<float>(guarded_gain(all)));
    return normalisation;
  }
  for (const ChannelStatistics& c : channels) {
    normalisation.mean.push_back(static_cast<float>(c.mean));
    normalisation.gain.push_back(static_cast<float>(guarded_gain(c)));
  }
  return normalisation;
}

}  // namespace atml::data
