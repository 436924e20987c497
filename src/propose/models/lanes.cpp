#include "propose/models/lanes.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/assert.h"

// Two versions of a loop, the wider being taken, where the processor has it, when the program
// starts. Sanitizers come before the resolvers could run.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ATML_WIDE __attribute__((target_clones("default", "avx2")))
#else
#define ATML_WIDE
#endif

namespace atml::propose {
namespace {

using Half = double __attribute__((vector_size(32)));
using Integers = std::int64_t __attribute__((vector_size(32)));

constexpr double kSqrt5 = 2.23606797749978969641;

#define ATML_INLINE [[gnu::always_inline]] inline

// Two vectors of four: what AVX2 holds in one register each.
struct Vector {
  Half a, b;
};
ATML_INLINE Half half(double x) { return x - Half{}; }
ATML_INLINE Vector vector(double x) { return {half(x), half(x)}; }
ATML_INLINE Vector operator+(Vector x, Vector y) { return {x.a + y.a, x.b + y.b}; }
ATML_INLINE Vector operator-(Vector x, Vector y) { return {x.a - y.a, x.b - y.b}; }
ATML_INLINE Vector operator*(Vector x, Vector y) { return {x.a * y.a, x.b * y.b}; }
ATML_INLINE Vector operator/(Vector x, Vector y) { return {x.a / y.a, x.b / y.b}; }
// With one number for all lanes.
ATML_INLINE Vector operator*(double x, Vector y) { return {x * y.a, x * y.b}; }
ATML_INLINE Vector operator-(Vector x, double y) { return {x.a - y, x.b - y}; }
ATML_INLINE Vector operator/(Vector x, double y) { return {x.a / y, x.b / y}; }
ATML_INLINE Vector load(const Lanes& from) {
  Vector v;
  std::memcpy(&v.a, from.v, sizeof v.a);
  std::memcpy(&v.b, from.v + 4, sizeof v.b);
  return v;
}
ATML_INLINE void store(const Vector& from, Lanes& to) {
  std::memcpy(to.v, &from.a, sizeof from.a);
  std::memcpy(to.v + 4, &from.b, sizeof from.b);
}

// exp(x) = 2^n exp(r), |r| <= ln2 / 2, by the Taylor series of degree 13 (its rest is below 1e-17).
ATML_INLINE Half exponential(Half argument) {
  constexpr double kLog2e = 1.44269504088896340736;
  constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to whole numbers
  constexpr double kCoefficients[] = {1.0 / 6227020800,
                                      1.0 / 479001600,
                                      1.0 / 39916800,
                                      1.0 / 3628800,
                                      1.0 / 362880,
                                      1.0 / 40320,
                                      1.0 / 5040,
                                      1.0 / 720,
                                      1.0 / 120,
                                      1.0 / 24,
                                      1.0 / 6,
                                      0.5,
                                      1.0,
                                      1.0};
  const Half lowest = half(-700.0);
  const Half x = argument < lowest ? lowest : argument;
  const Half shifted = x * half(kLog2e) + half(kRound);
  const Half n = shifted - half(kRound);
  const Half r = (x - n * half(kLn2High)) - n * half(kLn2Low);
  Half p = half(kCoefficients[0]);
  for (std::size_t i = 1; i < std::size(kCoefficients); ++i) p = p * r + half(kCoefficients[i]);
  const Integers power = (Integers)shifted << 52;  // the low bits of `shifted` are n
  const Half result = (Half)((Integers)p + power);
  return argument < lowest ? half(0.0) : result;
}
ATML_INLINE Vector exponential(Vector x) { return {exponential(x.a), exponential(x.b)}; }

ATML_INLINE Vector square_root(const Vector& x) {
  Lanes at;
  store(x, at);
  for (std::size_t l = 0; l < kLanes; ++l) at.v[l] = std::sqrt(at.v[l]);
  return load(at);
}

// rows i .. i + R - 1 of the forward substitution, R columns of accumulators in registers.
template <std::size_t R>
ATML_INLINE void forward_rows(const double* packed, std::size_t first, std::size_t i,
                              Lanes* columns) {
  const double* row[R];
  Vector sum[R];
  for (std::size_t r = 0; r < R; ++r) {
    row[r] = packed + (i + r) * (i + r + 1) / 2;
    sum[r] = load(columns[i + r]);
  }
  for (std::size_t j = first; j < i; ++j) {
    const Vector v = load(columns[j]);
    for (std::size_t r = 0; r < R; ++r) sum[r] = sum[r] - row[r][j] * v;
  }
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t c = 0; c < r; ++c) sum[r] = sum[r] - row[r][i + c] * sum[c];
    sum[r] = sum[r] / row[r][i + r];
    store(sum[r], columns[i + r]);
  }
}

