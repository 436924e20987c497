// The inner loops of Gaussian processes, eight columns at a time: covariances, a Cholesky factor
// that grows by rows, and its two triangular solves.
//
// Every number is computed by the same operations in the same order whatever it is grouped with and
// whatever vectors the machine has (the file is compiled without contraction to fused operations).
// So a factor that grew row by row equals the one computed at once to the last bit, and a resumed
// study proposes what an uninterrupted one would.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace atml::propose {

inline constexpr std::size_t kLanes = 8;

/// Eight numbers of eight columns.
struct alignas(64) Lanes {
  double v[kLanes] = {};
};

/// Features of a point: first scaled numbers, then words, of which only equality counts.
/// `word_weights` are their squared scales.
struct Metric {
  std::size_t numbers = 0;
  std::vector<double> word_weights;
  std::size_t features() const { return numbers + word_weights.size(); }
};

/// Squared distances r^2 of n points (rows of `points`, a feature each) to eight others (a lane
/// each), turned into covariances s2 (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r). Where `pull` is given
/// it gets s2 5/3 (1 + sqrt5 r) exp(-sqrt5 r), which is minus (dk / dr) / r.
void covariances(const Metric& metric, std::span<const double> points,
                 std::span<const Lanes> others, double s2, std::span<Lanes> k,
                 std::span<Lanes> pull = {});

/// sums_f += sum_i w_i (other_f - point_if), lane by lane, of the numbers.
void add_weighted_offsets(const Metric& metric, std::span<const double> points,
                          std::span<const Lanes> others, std::span<const Lanes> weights,
                          std::span<Lanes> sums);
/// sums_f += sum_i w_i times the share of feature f in r^2, of all features.
void add_weighted_squares(const Metric& metric, std::span<const double> points,
                          std::span<const Lanes> others, std::span<const Lanes> weights,
                          std::span<Lanes> sums);

/// exp of eight numbers, for arguments <= 0: within 2 units in the last place; 0 below -700.
Lanes exp_lanes(const Lanes& x);

/// A lower triangular Cholesky factor L, packed by rows; K = L L^T.
class Factor {
 public:
  std::size_t size() const { return size_; }
  std::span<const double> row(std::size_t i) const {
    return std::span(packed_).subspan(i * (i + 1) / 2, i + 1);
  }
  /// Keeps the first n rows: the factor of the first n points.
  void truncate(std::size_t n);
  /// A copy of the first n rows, with room for `capacity`.
  Factor leading(std::size_t n, std::size_t capacity) const;
  /// Appends `count` <= 8 rows. `k`: their covariances with all size() + count points, one column a
  /// lane, the noise on the diagonal. False, and nothing appended, where a pivot is not positive.
  /// Costs n^2 / 2 a row (a rank-one update of the inverse; Rasmussen and Williams 2006, A.3).
  [[nodiscard]] bool append(std::span<const Lanes> k, std::size_t count);
  /// The same, using `k` as its working memory.
  [[nodiscard]] bool append_in_place(std::span<Lanes> k, std::size_t count);

  /// L^-1 of eight columns in place; fewer than size() rows are those of the leading block: as if
  /// no more points were known. Rows before `first` are known to be 0.
  void forward(std::span<Lanes> columns, std::size_t first = 0) const;
  /// L^-T of eight columns in place. Rows before `first` are left alone (they hold nothing that a
  /// later row needs).
  void backward(std::span<Lanes> columns, std::size_t first = 0) const;

 private:
  std::size_t size_ = 0;
  std::vector<double> packed_;
};

/// sum_i a_i b_i, lane by lane.
Lanes dot(std::span<const Lanes> a, std::span<const Lanes> b);
/// sum_i a_i b_i with one column.
Lanes dot(std::span<const Lanes> a, std::span<const double> b);

}  // namespace atml::propose
