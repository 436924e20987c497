#include "propose/region.h"

#include <algorithm>
#include <cmath>

namespace atml::propose {
namespace {

constexpr double kMinSide = 0x1.0p-7, kMaxSide = 1.6;
constexpr int kSuccesses = 3;
constexpr double kOtherWord = 0.5;

}  // namespace

Region replay(std::span<const Observed> observed, std::size_t dimensions, std::size_t design) {
  Region region;
  const int tolerance = std::max<int>(4, static_cast<int>(dimensions));
  int successes = 0, failures = 0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (!observed[i].computable) continue;
    const bool improved = !region.centre || better(observed[i], observed[*region.centre]);
    if (improved) region.centre = i;
    if (i < region.first + design) continue;
    successes = improved ? successes + 1 : 0;
    failures = improved ? 0 : failures + 1;
    if (successes == kSuccesses) {
      region.side = std::min(2 * region.side, kMaxSide);
      successes = 0;
    } else if (failures == tolerance) {
      region.side /= 2;
      failures = 0;
    }
    if (region.side < kMinSide) region = {.first = i + 1};
  }
  return region;
}

std::vector<double> stretches(const Surrogates& surrogates) {
  const auto& objective = surrogates.objective();
  std::vector<double> stretch(surrogates.layout().dimensions(), 1.0);
  if (!objective) return stretch;
  double mean = 0;
  for (std::size_t i = 0; i < stretch.size(); ++i)
    mean += objective->hyper().log_length[i] / static_cast<double>(stretch.size());
  for (std::size_t i = 0; i < stretch.size(); ++i)
    stretch[i] = std::clamp(std::exp(objective->hyper().log_length[i] - mean), 0.25, 4.0);
  return stretch;
}

std::vector<Observed> nearest(std::span<const Observed> observed, const Layout& layout,
                              std::span<const double> centre, std::span<const double> stretch,
                              std::size_t count) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t k = 0; k < observed.size(); ++k) {
    double far = 0;
    for (std::size_t i = 0; i < centre.size(); ++i) {
      const double a = centre[i], b = observed[k].x[i];
      if (a == b) continue;
      const bool apart = layout.words[i] > 0 || a == space::kInactive || b == space::kInactive;
      far = std::max(far, apart ? kOtherWord : std::abs(a - b) / stretch[i]);
    }
    order.emplace_back(far, k);
  }
  std::sort(order.begin(), order.end());
  order.resize(std::min(order.size(), count));
  std::sort(order.begin(), order.end(), [](auto& a, auto& b) { return a.second < b.second; });
  std::vector<Observed> near;
  for (const auto& [far, k] : order) near.push_back(observed[k]);
  return near;
}

}  // namespace atml::propose
