// The local half of "bayes": models of the best trial's neighbours alone.
#pragma once

#include <optional>

#include "propose/surrogates.h"

namespace atml::propose {

/// Maximises constrained expected improvement under models that are learnt from the nearest trials
/// only, in the trust region round the best: warps and length-scales are those of the place, where
/// models of the whole box see a bend as noise. None while nothing is feasible, and while there are
/// hardly more trials than a neighbourhood has. `everywhere`: the models of all trials, which shape
/// the region and explain the proposal.
std::optional<Proposal> polish(const Problem& problem, std::span<const Observed> observed,
                               const Surrogates& everywhere, ModelMemory& memory);

}  // namespace atml::propose
