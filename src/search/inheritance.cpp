#include "search/inheritance.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"
#include "search/training.h"
#include "space/decode.h"
#include "train/inherit.h"
#include "train/trainer.h"

namespace atml::search {
namespace {

constexpr double kNoise = 0.05;

void break_symmetry(train::Weights& weights, std::uint64_t seed) {
  Rng rng = Rng::derive(seed, "inherited weights");
  for (train::LayerWeights& layer : weights.layers) {
    for (float& w : layer.kernel) w *= static_cast<float>(1 + kNoise * rng.normal());
  }
}

}  // namespace

Result<train::Weights> rung_weights(const Context& context, const Donor& donor,
                                    const study::Trial& trial, const network::Network& network) {
  ATML_TRY(const auto bytes,
           context.store->get_blob(donor.trial, rung_checkpoint_kind(donor.rung)));
  if (!bytes)
    return Error{Code::kNotFound, fmt::format("the checkpoint of trial {} at rung {} is missing",
                                              donor.trial, donor.rung + 1)};
  ATML_TRY(const auto trainer,
           train::Trainer::create(network, context.dataset, trial_settings(context, trial)));
  ATML_TRY_STATUS(trainer->restore(*bytes));
  return trainer->weights();
}

std::vector<Donor> donors(const space::Space& space, std::span<const study::Trial> history,
                          const space::Configuration& configuration) {
  std::vector<std::pair<double, Donor>> found;
  for (const study::Trial& t : history) {
    if (t.rungs.empty()) continue;
    found.emplace_back(space.distance(configuration, t.configuration),
                       Donor{t.number, t.rungs.size() - 1});
  }
  std::ranges::stable_sort(found, {}, [](const auto& pair) { return pair.first; });
  if (found.size() > kMostDonors) found.resize(kMostDonors);
  std::vector<Donor> nearest;
  for (const auto& [distance, donor] : found) nearest.push_back(donor);
  return nearest;
}

std::string rung_checkpoint_kind(std::size_t rung) { return fmt::format("rung-{}", rung); }

Result<std::optional<InheritedStart>> inherited_start(const Context& context,
                                                      const network::Network& network,
                                                      std::span<const Donor> donors,
                                                      std::uint64_t seed) {
  if (donors.empty()) return std::optional<InheritedStart>();
  ATML_TRY(const std::vector<study::Trial> trials, context.store->trials());
  for (const Donor& donor : donors) {
    const study::Trial& trial = trials[static_cast<std::size_t>(donor.trial)];
    ATML_TRY(const network::Network from,
             space::decode(trial.configuration, context.dataset.shape, context.dataset.outputs()));
    ATML_TRY(const train::Weights weights, rung_weights(context, donor, trial, from));
    auto heir = train::inherit(from, weights, network);
    if (!heir.ok()) continue;  // too different: the next nearest
    break_symmetry(heir->weights, seed);
    return std::optional(InheritedStart{donor.trial, std::move(heir->weights)});
  }
  return std::optional<InheritedStart>();
}

}  // namespace atml::search
