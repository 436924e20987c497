#include "propose/models/lanes.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "propose/models/lanes_loops.h"

namespace atml::propose {
namespace {

const Loops& loops() {
  static const Loops& best = *runnable_loops().front();
  return best;
}

}  // namespace

std::span<const Loops* const> runnable_loops() {
#ifdef __x86_64__
  static const std::array<const Loops*, 3> all = {&lanes_avx512::loops(), &lanes_avx2::loops(),
                                                  &lanes_any::loops()};
  std::size_t first = all.size() - 1;
  if (__builtin_cpu_supports("avx2")) {
    first = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? 0 : 1;
  }
  return std::span(all).subspan(first);
#else
  static const std::array<const Loops*, 1> all = {&lanes_any::loops()};
  return all;
#endif
}

void covariances(const Metric& metric, std::span<const double> points,
                 std::span<const Lanes> others, double s2, std::span<Lanes> k,
                 std::span<Lanes> pull) {
  ATML_ASSERT(points.size() == k.size() * others.size() && others.size() == metric.features(),
              "shapes of points, others and k");
  loops().covariances(points.data(), k.size(), metric.numbers, metric.word_weights.data(),
                      metric.word_weights.size(), others.data(), s2, k.data(),
                      pull.empty() ? nullptr : pull.data());
}

void add_weighted_offsets(const Metric& metric, std::span<const double> points,
                          std::span<const Lanes> others, std::span<const Lanes> weights,
                          std::span<Lanes> sums) {
  loops().weigh_offsets(points.data(), weights.size(), metric.numbers, metric.features(),
                        others.data(), weights.data(), sums.data());
}

void add_weighted_squares(const Metric& metric, std::span<const double> points,
                          std::span<const Lanes> others, std::span<const Lanes> weights,
                          std::span<Lanes> sums) {
  loops().weigh_squares(points.data(), weights.size(), metric.numbers, metric.word_weights.data(),
                        metric.word_weights.size(), others.data(), weights.data(), sums.data());
}

Lanes exp_lanes(const Lanes& x) {
  Lanes result;
  loops().exponential(&x, &result);
  return result;
}

void Factor::truncate(std::size_t n) {
  if (n >= size_) return;
  size_ = n;
  packed_.resize(n * (n + 1) / 2);
}

Factor Factor::leading(std::size_t n, std::size_t capacity) const {
  Factor part;
  part.size_ = std::min(n, size_);
  part.packed_.reserve(capacity * (capacity + 1) / 2);
  part.packed_.assign(packed_.begin(), packed_.begin() + static_cast<std::ptrdiff_t>(
                                                             part.size_ * (part.size_ + 1) / 2));
  return part;
}

bool Factor::append(std::span<const Lanes> k, std::size_t count) {
  std::vector<Lanes> columns(k.begin(), k.end());
  return append_in_place(columns, count);
}

bool Factor::append_in_place(std::span<Lanes> columns, std::size_t count) {
  ATML_ASSERT(count <= kLanes && columns.size() == size_ + count, "rows of a factor");
  loops().forward(packed_.data(), 0, size_, columns.data());
  Lanes* own = columns.data() + size_;
  if (!loops().factor_own(columns.data(), size_, count, own)) return false;
  packed_.resize((size_ + count) * (size_ + count + 1) / 2);
  for (std::size_t r = 0; r < count; ++r) {
    double* row = packed_.data() + (size_ + r) * (size_ + r + 1) / 2;
    for (std::size_t j = 0; j <= size_ + r; ++j) row[j] = columns[j].v[r];
  }
  size_ += count;
  return true;
}

void Factor::forward(std::span<Lanes> columns, std::size_t first) const {
  ATML_ASSERT(columns.size() <= size_, "columns of a factor");
  loops().forward(packed_.data(), first, columns.size(), columns.data());
}

void Factor::backward(std::span<Lanes> columns, std::size_t first) const {
  ATML_ASSERT(columns.size() <= size_, "columns of a factor");
  loops().backward(packed_.data(), columns.size(), first, columns.data());
}

Lanes dot(std::span<const Lanes> a, std::span<const Lanes> b) {
  Lanes result;
  loops().dot_lanes(a.data(), b.data(), a.size(), &result);
  return result;
}

Lanes dot(std::span<const Lanes> a, std::span<const double> b) {
  Lanes result;
  loops().dot_column(a.data(), b.data(), a.size(), &result);
  return result;
}

}  // namespace atml::propose
