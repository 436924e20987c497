// Successive halving: which paused trial deserves its next rung.
#pragma once

#include <optional>
#include <span>

#include "search/plan.h"
#include "study/trial.h"

namespace atml::search {

/// The paused trial to promote, or none. Asynchronous successive halving (Li et al., "A System for
/// Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2): scanning from the highest
/// rung down, a trial is promotable when it is among the best n / eta of the n trials that have
/// reached its rung. Undeployable trials never reach a rung, so feasibility comes first by
/// construction. Ties go to the older trial.
std::optional<int> next_promotion(std::span<const study::Trial> trials, const Plan& plan);

/// Of the trials at a rung the best 1 / rate go on: kEta, or 2 where the order at this rung says
/// little of the order at the next (Spearman's rho below 0.3 over eight trials or more that reached
/// both), so that noise does not decide.
int halving_rate(std::span<const study::Trial> trials, std::size_t rung);

/// "stopped at rung 1 of 3 after 1 epoch: 0.8123 is not among the best third (0.8542) yet".
std::string pause_reason(const study::Trial& trial, const Plan& plan);

}  // namespace atml::search
