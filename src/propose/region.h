// The trust region of SCBO (Eriksson and Poloczek, AISTATS 2021): a box round the best trial that
// grows with success. Replayed from the history, so that it needs no state.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "propose/surrogates.h"

namespace atml::propose {

struct Region {
  double side = 0.8;      // of the unit box
  std::size_t first = 0;  // trials before it belong to earlier, collapsed regions
  std::optional<std::size_t> centre;
};

/// Twice as large after three successes in a row, half after max(4, d) failures; begins anew when
/// it has collapsed. The first `design` trials of a region change nothing.
Region replay(std::span<const Observed> observed, std::size_t dimensions, std::size_t design);

/// Length-scales of the objective over their geometric mean, in [1/4, 4]: the shape of the box.
std::vector<double> stretches(const Surrogates& surrogates);

/// Of the `count` trials nearest to `centre`, in the order of trials; distances are the largest
/// over the parameters, in stretches. Another word, or a parameter that only one of both has, is
/// 1/2 away.
std::vector<Observed> nearest(std::span<const Observed> observed, const Layout& layout,
                              std::span<const double> centre, std::span<const double> stretch,
                              std::size_t count);

}  // namespace atml::propose
