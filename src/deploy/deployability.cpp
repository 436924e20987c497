#include "deploy/deployability.h"

namespace atml::deploy {

std::string_view to_string(Limit limit) {
  switch (limit) {
    case Limit::kFlash:
      return "flash";
    case Limit::kRam:
      return "ram";
    case Limit::kLatency:
      return "latency";
    case Limit::kEnergy:
      return "energy";
  }
  ATML_UNREACHABLE("unknown limit");
}

}  // namespace atml::deploy
