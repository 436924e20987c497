// Turns: makes a parallel search deterministic. Workers decide (propose, promote) in the order of
// virtual clocks, which advance by planned costs, not by wall time; so the same seed and number of
// workers give the same decisions however the machine schedules the threads.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

namespace atml::search {

/// One clock per worker. A worker takes its turn when its clock is the smallest (ties: the lower
/// index); while it works, its clock already stands at the planned end of that work. What a worker
/// did becomes visible to others at its next turn, which is the planned end: never earlier, never
/// later.
class Turns {
 public:
  explicit Turns(int workers)
      : clocks_(static_cast<std::size_t>(workers), 0.0),
        busy_(static_cast<std::size_t>(workers), true) {}

  /// Blocks until it is this worker's turn; the turn is held until the returned lock is released.
  std::unique_lock<std::mutex> wait(int worker);
  /// While holding the turn: plans `cost` virtual seconds of work.
  void advance(int worker, double cost);
  /// While holding the turn, with nothing to do: lets the clock pass the next end of another
  /// worker's work, which may bring something to do. False when no other worker has work either.
  bool wait_for_others(int worker);
  /// While holding the turn: this worker takes no more turns.
  void retire(int worker);

 private:
  bool first(int worker) const;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<double> clocks_;
  std::vector<bool> busy_;  // false: waits for others, or has retired
};

}  // namespace atml::search
