#include "train/crew.h"

#include "train/denormals.h"

namespace atml::train {
namespace {

// About 20 us of looking before a worker sleeps: longer than the share of a step that another
// worker may be late by, short where a core is taken by another program.
constexpr int kLooks = 4000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Crew::Crew(int size) : size_(size) {
  for (int worker = 1; worker < size; ++worker)
    threads_.emplace_back([this, worker] { serve(worker); });
}

Crew::~Crew() {
  leaving_ = true;
  round_.fetch_add(1);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

unsigned Crew::wait_for_change(const std::atomic<unsigned>& value, unsigned old) {
  for (int i = 0; i < kLooks; ++i) {
    const unsigned now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

void Crew::run(const std::function<void(int)>& work) {
  const FlushDenormals flush;
  if (size_ == 1) return work(0);
  work_ = &work;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  work(0);
  barrier();  // the others have ended too
}

void Crew::serve(int worker) {
  const FlushDenormals flush;
  unsigned seen = 0;
  while (true) {
    seen = wait_for_change(round_, seen);
    if (leaving_) return;
    (*work_)(worker);
    barrier();
  }
}

void Crew::barrier() {
  if (size_ == 1) return;
  const unsigned phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<unsigned>(size_)) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.fetch_add(1, std::memory_order_release);
    phase_.notify_all();
    return;
  }
  wait_for_change(phase_, phase);
}

}  // namespace atml::train
