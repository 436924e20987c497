// StopToken: how Ctrl-C and budgets reach long stages. Stages ask often and return kCancelled.
#pragma once

#include <atomic>
#include <memory>

#include "base/clock.h"

namespace atml {

/// Copyable, thread safe. A default token never stops.
class StopToken {
 public:
  StopToken() = default;
  /// Stops when the flag becomes true (a signal handler may set it) or the deadline passes.
  explicit StopToken(const std::atomic<bool>* flag, double deadline = 1e300)
      : flag_(flag), deadline_(deadline) {}

  /// The same flag with an earlier deadline (seconds of now_seconds()).
  StopToken with_deadline(double deadline) const {
    return StopToken(flag_, deadline < deadline_ ? deadline : deadline_);
  }
  bool interrupted() const { return flag_ != nullptr && flag_->load(std::memory_order_relaxed); }
  bool out_of_time() const { return now_seconds() >= deadline_; }
  bool stop_requested() const { return interrupted() || out_of_time(); }
  double deadline() const { return deadline_; }

 private:
  const std::atomic<bool>* flag_ = nullptr;
  double deadline_ = 1e300;
};

}  // namespace atml
