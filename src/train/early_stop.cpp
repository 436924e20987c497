#include "train/early_stop.h"

namespace atml::train {

Result<Fitted> fit(Trainer& trainer, const data::Split& validation, const FitOptions& options,
                   const StopToken& stop) {
  Fitted result;
  std::string best_state;
  while (result.epochs < options.epochs) {
    EpochReport report;
    result.end = trainer.run_epoch(stop, report);
    if (result.end == TrainEnd::kDiverged) return result;
    if (result.end == TrainEnd::kStopped) break;
    ++result.epochs;
    const double metric = trainer.evaluate(validation).metric;
    if (result.best_epoch == 0 || metric > result.best + options.least_gain) {
      result.best = metric;
      result.best_epoch = result.epochs;
      best_state = trainer.checkpoint();
    } else if (result.epochs - result.best_epoch >= options.patience) {
      break;
    }
  }
  if (!best_state.empty() && result.best_epoch != result.epochs)
    ATML_TRY_STATUS(trainer.restore(best_state));
  return result;
}

}  // namespace atml::train