ATML_WIDE void forward_all(const double* packed, std::size_t first, std::size_t n, Lanes* columns) {
  std::size_t i = first;
  for (; i + 4 <= n; i += 4) forward_rows<4>(packed, first, i, columns);
  for (; i < n; ++i) forward_rows<1>(packed, first, i, columns);
}

// Rows i .. i + R - 1 of the backward substitution; then what they mean for the rows before.
template <std::size_t R>
ATML_INLINE void backward_rows(const double* packed, std::size_t i, std::size_t first,
                               Lanes* columns) {
  const double* row[R];
  Vector b[R];
  for (std::size_t r = 0; r < R; ++r) {
    row[r] = packed + (i + r) * (i + r + 1) / 2;
    b[r] = load(columns[i + r]);
  }
  for (std::size_t r = R; r-- > 0;) {
    for (std::size_t c = R; c-- > r + 1;) b[r] = b[r] - row[c][i + r] * b[c];
    b[r] = b[r] / row[r][i + r];
    store(b[r], columns[i + r]);
  }
  for (std::size_t j = first; j < i; ++j) {
    Vector v = load(columns[j]);
    for (std::size_t r = R; r-- > 0;) v = v - row[r][j] * b[r];
    store(v, columns[j]);
  }
}

ATML_WIDE void backward_all(const double* packed, std::size_t n, std::size_t first,
                            Lanes* columns) {
  std::size_t i = n;
  while (i >= first + 4) {
    i -= 4;
    backward_rows<4>(packed, i, first, columns);
  }
  while (i > first) {
    --i;
    backward_rows<1>(packed, i, first, columns);
  }
}

// `weight` where x and y differ, else 0.
ATML_INLINE Half differing(Half x, double y, double weight) {
  const Integers differ = (x - y) != Half{};
  return (Half)(differ & (Integers)half(weight));
}
ATML_INLINE Vector differing(Vector x, double y, double weight) {
  return {differing(x.a, y, weight), differing(x.b, y, weight)};
}

ATML_WIDE void covariances_all(const double* points, std::size_t n, std::size_t numbers,
                               const double* word_weights, std::size_t words, const Lanes* others,
                               double s2, Lanes* k, Lanes* pull) {
  for (std::size_t i = 0; i < n; ++i, points += numbers + words) {
    Vector square = vector(0);
    for (std::size_t f = 0; f < numbers; ++f) {
      const Vector off = load(others[f]) - points[f];
      square = square + off * off;
    }
    for (std::size_t f = 0; f < words; ++f)
      square = square + differing(load(others[numbers + f]), points[numbers + f], word_weights[f]);
    const Vector r = kSqrt5 * square_root(square);
    const Vector decay = s2 * exponential(vector(0) - r);
    const Vector line = vector(1) + r;
    store((line + (5.0 / 3) * square) * decay, k[i]);
    if (pull != nullptr) store((5.0 / 3) * line * decay, pull[i]);
  }
}

ATML_WIDE void weigh_offsets(const double* points, std::size_t n, std::size_t numbers,
                             std::size_t stride, const Lanes* others, const Lanes* weights,
                             Lanes* sums) {
  for (std::size_t f = 0; f < numbers; ++f) {
    Vector sum = load(sums[f]);
    const Vector other = load(others[f]);
    for (std::size_t i = 0; i < n; ++i)
      sum = sum + load(weights[i]) * (other - points[i * stride + f]);
    store(sum, sums[f]);
  }
}

ATML_WIDE void weigh_squares(const double* points, std::size_t n, std::size_t numbers,
                             const double* word_weights, std::size_t words, const Lanes* others,
                             const Lanes* weights, Lanes* sums) {
  const std::size_t stride = numbers + words;
  for (std::size_t f = 0; f < stride; ++f) {
    Vector sum = load(sums[f]);
    const Vector other = load(others[f]);
    for (std::size_t i = 0; i < n; ++i) {
      const double point = points[i * stride + f];
      const Vector off = other - point;
      const Vector share =
          f < numbers ? off * off : differing(other, point, word_weights[f - numbers]);
      sum = sum + load(weights[i]) * share;
    }
    store(sum, sums[f]);
  }
}

