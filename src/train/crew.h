// Crew: the threads that share the passes of one network. The caller is worker 0; the others wait
// between calls, at first awake (steps of tiny networks last microseconds), then asleep. One user
// at a time.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace atml::train {

class Crew {
 public:
  /// Starts size - 1 threads; size >= 1.
  explicit Crew(int size);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  int size() const { return size_; }

  /// Calls work(worker) for worker 0 .. size - 1 at once and returns when all have ended. Denormal
  /// numbers count as zero in all of them.
  void run(const std::function<void(int)>& work);

  /// Inside run(): returns when all workers have called it. What each wrote before is visible to
  /// all after.
  void barrier();

 private:
  void serve(int worker);
  /// Until `value` differs from `old`; the new value.
  static unsigned wait_for_change(const std::atomic<unsigned>& value, unsigned old);

  int size_;
  std::vector<std::thread> threads_;
  const std::function<void(int)>* work_ = nullptr;
  std::atomic<unsigned> round_{0};  // counts the calls of run()
  std::atomic<unsigned> arrived_{0};
  std::atomic<unsigned> phase_{0};  // counts the barriers
  std::atomic<bool> leaving_{false};
};

}  // namespace atml::train
