// The stages of one trial, in the order of the design: decode, deploy, train to the next rung,
// quantise, evaluate. Every stage commits what it learnt before the next begins.
#pragma once

#include <memory>
#include <span>

#include "search/context.h"
#include "search/inheritance.h"
#include "study/trial.h"
#include "train/trainer.h"

namespace atml::search {

/// Stateless; one may serve all workers. An Error means that the environment is broken (disk full,
/// no compiler) and the search must stop; every end of a trial is an Outcome in the trial.
class TrialRunner {
 public:
  explicit TrialRunner(const Context& context) : context_(context) {}

  /// Decodes the configuration and asks the oracle, with random live weights. Afterwards the
  /// outcome is kRunning (deployable: it may be trained), kUndeployable, kBuildFailed,
  /// kEmulationFailed, kFailed (the configuration does not decode) or kCancelled.
  Status check(study::Trial& trial, const StopToken& stop) const;

  /// Trains from where the trial was to the end of its next rung and scores the int8 network. Its
  /// first rung begins with the weights of the first of `heritage` that suit, where there is one,
  /// and trial.inherits then names it.
  /// Afterwards the outcome is kMeasured (last rung), kPruned (paused: may be promoted), kDiverged
  /// or kCancelled.
  Status train_rung(study::Trial& trial, const StopToken& stop,
                    std::span<const Donor> heritage = {}) const;

 private:
  Result<std::unique_ptr<train::Trainer>> trainer_of(study::Trial& trial,
                                                     const network::Network& network,
                                                     std::span<const Donor> heritage) const;
  Status keep_checkpoint(const study::Trial& trial, const train::Trainer& trainer) const;

  const Context& context_;
};

/// The constraints and figures of a verdict, as a Trial keeps them.
std::vector<study::Constraint> constraints_of(const deploy::Deployability& verdict,
                                              const target::Limits& limits);
study::Figures figures_of(const deploy::Deployability& verdict, Macs macs, std::int64_t parameters);

}  // namespace atml::search
