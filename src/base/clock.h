// Wall time for budgets and time-outs only: no time enters a result.
#pragma once

#include <chrono>

namespace atml {

/// Seconds of the monotonic clock, from an arbitrary start.
inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace atml
