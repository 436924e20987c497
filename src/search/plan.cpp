#include "search/plan.h"

#include <algorithm>
#include <cmath>

namespace atml::search {
namespace {

// A core that trains 20 G multiply-accumulates a second and moves 6 G activations a second: what
// the default image network reaches on a 2.5 GHz AVX-512 core (8 s an epoch of 51,000 Fashion-MNIST
// samples), rounded. Only their ratio and the order of size matter.
constexpr double kMacsPerSecond = 20e9;
constexpr double kActivationsPerSecond = 6e9;
// Many short trainings find more than few long ones: on Fashion-MNIST in ten minutes, 3 epochs a
// trial gave 92.6 % on the test split and 6 epochs 92.0 % (one run each); the finalists are trained
// longer anyway.
constexpr double kFullTrainings = 25;
constexpr int kMinEpochs = 3;
constexpr int kMaxEpochs = 36;
constexpr double kSearchShare = 0.6;

}  // namespace

double epoch_cost(const network::Network& network, std::size_t samples) {
  double activations = 0;
  for (const network::Layer& layer : network.layers())
    activations += static_cast<double>(layer.output.elements());
  const double macs =
      3 * static_cast<double>(network.macs().value);  // forward, and two products backward
  const double per_sample = macs / kMacsPerSecond + 3 * activations / kActivationsPerSecond;
  return per_sample * static_cast<double>(samples);
}

std::vector<int> rungs_of(int epochs) {
  std::vector<int> rungs{epochs};
  for (int e = epochs / kEta; e >= 1 && rungs.size() < 3; e /= kEta) rungs.insert(rungs.begin(), e);
  return rungs;
}

Plan make_plan(const Settings& settings, const network::Network& typical, std::size_t train_samples,
               int jobs) {
  Plan plan;
  plan.search_share = settings.budget ? kSearchShare : 1;
  int epochs = settings.epochs;
  if (epochs == 0) {
    const double seconds = settings.budget.value_or(kDefaultBudget).value * kSearchShare * jobs;
    const double wanted = seconds / kFullTrainings / epoch_cost(typical, train_samples);
    epochs =
        static_cast<int>(std::clamp(std::floor(wanted), double{kMinEpochs}, double{kMaxEpochs}));
  }
  plan.rungs = rungs_of(epochs);
  return plan;
}

}  // namespace atml::search
