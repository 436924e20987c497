#include "propose/models/ascend.h"

#include <algorithm>
#include <cmath>
#include <deque>

namespace atml::propose {
namespace {

using Numbers = std::vector<double>;

constexpr std::size_t kRemembered = 6;
constexpr double kFirstMove = 0.1;  // of the box, of the steepest number
constexpr double kArmijo = 1e-4;
constexpr int kBacktracks = 6;

double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

class Search {
 public:
  explicit Search(Ascent& at) : at_(at), trial_(at.position) {}

  bool done() const { return done_; }
  const Numbers& trial() const { return trial_; }

  /// What the function says at trial().
  void tell(double value, std::span<const double> slope, double tolerance) {
    if (!started_) return start(value, slope);
    Numbers move(trial_.size());
    for (std::size_t i = 0; i < move.size(); ++i) move[i] = trial_[i] - at_.position[i];
    const double expected = dot(slope_, move);
    if (!(value >= at_.value + kArmijo * expected)) return shorten(value, expected);
    remember(move, slope);
    const double gain = value - at_.value;
    at_.position = trial_;
    at_.value = value;
    slope_.assign(slope.begin(), slope.end());
    small_ = gain < tolerance ? small_ + 1 : 0;
    if (small_ == 2) done_ = true;
    aim();
  }

 private:
  struct Pair {
    Numbers s, y;
    double rho;
  };

  void start(double value, std::span<const double> slope) {
    started_ = true;
    at_.value = value;
    slope_.assign(slope.begin(), slope.end());
    done_ = !std::isfinite(value);
    if (!done_) aim();
  }

  bool held(std::size_t i, double direction) const {
    return !at_.free[i] || (at_.position[i] <= 0 && direction < 0) ||
           (at_.position[i] >= 1 && direction > 0);
  }

  void remember(const Numbers& move, std::span<const double> slope) {
    Numbers y(move.size());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = slope_[i] - slope[i];  // of the negative
    const double curvature = dot(move, y);
    if (!(curvature > 1e-12)) return;
    pairs_.push_back({move, y, 1 / curvature});
    if (pairs_.size() > kRemembered) pairs_.pop_front();
  }

  // The next direction (two-loop recursion over the numbers that no bound holds) and its first
  // step.
  void aim() {
    Numbers steepest = slope_;
    for (std::size_t i = 0; i < steepest.size(); ++i) {
      if (!std::isfinite(steepest[i]) || held(i, steepest[i])) steepest[i] = 0;
    }
    Numbers direction = steepest;
    std::vector<double> part(pairs_.size());
    for (std::size_t k = pairs_.size(); k-- > 0;) {
      part[k] = pairs_[k].rho * dot(pairs_[k].s, direction);
      for (std::size_t i = 0; i < direction.size(); ++i) direction[i] -= part[k] * pairs_[k].y[i];
    }
    if (!pairs_.empty()) {
      const double shrink = 1 / (pairs_.back().rho * dot(pairs_.back().y, pairs_.back().y));
      for (double& v : direction) v *= shrink;
    }
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      const double back = part[k] - pairs_[k].rho * dot(pairs_[k].y, direction);
      for (std::size_t i = 0; i < direction.size(); ++i) direction[i] += back * pairs_[k].s[i];
    }
    for (std::size_t i = 0; i < direction.size(); ++i) {
      if (steepest[i] == 0) direction[i] = 0;
    }
    step_ = 1;
    if (pairs_.empty() || !(dot(direction, steepest) > 0)) {
      pairs_.clear();
      direction = steepest;
      double largest = 0;
      for (const double v : direction) largest = std::max(largest, std::abs(v));
      if (!(largest > 1e-12)) done_ = true;
      step_ = kFirstMove / largest;
    }
    direction_ = std::move(direction);
    backtracks_ = 0;
    place();
  }

  void place() {
    if (done_) return;
    for (std::size_t i = 0; i < trial_.size(); ++i)
      trial_[i] = at_.free[i] ? std::clamp(at_.position[i] + step_ * direction_[i], 0.0, 1.0)
                              : at_.position[i];
    if (trial_ == at_.position) done_ = true;
  }

  // A parabola through the values at both ends and the slope at the start.
  void shorten(double value, double expected) {
    if (++backtracks_ > kBacktracks) {
      done_ = true;
      return;
    }
    double shrink = 0.25;
    if (std::isfinite(value))
      shrink = std::clamp(0.5 * expected / (expected - (value - at_.value)), 0.1, 0.5);
    step_ *= shrink;
    place();
  }

  Ascent& at_;
  Numbers trial_, slope_, direction_;
  std::deque<Pair> pairs_;
  double step_ = 1;
  int backtracks_ = 0, small_ = 0;
  bool started_ = false, done_ = false;
};

}  // namespace

void ascend(const ManySlopes& function, std::span<Ascent> searches, int evaluations,
            double tolerance) {
  std::vector<Search> running;
  for (Ascent& a : searches) running.emplace_back(a);
  for (int k = 0; k < evaluations; ++k) {
    std::vector<Search*> asked;
    Numbers points;
    for (Search& s : running) {
      if (s.done()) continue;
      asked.push_back(&s);
      points.insert(points.end(), s.trial().begin(), s.trial().end());
    }
    if (asked.empty()) return;
    const std::size_t d = points.size() / asked.size();
    Numbers slopes(points.size());
    const Numbers values = function(points, slopes);
    for (std::size_t i = 0; i < asked.size(); ++i)
      asked[i]->tell(values[i], std::span(slopes).subspan(i * d, d), tolerance);
  }
}

}  // namespace atml::propose
