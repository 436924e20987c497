// Warm start inside a search: a new trial may begin with the weights of a trained one that differs
// little from it. Finalists never do: they are trained from scratch.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "search/context.h"
#include "study/trial.h"
#include "train/weights.h"

namespace atml::search {

/// A trained trial at the end of one of its rungs.
struct Donor {
  int trial = 0;
  std::size_t rung = 0;
  bool operator==(const Donor&) const = default;
};

/// At most kMostDonors trials that have ended a rung, nearest to the configuration first (ties: the
/// older), each at the highest rung that the history knows. What they are depends on the history
/// alone, never on what other workers do at the moment.
inline constexpr std::size_t kMostDonors = 5;
std::vector<Donor> donors(const space::Space& space, std::span<const study::Trial> history,
                          const space::Configuration& configuration);

/// Blob of a trainer's state at the end of a rung; kept where the study inherits or distils.
std::string rung_checkpoint_kind(std::size_t rung);

/// The weights that a trained trial had at that rung. Fails where the study did not keep them.
Result<train::Weights> rung_weights(const Context& context, const Donor& donor,
                                    const study::Trial& trial, const network::Network& network);

struct InheritedStart {
  int trial = 0;
  train::Weights weights;
};

/// The weights of the first donor whose network can pass them on (train::inherit), with 5 % of
/// noise on the kernels (seeded): repeated channels would otherwise stay equal for ever (Net2Net,
/// section 2.4). None where no donor fits.
Result<std::optional<InheritedStart>> inherited_start(const Context& context,
                                                      const network::Network& network,
                                                      std::span<const Donor> donors,
                                                      std::uint64_t seed);

}  // namespace atml::search
