// Flash wait states: how long a core waits for data in flash that its cache does not hold.
#pragma once

#include "target/target.h"

namespace atml::deploy {

/// A line has 32 bytes. Calibrated by published latencies of one engine with the 264,192 bytes of
/// weights of MLPerf Tiny's AD network in flash and copied to RAM (docs/cost-model.md).
struct FlashWait {
  double line_seconds = 0;  // a line that the cache lacks; 0: not known, waits are in the factor
  int cache_bytes = 256;    // of the cache for data read from flash

  /// In cycles of the target's clock.
  double line_cycles(const target::Target& target) const { return line_seconds * target.clock_hz; }
};

/// Of the target's core. A target whose file brings its own [cost] was calibrated as a whole: its
/// factor holds the waits, and line_seconds is 0.
FlashWait flash_wait(const target::Target& target);

}  // namespace atml::deploy
