// Trial: one Configuration and what was learnt of it, stage by stage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "space/configuration.h"
#include "study/explanation.h"

namespace atml::study {

/// How a trial ended. The numbers are stored: do not change them.
enum class Outcome {
  kRunning = 0,
  kMeasured = 1,      // trained, quantised, scored: it has an objective
  kUndeployable = 2,  // measured, and a limit does not hold; never trained
  kDiverged = 3,
  kBuildFailed = 4,      // not computable: generate, compile or link
  kEmulationFailed = 5,  // not computable: fault, runaway, time-out
  kPruned = 6,           // stopped at a rung; its last rung value is kept
  kCancelled = 7,
  kFailed = 8,  // the environment broke; may be tried again
};
std::string_view to_string(Outcome outcome);

/// One limit: its name ("flash", "ram", "latency", "energy"), what was used and what is allowed, in
/// bytes, seconds or joules. margin() > 0 means violated; it is the relative excess.
struct Constraint {
  std::string name;
  double used = 0;
  double allowed = 0;
  double margin() const { return used / allowed - 1; }
};

/// What deployability measured, as numbers (deploy's own type stays in deploy).
struct Figures {
  std::int64_t flash_bytes = 0;
  std::int64_t ram_bytes = 0;
  std::int64_t arena_bytes = 0;
  std::int64_t stack_bytes = 0;
  std::int64_t instructions = 0;
  std::int64_t cycles_low = 0;
  std::int64_t cycles_mid = 0;
  std::int64_t cycles_high = 0;
  double latency_s = 0;
  double energy_j = 0;
  std::int64_t macs = 0;
  std::int64_t parameters = 0;
  std::string origin;
};

struct Rung {
  int epochs = 0;           // trained so far
  double float_metric = 0;  // validation, float network
  double objective = 0;     // validation, int8 network; higher is better
  double train_loss = 0;
  double seconds = 0;  // of this rung alone
};

struct StageSeconds {
  double propose = 0;
  double deploy = 0;
  double train = 0;
  double quantize = 0;
};

struct Trial {
  int number = 0;  // 0, 1, 2, ... in the order of proposal
  space::Configuration configuration;
  std::string why;          // the strategy's explanation of its proposal
  Explanation explanation;  // the same in numbers; its kind is empty where a strategy gave none
  Outcome outcome = Outcome::kRunning;
  std::string reason;                   // of an outcome that is not kMeasured
  std::vector<Constraint> constraints;  // empty until measured; kept also for undeployable trials
  std::optional<Figures> figures;
  std::vector<Rung> rungs;
  std::optional<double> objective;  // int8 validation metric of the last rung; higher is better
  std::optional<int> inherits;      // trial whose weights its training began with; none: random
  StageSeconds seconds;

  bool deployable() const {
    for (const Constraint& c : constraints) {
      if (c.margin() > 0) return false;
    }
    return figures.has_value();
  }
};

}  // namespace atml::study