ATML_WIDE void exponential_one(const Lanes* x, Lanes* result) {
  store(exponential(load(*x)), *result);
}

ATML_WIDE void dot_lanes(const Lanes* a, const Lanes* b, std::size_t n, Lanes* result) {
  Vector sum = vector(0);
  for (std::size_t i = 0; i < n; ++i) sum = sum + load(a[i]) * load(b[i]);
  store(sum, *result);
}

ATML_WIDE void dot_column(const Lanes* a, const double* b, std::size_t n, Lanes* result) {
  Vector sum = vector(0);
  for (std::size_t i = 0; i < n; ++i) sum = sum + b[i] * load(a[i]);
  store(sum, *result);
}

// The eight new rows among themselves: `solved` holds L^-1 K above them, `own` their covariances
// with each other. As forward_rows would, were they there already.
ATML_WIDE bool factor_own(const Lanes* solved, std::size_t n, std::size_t count, Lanes* own) {
  for (std::size_t b = 0; b < count; ++b) {
    Vector sum = load(own[b]);
    for (std::size_t j = 0; j < n; ++j) sum = sum - solved[j].v[b] * load(solved[j]);
    for (std::size_t c = 0; c < b; ++c) sum = sum - own[c].v[b] * load(own[c]);
    store(sum, own[b]);
    const double square = own[b].v[b];
    if (!(square > 0)) return false;
    const double pivot = std::sqrt(square);
    store(sum / pivot, own[b]);
    own[b].v[b] = pivot;
  }
  return true;
}

}  // namespace

void covariances(const Metric& metric, std::span<const double> points,
                 std::span<const Lanes> others, double s2, std::span<Lanes> k,
                 std::span<Lanes> pull) {
  ATML_ASSERT(points.size() == k.size() * others.size() && others.size() == metric.features(),
              "shapes of points, others and k");
  covariances_all(points.data(), k.size(), metric.numbers, metric.word_weights.data(),
                  metric.word_weights.size(), others.data(), s2, k.data(),
                  pull.empty() ? nullptr : pull.data());
}

void add_weighted_offsets(const Metric& metric, std::span<const double> points,
                          std::span<const Lanes> others, std::span<const Lanes> weights,
                          std::span<Lanes> sums) {
  weigh_offsets(points.data(), weights.size(), metric.numbers, metric.features(), others.data(),
                weights.data(), sums.data());
}

void add_weighted_squares(const Metric& metric, std::span<const double> points,
                          std::span<const Lanes> others, std::span<const Lanes> weights,
                          std::span<Lanes> sums) {
  weigh_squares(points.data(), weights.size(), metric.numbers, metric.word_weights.data(),
                metric.word_weights.size(), others.data(), weights.data(), sums.data());
}

Lanes exp_lanes(const Lanes& x) {
  Lanes result;
  exponential_one(&x, &result);
  return result;
}

void Factor::truncate(std::size_t n) {
  if (n >= size_) return;
  size_ = n;
  packed_.resize(n * (n + 1) / 2);
}

bool Factor::append(std::span<const Lanes> k, std::size_t count) {
  ATML_ASSERT(count <= kLanes && k.size() == size_ + count, "rows of a factor");
  std::vector<Lanes> columns(k.begin(), k.end());
  forward_all(packed_.data(), 0, size_, columns.data());
  Lanes* own = columns.data() + size_;
  if (!factor_own(columns.data(), size_, count, own)) return false;
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
  forward_all(packed_.data(), first, columns.size(), columns.data());
}

void Factor::backward(std::span<Lanes> columns, std::size_t first) const {
  ATML_ASSERT(columns.size() <= size_, "columns of a factor");
  backward_all(packed_.data(), columns.size(), first, columns.data());
}

Lanes dot(std::span<const Lanes> a, std::span<const Lanes> b) {
  Lanes result;
  dot_lanes(a.data(), b.data(), a.size(), &result);
  return result;
}

Lanes dot(std::span<const Lanes> a, std::span<const double> b) {
  Lanes result;
  dot_column(a.data(), b.data(), a.size(), &result);
  return result;
}

}  // namespace atml::propose
