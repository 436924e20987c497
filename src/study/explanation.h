// Explanation: why a strategy proposed a trial, as numbers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace atml::study {

/// What a strategy expected of a proposal when it made it. Empty optionals: it had no model.
struct Explanation {
  /// "default", "initial" (of a design), "exploit" (its predicted mean beats the best), "explore"
  /// (only its uncertainty could), "feasibility" (nothing is feasible yet: the best chance to be),
  /// "violation" (likewise: the least predicted violation), "trust region", "front", "forest",
  /// "source", "sampled" (drawn without a model), "fallback" (what was left).
  std::string kind;
  std::string acquisition;  // what was maximised: "expected improvement x feasibility", ...
  std::optional<double> mean, deviation;  // predicted objective
  std::optional<double> best;             // the objective to beat
  std::optional<double> computable;       // probability of an answer
  struct Chance {
    std::string constraint;
    double probability = 0;  // of meeting it
    bool operator==(const Chance&) const = default;
  };
  std::vector<Chance> chances;  // of the measured constraints

  bool operator==(const Explanation&) const = default;
};

/// {"kind", "acquisition", "mean", "deviation", "best", "computable", "feasible": {limit:
/// probability}}; null where there was no model. What is stored and what reports show.
Json to_json(const Explanation& explanation);
Explanation explanation_from(const Json& json);

}  // namespace atml::study
