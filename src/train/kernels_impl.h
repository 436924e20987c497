// The kernels, written once with compiler vectors of ATML_LANES floats. Included by one source per
// instruction set, which defines ATML_LANES, ATML_WIDE_ROWS x ATML_WIDE_COLUMNS and ATML_TALL_ROWS
// x ATML_TALL_COLUMNS (the accumulators of a tile must fit into the registers: 32 of AVX-512, else
// 16), ATML_DOT_ROWS x ATML_DOT_COLUMNS, ATML_WINDOW_ROWS x ATML_WINDOW_COLUMNS (tile of a
// depthwise 3x3 window), ATML_OUTER_VECTORS (of weights in one tile of an outer product; 0: not
// used there) and ATML_KERNELS, the name of the table. Everything here has internal linkage.
#include <utility>  // integer_sequence: a type, no code

#include "train/kernels.h"

namespace atml::train {
namespace {

constexpr int kLanes = ATML_LANES;
typedef float Vec __attribute__((vector_size(4 * ATML_LANES), may_alias));
typedef std::int32_t IntVec __attribute__((vector_size(4 * ATML_LANES), may_alias));
typedef std::uint32_t BitVec __attribute__((vector_size(4 * ATML_LANES), may_alias));

#define ATML_INLINE inline __attribute__((always_inline))
#define ATML_UNROLL _Pragma("GCC unroll 16")

ATML_INLINE Vec load(const float* p) { return *reinterpret_cast<const Vec*>(p); }
ATML_INLINE void store(float* p, Vec v) { *reinterpret_cast<Vec*>(p) = v; }
ATML_INLINE Vec splat(float f) { return f - Vec{}; }
ATML_INLINE Vec select(IntVec mask, Vec yes, Vec no) { return mask ? yes : no; }
ATML_INLINE Vec maximum(Vec a, Vec b) { return a > b ? a : b; }
ATML_INLINE Vec minimum(Vec a, Vec b) { return a < b ? a : b; }

// One step of a transposing sum: lane l of the result is the sum of two lanes, W apart, of `a`
// where l mod 2W < W, else of `b`.
template <int W, int... L>
ATML_INLINE Vec fold(Vec a, Vec b, std::integer_sequence<int, L...>) {
  return __builtin_shufflevector(
             a, b, ((L % (2 * W) < W ? 0 : kLanes) + L / (2 * W) * (2 * W) + L % W)...) +
         __builtin_shufflevector(
             a, b, ((L % (2 * W) < W ? 0 : kLanes) + L / (2 * W) * (2 * W) + L % W + W)...);
}
template <int W>
ATML_INLINE Vec fold(Vec a, Vec b) {
  return fold<W>(a, b, std::make_integer_sequence<int, kLanes>());
}

// Lane i of the result is the sum of the lanes of v[i], i < N; N is a power of two up to the lanes.
template <int N>
ATML_INLINE Vec lane_sums(const Vec* v) {
  Vec part[N];
  ATML_UNROLL for (int i = 0; i < N; ++i) part[i] = v[i];
  if constexpr (N >= 2) {
    ATML_UNROLL for (int i = 0; i < N / 2; ++i) part[i] = fold<1>(part[2 * i], part[2 * i + 1]);
  }
  if constexpr (N >= 4) {
    ATML_UNROLL for (int i = 0; i < N / 4; ++i) part[i] = fold<2>(part[2 * i], part[2 * i + 1]);
  }
  if constexpr (N >= 8) {
    ATML_UNROLL for (int i = 0; i < N / 8; ++i) part[i] = fold<4>(part[2 * i], part[2 * i + 1]);
  }
  if constexpr (N >= 16) part[0] = fold<8>(part[0], part[1]);
  // Lane l holds a share of v[l mod N].
  Vec sum = part[0];
  if constexpr (N <= 1 && kLanes >= 2) sum = fold<1>(sum, sum);
  if constexpr (N <= 2 && kLanes >= 4) sum = fold<2>(sum, sum);
  if constexpr (N <= 4 && kLanes >= 8) sum = fold<4>(sum, sum);
  if constexpr (N <= 8 && kLanes >= 16) sum = fold<8>(sum, sum);
  return sum;
}

ATML_INLINE float lane_sum(Vec v) { return lane_sums<1>(&v)[0]; }

// ---- Gemm
// -----------------------------------------------------------------------------------------

// One tile: MR rows x NR positions in registers. `x` are the NR window starts.
template <int MR, int NR>
ATML_INLINE void gemm_tile(const Gemm& g, const float* a, int row, const Position* positions,
                           int count) {
  const float* x[NR];
  float* out[NR];
  ATML_UNROLL for (int j = 0; j < NR; ++j) {
    // A short last tile repeats its last position: the same numbers are stored more than once.
    const Position p = positions[j < count ? j : count - 1];
    x[j] = g.x + p.in;
    out[j] = g.out + p.out;
  }
  const std::int32_t* m_offset = g.m_offset + row;
  Vec sum[MR][NR];
  if (g.accumulate) {
    ATML_UNROLL for (int i = 0; i < MR; ++i) {
      ATML_UNROLL for (int j = 0; j < NR; ++j) sum[i][j] = load(out[j] + m_offset[i]);
    }
  } else {
    ATML_UNROLL for (int i = 0; i < MR; ++i) {
      const Vec start = splat(g.bias != nullptr ? g.bias[row + i] : 0.0f);
      ATML_UNROLL for (int j = 0; j < NR; ++j) sum[i][j] = start;
    }
  }
  const std::int32_t* k_offset = g.k_offset;
  for (int k = 0; k < g.k; ++k) {
    const std::ptrdiff_t offset = k_offset[k];
    Vec xs[NR];
    ATML_UNROLL for (int j = 0; j < NR; ++j) xs[j] = load(x[j] + offset);
    ATML_UNROLL for (int i = 0; i < MR; ++i) {
      const Vec w = splat(a[i]);
      ATML_UNROLL for (int j = 0; j < NR; ++j) sum[i][j] += w * xs[j];
    }
    a += MR;
  }
  ATML_UNROLL for (int i = 0; i < MR; ++i) {
    ATML_UNROLL for (int j = 0; j < NR; ++j) store(out[j] + m_offset[i], sum[i][j]);
  }
}

template <int NR, int MOST>
ATML_INLINE void gemm_rows(const Gemm& g, int tiles, const Position* positions, int count,
                           const Position* next) {
  const int small = g.rows / tiles;
  const int larger = g.rows - small * tiles;  // so many tiles have one row more
  const float* a = g.a;
  int row = 0;
  for (int t = 0; t < tiles; ++t) {
    const int height = small + (t < larger ? 1 : 0);
    switch (height) {
      case 1:
        gemm_tile<1, NR>(g, a, row, positions, count);
        break;
      case 2:
        if constexpr (MOST >= 2) gemm_tile<2, NR>(g, a, row, positions, count);
        break;
      case 3:
        if constexpr (MOST >= 3) gemm_tile<3, NR>(g, a, row, positions, count);
        break;
      case 4:
        if constexpr (MOST >= 4) gemm_tile<4, NR>(g, a, row, positions, count);
        break;
      case 5:
        if constexpr (MOST >= 5) gemm_tile<5, NR>(g, a, row, positions, count);
        break;
      case 6:
        if constexpr (MOST >= 6) gemm_tile<6, NR>(g, a, row, positions, count);
        break;
      case 7:
        if constexpr (MOST >= 7) gemm_tile<7, NR>(g, a, row, positions, count);
        break;
      default:
        if constexpr (MOST >= 8) gemm_tile<8, NR>(g, a, row, positions, count);
        break;
    }
    a += static_cast<std::ptrdiff_t>(height) * g.k;
    row += height;
    // The inputs of one tile lie in many short pieces, which no hardware prefetcher foresees.
    if (next != nullptr) {
      for (int k = g.k * t / tiles; k < g.k * (t + 1) / tiles; ++k) {
        const float* x = g.x + g.k_offset[k];
        ATML_UNROLL for (int j = 0; j < NR; ++j) __builtin_prefetch(x + next[j].in, 0, 2);
      }
    }
  }
}

template <int NR, int MOST>
void gemm_all(const Gemm& g) {
  const int tiles = (g.rows + MOST - 1) / MOST;
  for (int p = 0; p < g.position_count; p += NR) {
    const int left = g.position_count - p;
    const bool foresee = g.prefetch && left >= 2 * NR;
    gemm_rows<NR, MOST>(g, tiles, g.positions + p, left < NR ? left : NR,
                        foresee ? g.positions + p + NR : nullptr);
  }
}

// NR neighbouring positions of a single row; IN and OUT are the steps in vectors, TAPS the length
// of the sum, 0: at run time. With TAPS the sum has no loop whose end the processor mispredicts.
template <int NR, int IN, int OUT, int TAPS>
ATML_INLINE void single_tile(const Gemm& g, const float* x, float* out) {
  const std::ptrdiff_t in_step = IN > 0 ? IN * kLanes : g.in_step;
  const std::ptrdiff_t out_step = OUT > 0 ? OUT * kLanes : g.out_step;
  Vec sum[NR];
  const Vec start = splat(g.bias != nullptr ? g.bias[0] : 0.0f);
  ATML_UNROLL for (int j = 0; j < NR; ++j) sum[j] = g.accumulate ? load(out + j * out_step) : start;
  const auto add_tap = [&](int k) {
    const float* from = x + g.k_offset[k];
    __asm__(
        ""
        : "+r"(
            from));  // a base register of its own: x86 splits products with indexed memory in two
    const Vec w = splat(g.a[k]);
    ATML_UNROLL for (int j = 0; j < NR; ++j) sum[j] += w * load(from + j * in_step);
  };
  if constexpr (TAPS > 0) {
    ATML_UNROLL for (int k = 0; k < TAPS; ++k) add_tap(k);
  } else {
    for (int k = 0; k < g.k; ++k) add_tap(k);
  }
  ATML_UNROLL for (int j = 0; j < NR; ++j) store(out + j * out_step, sum[j]);
}

template <int IN, int OUT, int TAPS>
void gemm_single(const Gemm& g) {
  const std::ptrdiff_t in_step = IN > 0 ? IN * kLanes : g.in_step;
  const std::ptrdiff_t out_step = OUT > 0 ? OUT * kLanes : g.out_step;
  int count = 0, tiles = 0, narrow = 0,
      wider = 0;  // of the last run: a division takes as long as a tile
  for (int r = 0; r < g.run_count; ++r) {
    const float* x = g.x + g.runs[r].in;
    float* out = g.out + g.m_offset[0] + g.runs[r].out;
    if (g.runs[r].count != count) {
      count = g.runs[r].count;
      tiles = (count + 7) / 8;
      narrow = count / tiles;
      wider = count % tiles;
    }
    for (int t = 0; t < tiles; ++t) {
      const int width = narrow + (t < wider ? 1 : 0);
      switch (width) {
        case 1:
          single_tile<1, IN, OUT, TAPS>(g, x, out);
          break;
        case 2:
          single_tile<2, IN, OUT, TAPS>(g, x, out);
          break;
        case 3:
          single_tile<3, IN, OUT, TAPS>(g, x, out);
          break;
        case 4:
          single_tile<4, IN, OUT, TAPS>(g, x, out);
          break;
        case 5:
          single_tile<5, IN, OUT, TAPS>(g, x, out);
          break;
        case 6:
          single_tile<6, IN, OUT, TAPS>(g, x, out);
          break;
        case 7:
          single_tile<7, IN, OUT, TAPS>(g, x, out);
          break;
        default:
          single_tile<8, IN, OUT, TAPS>(g, x, out);
          break;
      }
      x += width * in_step;
      out += width * out_step;
    }
  }
}

template <int IN, int OUT>
void gemm_single(const Gemm& g) {
  switch (g.k) {
    case 3:
      return gemm_single<IN, OUT, 3>(g);
    case 9:
      return gemm_single<IN, OUT, 9>(g);
    default:
      return gemm_single<IN, OUT, 0>(g);
  }
}

void gemm_single(const Gemm& g) {
  if (g.in_step == kLanes && g.out_step == kLanes) {
    gemm_single<1, 1>(g);
  } else if (g.in_step == 2 * kLanes && g.out_step == kLanes) {
    gemm_single<2, 1>(g);
  } else if (g.in_step == kLanes && g.out_step == 2 * kLanes) {
    gemm_single<1, 2, 0>(g);
  } else {
    gemm_single<0, 0, 0>(g);
  }
}

void gemm(const Gemm& g) {
  switch (g.shape) {
    case TileShape::kWide:
      return gemm_all<ATML_WIDE_COLUMNS, ATML_WIDE_ROWS>(g);
    case TileShape::kTall:
      return gemm_all<ATML_TALL_COLUMNS, ATML_TALL_ROWS>(g);
    case TileShape::kSingle:
      return gemm_single(g);
  }
}

// ---- Dot
// ------------------------------------------------------------------------------------------

// Positions of one block: its x (of one tile of columns) and dy (of one tile of rows) fit into the
// first-level cache. A long block is as many positions as let dy of all rows fit into the second.
constexpr int kDotBlock = 32;
constexpr int kDotLongBlock = 8192;  // positions times rows, of 16 lanes

template <int MR, int KR>
ATML_INLINE void dot_tile(const Dot& d, int row, int k, int first, int last, bool begin, bool end) {
  const float* dy[MR];
  const float* x[KR];
  ATML_UNROLL for (int i = 0; i < MR; ++i) dy[i] = d.dy + d.m_offset[row + i];
  ATML_UNROLL for (int j = 0; j < KR; ++j) x[j] = d.x + d.k_offset[k + j];
  Vec sum[MR][KR];
  float* scratch =
      d.scratch +
      (static_cast<std::ptrdiff_t>(row) * d.k + static_cast<std::ptrdiff_t>(k) * MR) * kLanes;
  if (begin) {
    ATML_UNROLL for (int i = 0; i < MR; ++i) {
      ATML_UNROLL for (int j = 0; j < KR; ++j) sum[i][j] = Vec{};
    }
  } else {
    ATML_UNROLL for (int i = 0; i < MR; ++i) {
      ATML_UNROLL for (int j = 0; j < KR; ++j) sum[i][j] = load(scratch + (i * KR + j) * kLanes);
    }
  }
  const Position* stop = d.positions + last;
  for (const Position* p = d.positions + first; p != stop; ++p) {
    const std::ptrdiff_t in = p->in;
    const std::ptrdiff_t out = p->out;
    Vec ys[MR];
    ATML_UNROLL for (int i = 0; i < MR; ++i) ys[i] = load(dy[i] + out);
    ATML_UNROLL for (int j = 0; j < KR; ++j) {
      const Vec xs = load(x[j] + in);
      ATML_UNROLL for (int i = 0; i < MR; ++i) sum[i][j] += ys[i] * xs;
    }
  }
  if (!end) {
    ATML_UNROLL for (int i = 0; i < MR; ++i) {
      ATML_UNROLL for (int j = 0; j < KR; ++j) store(scratch + (i * KR + j) * kLanes, sum[i][j]);
    }
    return;
  }
  constexpr int kChunk = kLanes < 8 ? kLanes : 8;
  constexpr int kSums = (MR * KR + kChunk - 1) / kChunk * kChunk;
  Vec flat[kSums];
  ATML_UNROLL for (int n = 0; n < kSums; ++n) flat[n] =
      n < MR * KR ? sum[n / KR < MR ? n / KR : 0][n % KR] : Vec{};
  ATML_UNROLL for (int n = 0; n < kSums; n += kChunk)
      store(scratch + n / kChunk * kLanes, lane_sums<kChunk>(flat + n));
  ATML_UNROLL for (int n = 0; n < MR * KR; ++n) {
    d.dw[(row + n / KR) * d.m_stride + (k + n % KR) * d.k_stride] =
        scratch[n / kChunk * kLanes + n % kChunk];
  }
}

template <int MR, int MOST>
ATML_INLINE void dot_columns(const Dot& d, int row, int k, int width, int first, int last,
                             bool begin, bool end) {
  switch (width) {
    case 1:
      dot_tile<MR, 1>(d, row, k, first, last, begin, end);
      break;
    case 2:
      if constexpr (MOST >= 2) dot_tile<MR, 2>(d, row, k, first, last, begin, end);
      break;
    case 3:
      if constexpr (MOST >= 3) dot_tile<MR, 3>(d, row, k, first, last, begin, end);
      break;
    case 4:
      if constexpr (MOST >= 4) dot_tile<MR, 4>(d, row, k, first, last, begin, end);
      break;
    case 5:
      if constexpr (MOST >= 5) dot_tile<MR, 5>(d, row, k, first, last, begin, end);
      break;
    case 6:
      if constexpr (MOST >= 6) dot_tile<MR, 6>(d, row, k, first, last, begin, end);
      break;
    case 7:
      if constexpr (MOST >= 7) dot_tile<MR, 7>(d, row, k, first, last, begin, end);
      break;
    case 8:
      if constexpr (MOST >= 8) dot_tile<MR, 8>(d, row, k, first, last, begin, end);
      break;
    default:
      if constexpr (MOST >= 9) dot_tile<MR, 9>(d, row, k, first, last, begin, end);
      break;
  }
}

template <int MOST_ROWS, int MOST_COLUMNS>
void dot_blocks(const Dot& d) {
  const int row_tiles = (d.rows + MOST_ROWS - 1) / MOST_ROWS;
  const int column_tiles = (d.k + MOST_COLUMNS - 1) / MOST_COLUMNS;
  int long_block = kDotLongBlock * 16 / kLanes / d.rows / kDotBlock * kDotBlock;
  if (long_block < kDotBlock) long_block = kDotBlock;
  for (int start = 0; start < d.position_count; start += long_block) {
    const int stop = start + long_block < d.position_count ? start + long_block : d.position_count;
    int k = 0;
    for (int c = 0; c < column_tiles; ++c) {
      const int width = d.k / column_tiles + (c < d.k % column_tiles ? 1 : 0);
      for (int first = start; first < stop; first += kDotBlock) {
        const int last = first + kDotBlock < stop ? first + kDotBlock : stop;
        const bool begin = first == 0;
        const bool end = last == d.position_count;
        int row = 0;
        for (int r = 0; r < row_tiles; ++r) {
          const int height = d.rows / row_tiles + (r < d.rows % row_tiles ? 1 : 0);
          switch (height) {
            case 1:
              dot_columns<1, MOST_COLUMNS>(d, row, k, width, first, last, begin, end);
              break;
            case 2:
              if constexpr (MOST_ROWS >= 2)
                dot_columns<2, MOST_COLUMNS>(d, row, k, width, first, last, begin, end);
              break;
            case 3:
              if constexpr (MOST_ROWS >= 3)
                dot_columns<3, MOST_COLUMNS>(d, row, k, width, first, last, begin, end);
              break;
            default:
              if constexpr (MOST_ROWS >= 4)
                dot_columns<4, MOST_COLUMNS>(d, row, k, width, first, last, begin, end);
              break;
          }
          row += height;
        }
      }
      k += width;
    }
  }
}

// Many rows: as an outer product. A vector of dw holds neighbouring rows m; for every sample of
// every position dy of these rows, transposed from lanes to rows, meets one number of x. Nothing is
// summed over lanes, and the sums are `lanes` times smaller than those of dot_tile, so that they
// stay near.

// The rows of v become its columns.
template <int W, int... L>
ATML_INLINE void exchange(Vec& a, Vec& b, std::integer_sequence<int, L...>) {
  const Vec first = __builtin_shufflevector(a, b, ((L / W) % 2 == 0 ? L : kLanes + L - W)...);
  b = __builtin_shufflevector(a, b, ((L / W) % 2 == 0 ? L + W : kLanes + L)...);
  a = first;
}
template <int W>
ATML_INLINE void exchange_all(Vec* v) {
  ATML_UNROLL for (int i = 0; i < kLanes; ++i) {
    if ((i / W) % 2 == 0) exchange<W>(v[i], v[i + W], std::make_integer_sequence<int, kLanes>());
  }
}
ATML_INLINE void transpose(Vec* v) {
  if constexpr (kLanes >= 2) exchange_all<1>(v);
  if constexpr (kLanes >= 4) exchange_all<2>(v);
  if constexpr (kLanes >= 8) exchange_all<4>(v);
  if constexpr (kLanes >= 16) exchange_all<8>(v);
}

// panel[(p * lanes + lane) * VECTORS * lanes + i] = dy of row `row` + i, position `first` + p.
template <int VECTORS>
void outer_panel(const Dot& d, int row, int first, int last, float* panel) {
  for (int v = 0; v < VECTORS; ++v) {
    const int start = row + v * kLanes;
    const int inside = d.rows - start < kLanes ? d.rows - start : kLanes;
    for (int p = first; p < last; ++p) {
      const float* dy = d.dy + d.positions[p].out;
      Vec t[kLanes];
      if (inside == kLanes) {
        ATML_UNROLL for (int i = 0; i < kLanes; ++i) t[i] = load(dy + d.m_offset[start + i]);
      } else {
        ATML_UNROLL for (int i = 0; i < kLanes; ++i) t[i] =
            i < inside ? load(dy + d.m_offset[start + i]) : Vec{};
      }
      transpose(t);
      float* to =
          panel + static_cast<std::ptrdiff_t>(p - first) * kLanes * kLanes * VECTORS + v * kLanes;
      ATML_UNROLL for (int i = 0; i < kLanes; ++i) store(to + i * kLanes * VECTORS, t[i]);
    }
  }
}

// sums[(k + r) * VECTORS vectors] += x of the positions times the panel.
template <int VECTORS, int COLUMNS>
void outer_tile(const Dot& d, int k, int first, int last, const float* panel, float* sums) {
  const float* x[COLUMNS];
  ATML_UNROLL for (int r = 0; r < COLUMNS; ++r) x[r] = d.x + d.k_offset[k + r];
  Vec sum[COLUMNS][VECTORS] = {};
  for (int p = first; p < last; ++p) {
    const std::ptrdiff_t in = d.positions[p].in;
    for (int lane = 0; lane < kLanes; lane += 4) {
      ATML_UNROLL for (int l = 0; l < 4; ++l) {
        Vec y[VECTORS];
        ATML_UNROLL for (int v = 0; v < VECTORS; ++v) y[v] =
            load(panel + (l * VECTORS + v) * kLanes);
        ATML_UNROLL for (int r = 0; r < COLUMNS; ++r) {
          const Vec one = splat(x[r][in + lane + l]);
          ATML_UNROLL for (int v = 0; v < VECTORS; ++v) sum[r][v] += one * y[v];
        }
      }
      panel += 4 * VECTORS * kLanes;
    }
  }
  float* to = sums + static_cast<std::ptrdiff_t>(k) * VECTORS * kLanes;
  ATML_UNROLL for (int r = 0; r < COLUMNS; ++r) {
    ATML_UNROLL for (int v = 0; v < VECTORS; ++v) {
      float* at = to + (r * VECTORS + v) * kLanes;
      store(at, load(at) + sum[r][v]);
    }
  }
}

template <int VECTORS>
void outer_columns(const Dot& d, int k, int width, int first, int last, const float* panel,
                   float* sums) {
  switch (width) {
    case 1:
      return outer_tile<VECTORS, 1>(d, k, first, last, panel, sums);
    case 2:
      return outer_tile<VECTORS, 2>(d, k, first, last, panel, sums);
    case 3:
      return outer_tile<VECTORS, 3>(d, k, first, last, panel, sums);
    case 4:
      return outer_tile<VECTORS, 4>(d, k, first, last, panel, sums);
    case 5:
      return outer_tile<VECTORS, 5>(d, k, first, last, panel, sums);
    default:
      return outer_tile<VECTORS, 6>(d, k, first, last, panel, sums);
  }
}

template <int VECTORS>
void outer_rows(const Dot& d, int row) {
  float* panel = d.scratch;
  float* sums = d.scratch + kOuterFloats * VECTORS;
  for (int i = 0; i < d.k * VECTORS; ++i) store(sums + i * kLanes, Vec{});
  constexpr int kBlock = kOuterFloats / kLanes / kLanes;
  const int tiles = (d.k + 5) / 6;
  for (int first = 0; first < d.position_count; first += kBlock) {
    const int last = first + kBlock < d.position_count ? first + kBlock : d.position_count;
    outer_panel<VECTORS>(d, row, first, last, panel);
    int k = 0;
    for (int t = 0; t < tiles; ++t) {
      const int width = d.k / tiles + (t < d.k % tiles ? 1 : 0);
      outer_columns<VECTORS>(d, k, width, first, last, panel, sums);
      k += width;
    }
  }
  const int height = d.rows - row < VECTORS * kLanes ? d.rows - row : VECTORS * kLanes;
  for (int k = 0; k < d.k; ++k) {
    const float* from = sums + static_cast<std::ptrdiff_t>(k) * VECTORS * kLanes;
    float* to = d.dw + row * d.m_stride + k * d.k_stride;
    for (int i = 0; i < height; ++i) to[i * d.m_stride] = from[i];
  }
}

void dot_outer(const Dot& d) {
  const int vectors = (d.rows + kLanes - 1) / kLanes;
  constexpr int kMost = ATML_OUTER_VECTORS > 0 ? ATML_OUTER_VECTORS : 1;
  const int chunks = (vectors + kMost - 1) / kMost;
  int done = 0;
  for (int c = 0; c < chunks; ++c) {
    const int width = vectors / chunks + (c < vectors % chunks ? 1 : 0);
    switch (width) {
      case 1:
        if constexpr (ATML_OUTER_VECTORS >= 1) outer_rows<1>(d, done * kLanes);
        break;
      case 2:
        if constexpr (ATML_OUTER_VECTORS >= 2) outer_rows<2>(d, done * kLanes);
        break;
      case 3:
        if constexpr (ATML_OUTER_VECTORS >= 3) outer_rows<3>(d, done * kLanes);
        break;
      default:
        if constexpr (ATML_OUTER_VECTORS >= 4) outer_rows<4>(d, done * kLanes);
        break;
    }
    done += width;
  }
}

// Of the layer as a whole, so that sums do not depend on how workers share the columns. One vector
// of rows would make tiles of too few sums at once; a quarter of the vectors may stay empty;
// transposing is repaid by some columns.
bool outer_pays(const Dot& d) {
  const int room = (d.rows + kLanes - 1) / kLanes * kLanes;
  return ATML_OUTER_VECTORS > 0 && d.columns >= 6 && d.rows > kLanes && d.rows * 4 >= room * 3;
}

// Few positions (dense layers): hardly anything is summed, so that the sums over lanes and the
// stores would dominate. Here kLanes neighbouring weights become one vector.
void dot_narrow(const Dot& d) {
  for (int k = 0; k < d.k; k += kLanes) {
    const int width = d.k - k < kLanes ? d.k - k : kLanes;
    const float* x[kLanes];
    for (int j = 0; j < kLanes; ++j) x[j] = d.x + d.k_offset[k + (j < width ? j : width - 1)];
    for (int m = 0; m < d.rows; ++m) {
      const float* dy = d.dy + d.m_offset[m];
      Vec sum[kLanes] = {};
      for (int p = 0; p < d.position_count; ++p) {
        const Vec y = load(dy + d.positions[p].out);
        const std::ptrdiff_t in = d.positions[p].in;
        ATML_UNROLL for (int j = 0; j < kLanes; ++j) sum[j] += y * load(x[j] + in);
      }
      const Vec sums = lane_sums<kLanes>(sum);
      float* to = d.dw + m * d.m_stride + k;
      if (width == kLanes) {
        __builtin_memcpy(to, &sums, sizeof(sums));
      } else {
        for (int j = 0; j < width; ++j) to[j] = sums[j];
      }
    }
  }
}

void dot(const Dot& d) {
  if (d.position_count <= 4 && d.k_stride == 1) {
    dot_narrow(d);
  } else if (d.rows == 1) {
    dot_blocks<1, 9>(d);
  } else if (outer_pays(d)) {
    dot_outer(d);
  } else {
    dot_blocks<ATML_DOT_ROWS, ATML_DOT_COLUMNS>(d);
  }
}

// ---- 3x3 windows at stride 1
// ---------------------------------------------------------------------------
//
// Every vector of the input is loaded once for a tile of ROWS x COLUMNS outputs, of which it meets
// up to nine; with one row and a load for every product the loads would take longer than the
// products.

ATML_INLINE float* row_of(const Plane& p, int g, int y) { return p.data + g * p.group + y * p.row; }

template <int ROWS, int COLUMNS>
ATML_INLINE void window3_tile(const float* x, std::ptrdiff_t x_row, float* y, std::ptrdiff_t y_row,
                              const Vec* w, Vec start, bool accumulate) {
  Vec sum[ROWS][COLUMNS];
  ATML_UNROLL for (int r = 0; r < ROWS; ++r) {
    ATML_UNROLL for (int c = 0; c < COLUMNS; ++c) sum[r][c] =
        accumulate ? load(y + r * y_row + c * kLanes) : start;
  }
  ATML_UNROLL for (int i = 0; i < ROWS + 2; ++i) {
    ATML_UNROLL for (int j = 0; j < COLUMNS + 2; ++j) {
      const Vec v = load(x + i * x_row + j * kLanes);
      ATML_UNROLL for (int r = 0; r < ROWS; ++r) {
        if (i - r < 0 || i - r > 2) continue;
        ATML_UNROLL for (int t = 0; t < 3; ++t) {
          if (j - t >= 0 && j - t < COLUMNS) sum[r][j - t] += w[3 * (i - r) + t] * v;
        }
      }
    }
  }
  ATML_UNROLL for (int r = 0; r < ROWS; ++r) {
    ATML_UNROLL for (int c = 0; c < COLUMNS; ++c) store(y + r * y_row + c * kLanes, sum[r][c]);
  }
}

// All rows of a strip of COLUMNS columns of one group.
template <int COLUMNS>
void window3_strip(int rows, const float* x, std::ptrdiff_t x_row, float* y, std::ptrdiff_t y_row,
                   const Window3& n) {
  Vec w[9];
  ATML_UNROLL for (int k = 0; k < 9; ++k) w[k] = splat(n.w[n.flipped ? 8 - k : k]);
  const Vec start = splat(n.bias);
  constexpr int kRows = ATML_WINDOW_ROWS;
  int r = 0;
  for (; r + kRows <= rows; r += kRows) {
    window3_tile<kRows, COLUMNS>(x + r * x_row, x_row, y + r * y_row, y_row, w, start,
                                 n.accumulate);
  }
  for (; r < rows; ++r)
    window3_tile<1, COLUMNS>(x + r * x_row, x_row, y + r * y_row, y_row, w, start, n.accumulate);
}

// Calls body<columns>(first column) for strips of nearly equal width, at most ATML_WINDOW_COLUMNS.
template <class Body>
ATML_INLINE void each_strip(int cols, Body body) {
  const int strips = (cols + ATML_WINDOW_COLUMNS - 1) / ATML_WINDOW_COLUMNS;
  int c = 0;
  for (int s = 0; s < strips; ++s) {
    const int width = cols / strips + (s < cols % strips ? 1 : 0);
    switch (width) {
      case 1:
        body.template operator()<1>(c);
        break;
      case 2:
        body.template operator()<2>(c);
        break;
      case 3:
        body.template operator()<3>(c);
        break;
      case 4:
        body.template operator()<4>(c);
        break;
      case 5:
        if constexpr (ATML_WINDOW_COLUMNS >= 5) body.template operator()<5>(c);
        break;
      case 6:
        if constexpr (ATML_WINDOW_COLUMNS >= 6) body.template operator()<6>(c);
        break;
      case 7:
        if constexpr (ATML_WINDOW_COLUMNS >= 7) body.template operator()<7>(c);
        break;
      default:
        if constexpr (ATML_WINDOW_COLUMNS >= 8) body.template operator()<8>(c);
        break;
    }
    c += width;
  }
}

void window3(Extent e, Plane x, Plane y, const Window3& n) {
  each_strip(e.cols, [&]<int COLUMNS>(int c) {
    for (int g = 0; g < e.groups; ++g) {
      window3_strip<COLUMNS>(e.rows, row_of(x, g, 0) + c * kLanes, x.row,
                             row_of(y, g, 0) + c * kLanes, y.row, n);
    }
  });
}

template <int COLUMNS>
ATML_INLINE void window3_row_weights(const float* x, std::ptrdiff_t x_row, const float* dy,
                                     Vec* sum) {
  Vec d[COLUMNS];
  ATML_UNROLL for (int c = 0; c < COLUMNS; ++c) d[c] = load(dy + c * kLanes);
  ATML_UNROLL for (int i = 0; i < 3; ++i) {
    ATML_UNROLL for (int j = 0; j < COLUMNS + 2; ++j) {
      const Vec v = load(x + i * x_row + j * kLanes);
      ATML_UNROLL for (int t = 0; t < 3; ++t) {
        if (j - t >= 0 && j - t < COLUMNS) sum[3 * i + t] += d[j - t] * v;
      }
    }
  }
}

void window3_weights(Extent e, Plane x, Plane dy, float* dw, std::ptrdiff_t stride) {
  float total[9] = {};
  each_strip(e.cols, [&]<int COLUMNS>(int c) {
    for (int g = 0; g < e.groups; ++g) {
      Vec sum[9] = {};
      for (int r = 0; r < e.rows; ++r)
        window3_row_weights<COLUMNS>(row_of(x, g, r) + c * kLanes, x.row,
                                     row_of(dy, g, r) + c * kLanes, sum);
      ATML_UNROLL for (int k = 0; k < 9; ++k) total[k] += lane_sum(sum[k]);
    }
  });
  for (int k = 0; k < 9; ++k) dw[k * stride] = total[k];
}

// ---- Winograd: a square a step, its 16 vectors in registers
// ----------------------------------------------------------

void winograd_in(const float* x, std::ptrdiff_t row, const Position* tiles, int count, float* v,
                 std::ptrdiff_t point) {
  for (int t = 0; t < count; ++t, v += kLanes) {
    const float* d = x + tiles[t].in;
    Vec r[4][4];  // B^T d
    ATML_UNROLL for (int j = 0; j < 4; ++j) {
      const Vec a = load(d + j * kLanes), b = load(d + row + j * kLanes),
                c = load(d + 2 * row + j * kLanes), e = load(d + 3 * row + j * kLanes);
      r[0][j] = a - c;
      r[1][j] = b + c;
      r[2][j] = c - b;
      r[3][j] = b - e;
    }
    ATML_UNROLL for (int i = 0; i < 4; ++i) {
      store(v + (4 * i) * point, r[i][0] - r[i][2]);
      store(v + (4 * i + 1) * point, r[i][1] + r[i][2]);
      store(v + (4 * i + 2) * point, r[i][2] - r[i][1]);
      store(v + (4 * i + 3) * point, r[i][1] - r[i][3]);
    }
  }
}

void winograd_out(const float* m, std::ptrdiff_t point, float* y, std::ptrdiff_t row,
                  const Position* tiles, int count, float bias, bool accumulate) {
  const Vec start = splat(bias);
  for (int t = 0; t < count; ++t, m += kLanes) {
    Vec r[4][2];  // m A
    ATML_UNROLL for (int i = 0; i < 4; ++i) {
      const Vec a = load(m + (4 * i) * point), b = load(m + (4 * i + 1) * point),
                c = load(m + (4 * i + 2) * point), e = load(m + (4 * i + 3) * point);
      r[i][0] = a + b + c;
      r[i][1] = b - c - e;
    }
    float* to = y + tiles[t].out;
    ATML_UNROLL for (int j = 0; j < 2; ++j) {
      const Vec top = (r[0][j] + r[1][j]) + r[2][j], bottom = (r[1][j] - r[2][j]) - r[3][j];
      float* above = to + j * kLanes;
      float* below = above + row;
      store(above, top + (accumulate ? load(above) : start));
      store(below, bottom + (accumulate ? load(below) : start));
    }
  }
}

// ---- Channel-wise passes
// --------------------------------------------------------------------------

// The constants come first in minimum and maximum: a NaN is then passed on and ends the training.
template <Act A>
ATML_INLINE Vec act_value(Vec z) {
  if constexpr (A == Act::kRelu) return maximum(Vec{}, z);
  if constexpr (A == Act::kRelu6) return minimum(splat(6), maximum(Vec{}, z));
  if constexpr (A == Act::kHardSwish) {
    return z * minimum(splat(6), maximum(Vec{}, z + splat(3))) * splat(1.0f / 6);
  }
  return z;
}

// dy * act'(z)
template <Act A>
ATML_INLINE Vec act_gradient(Vec z, Vec dy) {
  if constexpr (A == Act::kRelu) return select(z > Vec{}, dy, Vec{});
  if constexpr (A == Act::kRelu6) return select((z > Vec{}) & (z < splat(6)), dy, Vec{});
  if constexpr (A == Act::kHardSwish) {
    const Vec inner = z * splat(1.0f / 3) + splat(0.5f);
    const Vec slope = select(z > splat(3), splat(1), select(z < splat(-3), Vec{}, inner));
    return dy * slope;
  }
  return dy;
}

// Calls body<A>(...) for the activation of run time.
#define ATML_FOR_ACT(act, body)                    \
  switch (act) {                                   \
    case Act::kNone:                               \
      body.template operator()<Act::kNone>();      \
      break;                                       \
    case Act::kRelu:                               \
      body.template operator()<Act::kRelu>();      \
      break;                                       \
    case Act::kRelu6:                              \
      body.template operator()<Act::kRelu6>();     \
      break;                                       \
    case Act::kHardSwish:                          \
      body.template operator()<Act::kHardSwish>(); \
      break;                                       \
  }

// Visits all vectors: visit(g, y, pointer step in floats).
template <class Visit>
ATML_INLINE void each_row(Extent e, Visit visit) {
  for (int g = 0; g < e.groups; ++g) {
    for (int y = 0; y < e.rows; ++y) visit(g, y);
  }
}

void moments(Extent e, Plane x, float shift, double* sum, double* squares) {
  double total = 0;
  double total_squares = 0;
  const Vec s = splat(shift);
  for (int g = 0; g < e.groups; ++g) {
    // Several partial sums hide the latency of the additions and keep rounding errors small.
    Vec a[4] = {}, b[4] = {};
    for (int y = 0; y < e.rows; ++y) {
      const float* p = row_of(x, g, y);
      int i = 0;
      for (; i + 4 <= e.cols; i += 4) {
        ATML_UNROLL for (int j = 0; j < 4; ++j) {
          const Vec v = load(p + (i + j) * kLanes) - s;
          a[j] += v;
          b[j] += v * v;
        }
      }
      for (; i < e.cols; ++i) {
        const Vec v = load(p + i * kLanes) - s;
        a[0] += v;
        b[0] += v * v;
      }
    }
    total += static_cast<double>(lane_sum((a[0] + a[1]) + (a[2] + a[3])));
    total_squares += static_cast<double>(lane_sum((b[0] + b[1]) + (b[2] + b[3])));
  }
  *sum = total;
  *squares = total_squares;
}

void affine(Extent e, Plane x, Plane y, float scale, float shift, Act act) {
  const Vec a = splat(scale), b = splat(shift);
  const auto body = [&]<Act A>() {
    each_row(e, [&](int g, int r) {
      const float* p = row_of(x, g, r);
      float* q = row_of(y, g, r);
      _Pragma("GCC unroll 4") for (int i = 0; i < e.cols; ++i) {
        store(q + i * kLanes, act_value<A>(load(p + i * kLanes) * a + b));
      }
    });
  };
  ATML_FOR_ACT(act, body)
}

void norm_backward_sums(Extent e, Plane x, Plane dy, const NormBackward& n, double* sum,
                        double* product) {
  const Vec a = splat(n.scale), b = splat(n.shift), mean = splat(n.mean);
  double total = 0;
  double total_product = 0;
  const auto body = [&]<Act A>() {
    for (int g = 0; g < e.groups; ++g) {
      Vec s[2] = {}, t[2] = {};
      for (int r = 0; r < e.rows; ++r) {
        const float* p = row_of(x, g, r);
        const float* q = row_of(dy, g, r);
        int i = 0;
        for (; i + 2 <= e.cols; i += 2) {
          ATML_UNROLL for (int j = 0; j < 2; ++j) {
            const Vec v = load(p + (i + j) * kLanes);
            const Vec dz = act_gradient<A>(v * a + b, load(q + (i + j) * kLanes));
            s[j] += dz;
            t[j] += dz * (v - mean);
          }
        }
        if (i < e.cols) {
          const Vec v = load(p + i * kLanes);
          const Vec dz = act_gradient<A>(v * a + b, load(q + i * kLanes));
          s[0] += dz;
          t[0] += dz * (v - mean);
        }
      }
      total += static_cast<double>(lane_sum(s[0] + s[1]));
      total_product += static_cast<double>(lane_sum(t[0] + t[1]));
    }
  };
  ATML_FOR_ACT(n.act, body)
  *sum = total;
  *product = total_product;
}

void norm_backward(Extent e, Plane x, Plane dy, Plane dx, const NormBackward& n) {
  const Vec a = splat(n.scale), b = splat(n.shift), slope = splat(n.slope),
            offset = splat(n.offset);
  const auto body = [&]<Act A>() {
    each_row(e, [&](int g, int r) {
      const float* p = row_of(x, g, r);
      const float* q = row_of(dy, g, r);
      float* o = row_of(dx, g, r);
      if (n.accumulate) {
        for (int i = 0; i < e.cols; ++i) {
          const Vec v = load(p + i * kLanes);
          const Vec dz = act_gradient<A>(v * a + b, load(q + i * kLanes));
          store(o + i * kLanes, load(o + i * kLanes) + (a * dz + (slope * v + offset)));
        }
      } else {
        for (int i = 0; i < e.cols; ++i) {
          const Vec v = load(p + i * kLanes);
          const Vec dz = act_gradient<A>(v * a + b, load(q + i * kLanes));
          store(o + i * kLanes, a * dz + (slope * v + offset));
        }
      }
    });
  };
  ATML_FOR_ACT(n.act, body)
}

void add(Extent e, Plane a, Plane b, Plane y) {
  each_row(e, [&](int g, int r) {
    const float* p = row_of(a, g, r);
    const float* q = row_of(b, g, r);
    float* o = row_of(y, g, r);
    for (int i = 0; i < e.cols; ++i)
      store(o + i * kLanes, load(p + i * kLanes) + load(q + i * kLanes));
  });
}

void scale(Extent e, Plane x, Plane y, float factor, bool accumulate) {
  const Vec f = splat(factor);
  each_row(e, [&](int g, int r) {
    const float* p = row_of(x, g, r);
    float* o = row_of(y, g, r);
    if (accumulate) {
      for (int i = 0; i < e.cols; ++i)
        store(o + i * kLanes, load(o + i * kLanes) + load(p + i * kLanes) * f);
    } else {
      for (int i = 0; i < e.cols; ++i) store(o + i * kLanes, load(p + i * kLanes) * f);
    }
  });
}

// A hash of 32 bits (Wang / Jenkins style multiply and shift) of each lane's counter.
ATML_INLINE BitVec mix(BitVec h) {
  h ^= h >> 16;
  h *= 0x7feb352du;
  h ^= h >> 15;
  h *= 0x846ca68bu;
  h ^= h >> 16;
  return h;
}

void dropout(Extent e, Plane x, Plane y, float rate, std::uint32_t seed, bool accumulate) {
  const Vec keep_factor = splat(1 / (1 - rate));
  const std::uint32_t threshold =
      static_cast<std::uint32_t>(static_cast<double>(rate) * 4294967296.0);
  BitVec lane = {};
  for (int i = 0; i < kLanes; ++i) lane[i] = static_cast<std::uint32_t>(i);
  each_row(e, [&](int g, int r) {
    const float* p = row_of(x, g, r);
    float* o = row_of(y, g, r);
    for (int i = 0; i < e.cols; ++i) {
      // The counter is (position, sample): the same for every number of lanes.
      const std::uint32_t position = static_cast<std::uint32_t>(r * e.cols + i);
      const BitVec counter = lane + (position * 65536u + static_cast<std::uint32_t>(g * kLanes));
      const BitVec hash = mix(mix(counter) ^ seed);
      const Vec kept = select(hash >= threshold, load(p + i * kLanes) * keep_factor, Vec{});
      store(o + i * kLanes, accumulate ? load(o + i * kLanes) + kept : kept);
    }
  });
}

// Adding and taking away 1.5 x 2^23 rounds to the nearest whole number, ties to even.
ATML_INLINE Vec rounded(Vec v) {
  const Vec magic = splat(12582912.0f);
  Vec shifted = v + magic;
  __asm__("" : "+m"(shifted));  // not to be simplified away
  return shifted - magic;
}

void fake_quantise(Extent e, Plane x, float scale, float zero) {
  const Vec s = splat(scale), inverse = splat(1 / scale), low = splat(-128 - zero),
            high = splat(127 - zero);
  each_row(e, [&](int g, int r) {
    float* p = row_of(x, g, r);
    for (int i = 0; i < e.cols; ++i) {
      // Clamped first: the trick of rounded() holds for small numbers only.
      const Vec q = rounded(minimum(high, maximum(low, load(p + i * kLanes) * inverse)));
      store(p + i * kLanes, q * s);
    }
  });
}

void fake_quantise_backward(Extent e, Plane x, Plane dx, float scale, float zero) {
  const Vec low = splat((-128 - zero) * scale), high = splat((127 - zero) * scale);
  each_row(e, [&](int g, int r) {
    const float* p = row_of(x, g, r);
    float* o = row_of(dx, g, r);
    for (int i = 0; i < e.cols; ++i) {
      const Vec v = load(p + i * kLanes);
      store(o + i * kLanes, select((v > low) & (v < high), load(o + i * kLanes), Vec{}));
    }
  });
}

// ---- Pooling
// --------------------------------------------------------------------------------------

// The taps of one output that lie inside the input along one axis: [first, last).
struct Taps {
  int first, last, start;
};
ATML_INLINE Taps taps_inside(int output, int stride, int pad, int kernel, int dilation, int size) {
  const int start = output * stride - pad;
  Taps t{0, kernel, start};
  while (t.first < t.last && start + t.first * dilation < 0) ++t.first;
  while (t.last > t.first && start + (t.last - 1) * dilation >= size) --t.last;
  return t;
}

ATML_INLINE int tap_count(const Taps& v, const Taps& h) {
  const int count = (v.last - v.first) * (h.last - h.first);
  return count > 0 ? count : 1;
}

// visit(g, output pointer offset pieces, taps) for each output position.
template <class Visit>
ATML_INLINE void each_window(const Pool& pool, Visit visit) {
  for (int g = 0; g < pool.groups; ++g) {
    for (int y = 0; y < pool.out_h; ++y) {
      const Taps v =
          taps_inside(y, pool.stride_h, pool.pad_top, pool.kernel_h, pool.dilation_h, pool.in_h);
      for (int x = 0; x < pool.out_w; ++x) {
        const Taps h =
            taps_inside(x, pool.stride_w, pool.pad_left, pool.kernel_w, pool.dilation_w, pool.in_w);
        visit(g, y, x, v, h);
      }
    }
  }
}
ATML_INLINE std::ptrdiff_t tap_offset(const Pool& pool, const Plane& p, const Taps& v,
                                      const Taps& h, int i, int j) {
  return (v.start + i * pool.dilation_h) * p.row + (h.start + j * pool.dilation_w) * kLanes;
}

void max_pool(const Pool& pool, Plane x, Plane y) {
  each_window(pool, [&](int g, int r, int c, Taps v, Taps h) {
    const float* in = x.data + g * x.group;
    Vec best = {};  // of a window that a dilation puts beside the input
    if (v.first < v.last && h.first < h.last)
      best = load(in + tap_offset(pool, x, v, h, v.first, h.first));
    for (int i = v.first; i < v.last; ++i) {
      for (int j = h.first; j < h.last; ++j)
        best = maximum(best, load(in + tap_offset(pool, x, v, h, i, j)));
    }
    store(row_of(y, g, r) + c * kLanes, best);
  });
}

void max_pool_backward(const Pool& pool, Plane x, Plane y, Plane dy, Plane dx) {
  each_window(pool, [&](int g, int r, int c, Taps v, Taps h) {
    const float* in = x.data + g * x.group;
    float* out = dx.data + g * dx.group;
    const Vec best = load(row_of(y, g, r) + c * kLanes);
    Vec rest = load(row_of(dy, g, r) + c * kLanes);  // goes to the first tap that holds the maximum
    for (int i = v.first; i < v.last; ++i) {
      for (int j = h.first; j < h.last; ++j) {
        const IntVec here = load(in + tap_offset(pool, x, v, h, i, j)) == best;
        float* o = out + tap_offset(pool, dx, v, h, i, j);
        store(o, load(o) + select(here, rest, Vec{}));
        rest = select(here, Vec{}, rest);
      }
    }
  });
}

void average_pool(const Pool& pool, Plane x, Plane y) {
  each_window(pool, [&](int g, int r, int c, Taps v, Taps h) {
    const float* in = x.data + g * x.group;
    Vec sum = {};
    for (int i = v.first; i < v.last; ++i) {
      for (int j = h.first; j < h.last; ++j) sum += load(in + tap_offset(pool, x, v, h, i, j));
    }
    const int count = tap_count(v, h);
    store(row_of(y, g, r) + c * kLanes, sum * splat(1.0f / static_cast<float>(count)));
  });
}

void average_pool_backward(const Pool& pool, Plane dy, Plane dx) {
  each_window(pool, [&](int g, int r, int c, Taps v, Taps h) {
    float* out = dx.data + g * dx.group;
    const int count = tap_count(v, h);
    const Vec share = load(row_of(dy, g, r) + c * kLanes) * splat(1.0f / static_cast<float>(count));
    for (int i = v.first; i < v.last; ++i) {
      for (int j = h.first; j < h.last; ++j) {
        float* o = out + tap_offset(pool, dx, v, h, i, j);
        store(o, load(o) + share);
      }
    }
  });
}

void global_average(Extent e, Plane x, Plane y) {
  const float factor = 1.0f / static_cast<float>(e.rows * e.cols);
  for (int g = 0; g < e.groups; ++g) {
    Vec sum[2] = {};
    for (int r = 0; r < e.rows; ++r) {
      const float* p = row_of(x, g, r);
      for (int i = 0; i < e.cols; ++i) sum[i & 1] += load(p + i * kLanes);
    }
    store(row_of(y, g, 0), (sum[0] + sum[1]) * splat(factor));
  }
}

void global_average_backward(Extent e, Plane dy, Plane dx, bool accumulate) {
  const float factor = 1.0f / static_cast<float>(e.rows * e.cols);
  each_row(e, [&](int g, int r) {
    const Vec share = load(row_of(dy, g, 0)) * splat(factor);
    float* o = row_of(dx, g, r);
    for (int i = 0; i < e.cols; ++i)
      store(o + i * kLanes, accumulate ? load(o + i * kLanes) + share : share);
  });
}

void clear(float* data, std::size_t floats) {
  for (std::size_t i = 0; i < floats; i += kLanes) store(data + i, Vec{});
}

// ---- Samples into lanes
// ---------------------------------------------------------------------------

void load_lanes(const float* samples, std::size_t sample_pitch, int rows, int cols, int channels,
                const float* mean, const float* gain, float* y, std::ptrdiff_t row,
                std::ptrdiff_t channel) {
  for (int c = 0; c < channels; ++c) {
    const Vec m = splat(mean[c]), s = splat(gain[c]);
    for (int r = 0; r < rows; ++r) {
      const float* p = samples + static_cast<std::ptrdiff_t>(r) * cols * channels + c;
      float* o = y + c * channel + r * row;
      for (int i = 0; i < cols; ++i) {
        Vec v;
        ATML_UNROLL for (int l = 0; l < kLanes; ++l) v[l] =
            p[static_cast<std::size_t>(l) * sample_pitch];
        store(o + i * kLanes, (v - m) * s);
        p += channels;
      }
    }
  }
}

// ---- Optimisers: the compiler vectorises these
// ----------------------------------------------------

void adam(std::size_t n, float* __restrict w, const float* __restrict g, float* __restrict m,
          float* __restrict v, const AdamStep& s) {
  const float rate = s.rate, decay = s.decay, b1 = s.beta1, b2 = s.beta2, c1 = s.correction1,
              c2 = s.correction2, epsilon = s.epsilon;
  for (std::size_t i = 0; i < n; ++i) {
    const float mi = b1 * m[i] + (1 - b1) * g[i];
    const float vi = b2 * v[i] + (1 - b2) * g[i] * g[i];
    m[i] = mi;
    v[i] = vi;
    w[i] -= rate * (mi * c1) / (__builtin_sqrtf(vi * c2) + epsilon) + decay * w[i];
  }
}

void sgd(std::size_t n, float* __restrict w, const float* __restrict g, float* __restrict velocity,
         const SgdStep& s) {
  const float rate = s.rate, decay = s.decay, momentum = s.momentum;
  for (std::size_t i = 0; i < n; ++i) {
    const float gi = g[i] + decay * w[i];
    const float vi = momentum * velocity[i] + gi;
    velocity[i] = vi;
    w[i] -= rate * (gi + momentum * vi);  // Nesterov
  }
}

void average(std::size_t n, float* __restrict to, const float* __restrict value, float rate) {
  for (std::size_t i = 0; i < n; ++i) to[i] += rate * (value[i] - to[i]);
}

}  // namespace

extern const Kernels ATML_KERNELS;
const Kernels ATML_KERNELS = {
    .name = ATML_KERNELS_NAME,
    .lanes = kLanes,
    .wide_rows = ATML_WIDE_ROWS,
    .tall_rows = ATML_TALL_ROWS,
    .gemm = gemm,
    .dot = dot,
    .window3 = window3,
    .window3_weights = window3_weights,
    .winograd_in = winograd_in,
    .winograd_out = winograd_out,
    .moments = moments,
    .affine = affine,
    .norm_backward_sums = norm_backward_sums,
    .norm_backward = norm_backward,
    .add = add,
    .scale = scale,
    .dropout = dropout,
    .fake_quantise = fake_quantise,
    .fake_quantise_backward = fake_quantise_backward,
    .max_pool = max_pool,
    .max_pool_backward = max_pool_backward,
    .average_pool = average_pool,
    .average_pool_backward = average_pool_backward,
    .global_average = global_average,
    .global_average_backward = global_average_backward,
    .clear = clear,
    .load_lanes = load_lanes,
    .adam = adam,
    .sgd = sgd,
    .average = average,
};

}  // namespace atml::train
