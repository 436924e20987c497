#include "study/trial.h"

#include "base/assert.h"

namespace atml::study {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kRunning:
      return "running";
    case Outcome::kMeasured:
      return "measured";
    case Outcome::kUndeployable:
      return "undeployable";
    case Outcome::kDiverged:
      return "diverged";
    case Outcome::kBuildFailed:
      return "build failed";
    case Outcome::kEmulationFailed:
      return "emulation failed";
    case Outcome::kPruned:
      return "pruned";
    case Outcome::kCancelled:
      return "cancelled";
    case Outcome::kFailed:
      return "failed";
  }
  ATML_UNREACHABLE("outcome " + std::to_string(static_cast<int>(outcome)));
}

}  // namespace atml::study
