#include "deploy/battery.h"

#include <fmt/format.h>

namespace atml::deploy {

Result<Endurance> endurance(const Deployability& verdict, const target::Target& target,
                            double per_second, const Battery& battery) {
  ATML_ASSERT(per_second > 0 && battery.milliamp_hours > 0 && battery.volts > 0,
              "endurance needs a rate and a battery");
  if (verdict.energy.value <= 0) {
    return Error{Code::kUnsupported,
                 fmt::format("{} has no run current in its catalogue entry: energy is unknown; add "
                             "microamps_per_mhz to its [power] table",
                             target.name)};
  }
  const double busy = per_second * verdict.latency.value;
  if (busy > 1) {
    return Error{
        Code::kInvalidArgument,
        fmt::format(
            "{} inferences a second of {} each need {:.0f} % of the processor; lower the rate",
            per_second, to_text(verdict.latency), 100 * busy)};
  }
  const double active_watts = per_second * verdict.energy.value;
  const double sleep_watts = (1 - busy) * target.sleep_microamps * 1e-6 * target.volts;
  const double joules = battery.milliamp_hours * 3.6 * battery.volts;
  return Endurance{.days = joules / (active_watts + sleep_watts) / 86400,
                   .active_share = active_watts / (active_watts + sleep_watts),
                   .sleep_known = target.sleep_microamps > 0};
}

}  // namespace atml::deploy
