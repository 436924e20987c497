// Kernels: the inner loops of the engine, once per instruction set, behind one table of functions.
//
// A vector holds one number of `lanes` samples (the batch lies in the SIMD lanes). Activations are
// [channel][group][y][x][lane], group = batch / lanes, with a halo of zeros round each plane where
// a convolution reads beyond the edge. All pitches and offsets here count floats; all data are
// aligned to the vector. This header and the kernel sources use nothing of the standard library: an
// inline function compiled there with AVX-512 could be picked by the linker for the whole program.
#pragma once

#include <cstddef>
#include <cstdint>

namespace atml::train {

/// Activation fused into batch normalisation, or alone.
enum class Act : int { kNone, kRelu, kRelu6, kHardSwish };

/// groups x rows x cols vectors of one channel.
struct Extent {
  int groups = 1;
  int rows = 1;
  int cols = 1;
};

/// Vector (g, y, x) of a channel lies at data + g * group + y * row + x * lanes.
struct Plane {
  float* data = nullptr;
  std::ptrdiff_t group = 0;
  std::ptrdiff_t row = 0;
};

/// Where one position of an output lies, and where its window starts in the input.
struct Position {
  std::int32_t in = 0;
  std::int32_t out = 0;
};

/// Neighbouring positions at constant steps.
struct Run {
  std::int32_t in = 0;
  std::int32_t out = 0;
  std::int32_t count = 0;
};

/// How the tiles of Gemm are shaped: many positions; few positions and many rows (dense layers); or
/// a single row (depthwise).
enum class TileShape : int { kWide, kTall, kSingle };

/// out[m_offset[m] + position.out] (+)= bias[m] + sum_k a[k][m] * x[k_offset[k] + position.in]
/// for all m in [0, rows) and all positions. `a` is packed by tiles of rows, see pack_rows().
struct Gemm {
  TileShape shape = TileShape::kWide;
  const float* a = nullptr;
  const float* x = nullptr;
  float* out = nullptr;
  const float* bias = nullptr;  // null: none
  const std::int32_t* k_offset = nullptr;
  const std::int32_t* m_offset = nullptr;
  const Position* positions = nullptr;
  int k = 0;
  int rows = 0;
  int position_count = 0;
  const Run* runs = nullptr;  // kSingle: the same positions as runs of these steps (floats)
  int run_count = 0;
  int in_step = 0;
  int out_step = 0;
  bool accumulate = false;
  bool prefetch = false;  // the inputs of the next tile while this one runs
};

/// dw[m * m_stride + k * k_stride] = sum over positions and lanes of
/// dy[m_offset[m] + position.out] * x[k_offset[k] + position.in].
struct Dot {
  const float* dy = nullptr;
  const float* x = nullptr;
  float* dw = nullptr;
  float* scratch = nullptr;  // dot_scratch() floats
  const std::int32_t* k_offset = nullptr;
  const std::int32_t* m_offset = nullptr;
  const Position* positions = nullptr;
  int k = 0;
  int columns = 0;  // k of the whole layer, of which this may be a worker's share
  int rows = 0;
  int position_count = 0;
  std::ptrdiff_t m_stride = 0;
  std::ptrdiff_t k_stride = 0;
};

/// Floats of a panel of Dot for each vector of rows: a block of positions, transposed.
constexpr int kOuterFloats = 2048;
/// Room that Dot wants for `rows` and `k`.
constexpr std::size_t dot_scratch(int rows, int k, int lanes) {
  const std::size_t by_lanes = static_cast<std::size_t>(rows + 4) *
                               static_cast<std::size_t>(k + 9) * static_cast<std::size_t>(lanes);
  const std::size_t outer = 4 * (static_cast<std::size_t>(kOuterFloats) +
                                 static_cast<std::size_t>(k) * static_cast<std::size_t>(lanes));
  return by_lanes > outer ? by_lanes : outer;
}

/// A 3x3 window over one channel at stride 1.
struct Window3 {
  const float* w = nullptr;  // 9 numbers, row by row
  bool flipped = false;      // the window turned by half a turn, as for the data gradient
  float bias = 0;
  bool accumulate = false;
};

/// Backward pass of y = act(scale * x + shift) under batch normalisation:
/// dz = act'(scale * x + shift) * dy, dx (+)= scale * dz + slope * x + offset.
struct NormBackward {
  float scale = 1;
  float shift = 0;
  float mean = 0;
  float slope = 0;
  float offset = 0;
  Act act = Act::kNone;
  bool accumulate = false;
};

/// A pooling window of one channel; sizes of the input and output planes without halo.
struct Pool {
  int groups = 1;
  int in_h = 1, in_w = 1, out_h = 1, out_w = 1;
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_left = 0;
};

struct AdamStep {
  float rate = 0;   // learning rate
  float decay = 0;  // learning rate x weight decay
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float correction1 = 1;  // 1 / (1 - beta1^t)
  float correction2 = 1;
  float epsilon = 1e-8f;
};

struct SgdStep {
  float rate = 0;
  float decay = 0;  // weight decay
  float momentum = 0;
};

struct Kernels {
  const char* name;
  int lanes;
  int wide_rows, tall_rows;  // largest tile of rows of each shape; kSingle: 1

