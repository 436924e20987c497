// How long a battery lasts: the energy of each inference plus sleep between them.
#pragma once

#include "base/result.h"
#include "deploy/deployability.h"

namespace atml::deploy {

struct Battery {
  double milliamp_hours = 0;  // usable capacity
  double volts = 3.0;
};

struct Endurance {
  double days = 0;
  double active_share = 0;  // of the energy: inferences; the rest is sleep
  bool sleep_known =
      false;  // false: the part has no sleep figure, the days count the active time alone
};

/// Days with `per_second` inferences a second, sleeping between them. Fails where the verdict has
/// no energy (the part has no current figure) or the part cannot keep up with the rate.
/// Self-discharge, regulator losses and everything beside the microcontroller are not counted.
Result<Endurance> endurance(const Deployability& verdict, const target::Target& target,
                            double per_second, const Battery& battery);

}  // namespace atml::deploy
