// Knowledge distillation in the finals: a finalist also follows the outputs of a larger network
// that the same study has trained (Hinton, Vinyals, Dean, 2015; the loss is train::Trainer's).
#pragma once

#include <optional>
#include <vector>

#include "search/context.h"
#include "search/inheritance.h"
#include "study/trial.h"
#include "train/trainer.h"

namespace atml::search {

/// Of a training with a teacher, the time beside one without: the teacher's forward passes
/// (measured with a teacher of 1.5 times the widths, bench/results/search.md).
inline constexpr double kTeachingCost = 2.2;

/// The best trained trial with more multiply-accumulates than the finalist and a better objective
/// after as many rungs or more; ties to the older. None: nobody there can teach it. Depends on the
/// stored trials alone.
std::optional<Donor> teacher_of(const std::vector<study::Trial>& trials,
                                const study::Trial& finalist);

/// Gives the trainer that teacher. Fails where the teacher's rung is not in the store.
Status teach(const Context& context, train::Trainer& trainer,
             const std::vector<study::Trial>& trials, const Donor& teacher);

}  // namespace atml::search