  void (*gemm)(const Gemm&);
  void (*dot)(const Dot&);

  /// y(g, r, c) (+)= bias + sum over i, j < 3 of w[3 i + j] x(g, r + i, c + j).
  void (*window3)(Extent out, Plane x, Plane y, const Window3&);
  /// dw[(3 i + j) * stride] = sum over all positions and lanes of dy(g, r, c) x(g, r + i, c + j).
  void (*window3_weights)(Extent out, Plane x, Plane dy, float* dw, std::ptrdiff_t stride);

  /// Winograd's F(2x2, 3x3), see winograd.cpp. B^T d B of the 4x4 square at x + tiles[t].in, point
  /// p to v + p * point + t vectors; rows of x are `row` apart.
  void (*winograd_in)(const float* x, std::ptrdiff_t row, const Position* tiles, int count,
                      float* v, std::ptrdiff_t point);
  /// The 2x2 square at y + tiles[t].out (+)= A^T m A + bias, point p of m at m + p * point + t
  /// vectors.
  void (*winograd_out)(const float* m, std::ptrdiff_t point, float* y, std::ptrdiff_t row,
                       const Position* tiles, int count, float bias, bool accumulate);

  /// sum and sum of squares of x - shift over all lanes.
  void (*moments)(Extent, Plane x, float shift, double* sum, double* squares);
  /// y = act(scale * x + shift)
  void (*affine)(Extent, Plane x, Plane y, float scale, float shift, Act);
  /// sums of dz and of dz * (x - mean)
  void (*norm_backward_sums)(Extent, Plane x, Plane dy, const NormBackward&, double* sum,
                             double* product);
  void (*norm_backward)(Extent, Plane x, Plane dy, Plane dx, const NormBackward&);
  void (*add)(Extent, Plane a, Plane b, Plane y);
  /// y (+)= factor * x
  void (*scale)(Extent, Plane x, Plane y, float factor, bool accumulate);
  /// y (+)= x / (1 - rate) where kept; which is kept depends on `seed`, the position and the sample
  /// alone.
  void (*dropout)(Extent, Plane x, Plane y, float rate, std::uint32_t seed, bool accumulate);
  /// x = clamp(round(x / scale) + zero, -128, 127) - zero, times scale, in place.
  void (*fake_quantise)(Extent, Plane x, float scale, float zero);
  /// dx = 0 where x lies at an end of the range (it was clipped there).
  void (*fake_quantise_backward)(Extent, Plane x, Plane dx, float scale, float zero);
  void (*max_pool)(const Pool&, Plane x, Plane y);
  void (*max_pool_backward)(const Pool&, Plane x, Plane y, Plane dy, Plane dx);  // dx +=
  void (*average_pool)(const Pool&, Plane x, Plane y);
  void (*average_pool_backward)(const Pool&, Plane dy, Plane dx);  // dx +=
  void (*global_average)(Extent, Plane x, Plane y);
  void (*global_average_backward)(Extent, Plane dy, Plane dx, bool accumulate);
  /// Sets the vectors outside the interior of a plane to zero: `before`/`after` rows and columns.
  void (*clear)(float* data, std::size_t floats);

  /// One group of samples into lanes: y(c, y, x) = (samples[lane][(y * cols + x) * channels + c] -
  /// mean[c]) * gain[c].
  void (*load_lanes)(const float* samples, std::size_t sample_pitch, int rows, int cols,
                     int channels, const float* mean, const float* gain, float* y,
                     std::ptrdiff_t row, std::ptrdiff_t channel);

  void (*adam)(std::size_t n, float* w, const float* g, float* m, float* v, const AdamStep&);
  void (*sgd)(std::size_t n, float* w, const float* g, float* velocity, const SgdStep&);
  /// average += rate * (value - average)
  void (*average)(std::size_t n, float* average, const float* value, float rate);
};

/// Splits `rows` into tiles of nearly equal height, none above `most`, and copies
/// w[m * m_stride + k * k_stride] into a: tile after tile, in each [k][row of the tile].
void pack_rows(const float* w, std::ptrdiff_t m_stride, std::ptrdiff_t k_stride, int rows, int k,
               int most, float* a);

/// The fastest table that this processor runs.
const Kernels& best_kernels();
/// All tables that this processor runs, slowest first: pointers to constants, `count` of them.
const Kernels* const* available_kernels(int* count);

}  // namespace atml::train
