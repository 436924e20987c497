// Normalisation, measured on the training samples. Private to data.
#pragma once

#include "data/dataset.h"

namespace atml::data {

/// 8-bit images (uint8, height and width above 1, scale 1): one whole-number mean (the rounded mean
/// of all pixels) and one gain (1 / standard deviation of all pixels), see Normalisation.
/// Everything else: mean and 1 / standard deviation of each channel, with two guards: a channel
/// that does not vary gets gain 1 (it becomes 0), and no gain carries a training value beyond
/// kMostDeviations, or a channel that is almost constant would claim the whole int8 range of the
/// input for its few spikes.
Normalisation measure_normalisation(const Samples& train);

inline constexpr double kMostDeviations = 16;

/// Minimum, maximum, mean and standard deviation of each channel.
struct ChannelStatistics {
  double min = 0;
  double max = 0;
  double mean = 0;
  double deviation = 0;
};
std::vector<ChannelStatistics> measure_channels(const Samples& samples);

}  // namespace atml::data
