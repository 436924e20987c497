#include "search/trial_runner.h"

#include <fmt/format.h>

#include "exchange/tflite.h"
#include "quantize/evaluate.h"
#include "quantize/quantize.h"
#include "search/promotion.h"
#include "search/training.h"
#include "space/decode.h"

namespace atml::search {
namespace {

using study::Outcome;

void end(study::Trial& trial, Outcome outcome, std::string reason) {
  trial.outcome = outcome;
  trial.reason = std::move(reason);
}

std::string violations_text(const deploy::Deployability& verdict) {
  std::string text;
  for (const deploy::Violation& v : verdict.violations) text += (text.empty() ? "" : "; ") + v.text;
  return text;
}

void record_verdict(study::Trial& trial, const deploy::Deployability& verdict,
                    const network::Network& network, const target::Limits& limits) {
  if (!verdict.computable) {
    const bool linked = verdict.flash.value > 0;
    end(trial, linked ? Outcome::kEmulationFailed : Outcome::kBuildFailed, verdict.reason);
    return;
  }
  trial.figures = figures_of(verdict, network.macs(), network.parameters());
  trial.constraints = constraints_of(verdict, limits);
  if (!verdict.deployable()) end(trial, Outcome::kUndeployable, violations_text(verdict));
}

/// A trial whose training was cut off: what it has stays, Ctrl-C leaves it to `resume`.
void record_cut(study::Trial& trial, const StopToken& stop) {
  if (stop.interrupted()) {
    end(trial, Outcome::kCancelled, "interrupted; resume goes on with it");
  } else if (trial.rungs.empty()) {
    end(trial, Outcome::kCancelled, "the budget ended before its first rung");
  } else {
    end(trial, Outcome::kPruned, "the budget ended before its next rung");
  }
}

}  // namespace

std::vector<study::Constraint> constraints_of(const deploy::Deployability& verdict,
                                              const target::Limits& limits) {
  std::vector<study::Constraint> constraints{{"flash", static_cast<double>(verdict.flash.value),
                                              static_cast<double>(limits.usable_flash().value)},
                                             {"ram", static_cast<double>(verdict.ram.value),
                                              static_cast<double>(limits.usable_ram().value)}};
  if (limits.latency && verdict.latency.value > 0)
    constraints.push_back({"latency", verdict.latency.value, limits.latency->value});
  if (limits.energy && verdict.energy.value > 0)
    constraints.push_back({"energy", verdict.energy.value, limits.energy->value});
  return constraints;
}

study::Figures figures_of(const deploy::Deployability& verdict, Macs macs,
                          std::int64_t parameters) {
  study::Figures f;
  f.flash_bytes = verdict.flash.value;
  f.ram_bytes = verdict.ram.value;
  f.arena_bytes = verdict.arena.value;
  f.stack_bytes = verdict.stack.value;
  f.instructions = verdict.instructions.value;
  f.cycles_low = verdict.cycles.low.value;
  f.cycles_mid = verdict.cycles.mid.value;
  f.cycles_high = verdict.cycles.high.value;
  f.latency_s = verdict.latency.value;
  f.energy_j = verdict.energy.value;
  f.macs = macs.value;
  f.parameters = parameters;
  f.origin = verdict.origin;
  return f;
}

Status TrialRunner::check(study::Trial& trial, const StopToken& stop) const {
  const auto network =
      space::decode(trial.configuration, context_.dataset.shape, context_.dataset.outputs());
  if (!network.ok()) {
    end(trial, Outcome::kFailed, network.error().message);
    return context_.store->update_trial(trial);
  }
  const double start = now_seconds();
  quantize::Int8Model model = quantize::random_model(*network, context_.settings.seed);
  model.rounding = context_.rounding();
  const auto verdict = context_.oracle->check(model, context_.target, context_.limits, stop);
  if (!verdict.ok() && verdict.error().code == Code::kCancelled) {
    record_cut(trial, stop);
    return context_.store->update_trial(trial);
  }
  if (!verdict.ok()) return verdict.error();
  trial.seconds.deploy += now_seconds() - start;
  record_verdict(trial, *verdict, *network, context_.limits);
  return context_.store->update_trial(trial);
}

Result<std::unique_ptr<train::Trainer>> TrialRunner::trainer_of(
    study::Trial& trial, const network::Network& network, std::span<const Donor> heritage) const {
  const train::Settings settings = trial_settings(context_, trial);
  if (trial.rungs.empty()) {
    ATML_TRY(const auto start, inherited_start(context_, network, heritage, settings.seed));
    trial.inherits = start ? std::optional(start->trial) : std::nullopt;
    if (start)
      return train::Trainer::create_from(network, context_.dataset, settings, start->weights);
  }
  ATML_TRY(auto trainer, train::Trainer::create(network, context_.dataset, settings));
  if (trial.rungs.empty()) return trainer;
  ATML_TRY(const auto checkpoint, context_.store->get_blob(trial.number, "checkpoint"));
  if (!checkpoint)
    return Error{Code::kNotFound, fmt::format("trial {}: its checkpoint is missing", trial.number)};
  ATML_TRY_STATUS(trainer->restore(*checkpoint));
  return trainer;
}

/// Before the trial says "rung done": it must be able to go on.
Status TrialRunner::keep_checkpoint(const study::Trial& trial,
                                    const train::Trainer& trainer) const {
  const std::string state = trainer.checkpoint();
  if (context_.settings.inherit || context_.settings.distil)
    ATML_TRY_STATUS(context_.store->put_blob(trial.number,
                                             rung_checkpoint_kind(trial.rungs.size() - 1), state));
  if (trial.outcome == Outcome::kMeasured) return {};
  return context_.store->put_blob(trial.number, "checkpoint", state);
}

Status TrialRunner::train_rung(study::Trial& trial, const StopToken& stop,
                               std::span<const Donor> heritage) const {
  ATML_TRY(const network::Network network,
           space::decode(trial.configuration, context_.dataset.shape, context_.dataset.outputs()));
  ATML_TRY(const auto trainer, trainer_of(trial, network, heritage));
  const int goal = context_.plan.rungs[trial.rungs.size()];
  const double start = now_seconds();
  const TrainedTo trained = train_to(*trainer, goal, stop);
  trial.seconds.train += now_seconds() - start;
  if (trained.end == train::TrainEnd::kDiverged) {
    end(trial, Outcome::kDiverged,
        fmt::format("the loss exploded in epoch {}", trainer->epochs_done() + 1));
    return context_.store->update_trial(trial);
  }
  if (trained.end == train::TrainEnd::kStopped) {
    record_cut(trial, stop);
    return context_.store->update_trial(trial);
  }

  const double quantize_start = now_seconds();
  ATML_TRY(const Scored scored,
           quantize_and_score(context_, *trainer, network, trial_settings(context_, trial).seed));
  trial.seconds.quantize += now_seconds() - quantize_start;
  trial.rungs.push_back({goal, trainer->evaluate(context_.dataset.validation).metric,
                         scored.objective, trained.loss, now_seconds() - start});
  trial.objective = scored.objective;
  const bool last = trial.rungs.size() == context_.plan.rungs.size();
  end(trial, last ? Outcome::kMeasured : Outcome::kPruned,
      last ? "" : pause_reason(trial, context_.plan));
  ATML_TRY_STATUS(keep_checkpoint(trial, *trainer));
  ATML_TRY_STATUS(context_.store->update_trial(trial));
  // Only now: a process that is killed before must find what it went on from.
  return last ? context_.store->delete_blob(trial.number, "checkpoint") : Status();
}

}  // namespace atml::search
