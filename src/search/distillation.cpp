#include "search/distillation.h"

#include "space/decode.h"

namespace atml::search {

std::optional<Donor> teacher_of(const std::vector<study::Trial>& trials,
                                const study::Trial& finalist) {
  const study::Trial* best = nullptr;
  for (const study::Trial& t : trials) {
    if (!t.objective || !t.figures || !finalist.figures || t.rungs.empty()) continue;
    if (t.rungs.size() < finalist.rungs.size() || t.figures->macs <= finalist.figures->macs)
      continue;
    if (!(*t.objective > finalist.objective.value_or(0))) continue;
    if (best == nullptr || *t.objective > *best->objective) best = &t;
  }
  if (best == nullptr) return std::nullopt;
  return Donor{best->number, best->rungs.size() - 1};
}

Status teach(const Context& context, train::Trainer& trainer,
             const std::vector<study::Trial>& trials, const Donor& teacher) {
  const study::Trial& trial = trials[static_cast<std::size_t>(teacher.trial)];
  ATML_TRY(const network::Network network,
           space::decode(trial.configuration, context.dataset.shape, context.dataset.outputs()));
  ATML_TRY(const train::Weights weights, rung_weights(context, teacher, trial, network));
  return trainer.set_teacher(network, weights);
}

}  // namespace atml::search
