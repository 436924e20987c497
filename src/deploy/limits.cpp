#include "deploy/limits.h"

#include <fmt/format.h>

namespace atml::deploy {
namespace {

// The excess in bytes too: "0.1 KiB too much" would hide how little has to go.
Violation bytes_violation(Limit limit, Bytes used, Bytes allowed) {
  const Bytes excess = used - allowed;
  return {limit, static_cast<double>(used.value), static_cast<double>(allowed.value),
          fmt::format("{}: {} used, {} allowed, {} bytes too much", to_string(limit), to_text(used),
                      to_text(allowed), with_thousands(excess.value))};
}

template <class Unit>
Violation violation(Limit limit, Unit used, Unit allowed) {
  return {limit, used.value, allowed.value,
          fmt::format("{}: {} used, {} allowed, {} too much", to_string(limit), to_text(used),
                      to_text(allowed), to_text(used - allowed))};
}

}  // namespace

std::vector<Violation> find_violations(const Deployability& d, const target::Limits& limits) {
  std::vector<Violation> found;
  if (d.flash > limits.usable_flash()) {
    found.push_back(bytes_violation(Limit::kFlash, d.flash, limits.usable_flash()));
  }
  if (d.ram > limits.usable_ram()) {
    found.push_back(bytes_violation(Limit::kRam, d.ram, limits.usable_ram()));
  }
  if (limits.latency && d.latency > *limits.latency) {
    found.push_back(violation(Limit::kLatency, d.latency, *limits.latency));
  }
  if (limits.energy && d.energy > *limits.energy) {
    found.push_back(violation(Limit::kEnergy, d.energy, *limits.energy));
  }
  return found;
}

}  // namespace atml::deploy
