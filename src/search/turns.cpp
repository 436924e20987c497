#include "search/turns.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace atml::search {

bool Turns::first(int worker) const {
  const auto best = std::ranges::min_element(clocks_);  // the lowest index among equals
  return best - clocks_.begin() == worker;
}

std::unique_lock<std::mutex> Turns::wait(int worker) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return first(worker); });
  return lock;
}

void Turns::advance(int worker, double cost) {
  clocks_[static_cast<std::size_t>(worker)] += cost;
  busy_[static_cast<std::size_t>(worker)] = true;
  changed_.notify_all();
}

bool Turns::wait_for_others(int worker) {
  double next = std::numeric_limits<double>::infinity();
  for (std::size_t w = 0; w < clocks_.size(); ++w) {
    if (static_cast<int>(w) != worker && busy_[w]) next = std::min(next, clocks_[w]);
  }
  busy_[static_cast<std::size_t>(worker)] = false;
  if (next == std::numeric_limits<double>::infinity()) return false;
  clocks_[static_cast<std::size_t>(worker)] =
      std::nextafter(next, std::numeric_limits<double>::infinity());
  changed_.notify_all();
  return true;
}

void Turns::retire(int worker) {
  clocks_[static_cast<std::size_t>(worker)] = std::numeric_limits<double>::infinity();
  busy_[static_cast<std::size_t>(worker)] = false;
  changed_.notify_all();
}

}  // namespace atml::search
