// Every statement of the table is measured or computed in the run:
//   sums    the layer's multiply-adds at the speed of the best sgemm (for Winograd layers: those it
//           really does);
//   cache   the bytes that its three passes must move (inputs, outputs and their gradients, each
//           once a pass) at the speed that a plain addition reaches over the same footprint;
//   loads   the vectors that its inner loops load and store, counted from the tiles of the kernels,
//           at the speed of an addition in the first-level cache;
//   fixed   what does not grow with the batch (packing, sums over lanes, calls): twice the time of
//           half the batch less that of the whole.
// Each is a share of the measured time. They overlap where the processor overlaps them, so that
// they need not add up to 1; the largest is called the limit.
#include "layer_table.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "train/op.h"

namespace atml::bench {
namespace {

using network::Window;

constexpr int kBatch = 64;

struct LayerCase {
  const char* name;
  Shape input;
  network::Op op;
};

std::vector<LayerCase> layer_cases() {
  using network::Activate, network::BatchNorm, network::Conv, network::Dense, network::Depthwise;
  return {
      {"conv 3x3, 16 -> 16", {32, 32, 16}, Conv{16, Window{3, 3}}},
      {"conv 3x3, 32 -> 32", {16, 16, 32}, Conv{32, Window{3, 3}}},
      {"conv 3x3, 64 -> 64", {8, 8, 64}, Conv{64, Window{3, 3}}},
      {"conv 3x3/2, 16 -> 32", {32, 32, 16}, Conv{32, Window{3, 3, 2, 2}}},
      {"conv 3x3, 1 -> 8", {28, 28, 1}, Conv{8, Window{3, 3}}},
      {"conv 5x1/2, 16 -> 32", {64, 1, 16}, Conv{32, Window{5, 1, 2, 1}}},
      {"pointwise 64 -> 64", {25, 5, 64}, Conv{64, Window{}}},
      {"pointwise 8 -> 16", {14, 14, 8}, Conv{16, Window{}}},
      {"depthwise 3x3, 64", {25, 5, 64}, Depthwise{1, Window{3, 3}}},
      {"depthwise 3x3/2, 8", {28, 28, 8}, Depthwise{1, Window{3, 3, 2, 2}}},
      {"dense 64 -> 32", {1, 1, 64}, Dense{32}},
      {"dense 1024 -> 64", {4, 4, 64}, Dense{64}},
  };
}

// Both have a pointwise layer of one input channel first, so that the layer's data gradient is
// wanted and its input lies in memory; the difference is the layer.
network::Network around(const LayerCase& c, bool with) {
  network::Network net({c.input.height, c.input.width, 1});
  (void)net.add(network::Conv{c.input.channels}, {0});
  if (with) (void)net.add(c.op, {net.last()});
  return net;
}

// Floating-point operations of the three passes over the layer.
double work_of(const LayerCase& c, int batch) {
  const network::Network net = around(c, true);
  return 6.0 * static_cast<double>(net.macs(net.last()).value) * batch;
}

bool winograd(const LayerCase& c) {
  const auto* conv = std::get_if<network::Conv>(&c.op);
  if (conv == nullptr) return false;
  train::ConvSpec spec;
  spec.window = conv->window;
  spec.filters = conv->filters;
  train::Tensor in;
  in.layout.shape = c.input;
  return train::winograd_is_faster(*measured_kernels(), spec, in);
}

// ---- What one training pass over the layer does, counted

// Tiles of the inner loops, as kernels_avx512.cpp, kernels_neon.cpp (32 registers) and the others
// (16) define them.
struct Tiles {
  double wide_rows = 4, wide_columns = 3, tall_rows = 6, tall_columns = 2, dot_rows = 2,
         dot_columns = 6;
};
Tiles tiles_of(const train::Kernels& k) {
  if (k.lanes == 16 || std::string_view(k.name) == "neon") return {4, 6, 8, 2, 4, 6};
  return {};
}

struct Counts {
  double products = 0;   // vector multiply-adds
  double moves = 0;      // vector loads and stores of the inner loops
  double bytes = 0;      // that must be moved between the caches and the registers at least once
  double footprint = 0;  // bytes of all that is touched
};

// `positions` x `rows` sums of `k` products by tiles of rows x columns.
void count_product(Counts& n, double positions, double rows, double k, double tile_rows,
                   double tile_columns) {
  const double height = std::min(rows, tile_rows), width = std::min(positions, tile_columns);
  n.products += positions * rows * k;
  n.moves += positions * rows * k * (height + width) / (height * width) + positions * rows;
}

struct Sizes {
  double in_positions, out_positions;  // vectors of one channel
  double in, out;                      // channels of one group
  double taps, groups;
};

// Direct: out = W x; dx = W^T dy (each input position sees taps / stride^2 taps); dW = dy x^T.
void count_direct(Counts& n, const Sizes& s, const Tiles& k, bool all_passes) {
  const bool single = s.out == 1 && s.in == 1;
  const double most = s.out_positions <= 4 ? k.tall_rows : k.wide_rows;
  const double columns = single ? 8 : s.out_positions <= 4 ? k.tall_columns : k.wide_columns;
  for (int g = 0; g < static_cast<int>(s.groups); ++g) {
    if (all_passes) {
      count_product(n, s.out_positions, s.out, s.in * s.taps, most, columns);
      count_product(n, s.in_positions, s.in, s.out * s.taps * s.out_positions / s.in_positions,
                    most, columns);
    }
    count_product(n, s.in * s.taps, s.out, s.out_positions, single ? 1 : k.dot_rows,
                  single ? 9 : k.dot_columns);
  }
}

// Both products of winograd.cpp by their 16 points and their transformations.
void count_winograd(Counts& n, const Sizes& s, const Tiles& k) {
  const double squares = s.out_positions / 4;
  for (const auto& [from, to] : {std::pair(s.in, s.out), std::pair(s.out, s.in)}) {
    for (int p = 0; p < 16; ++p) count_product(n, squares, to, from, k.wide_rows, k.wide_columns);
    n.moves += squares * (from * 32 + to * 20);
  }
  count_direct(n, s, k, false);
}

Counts count(const LayerCase& c, int batch) {
  const train::Kernels& k = *measured_kernels();
  const network::Network net = around(c, true);
  const Shape out = net.output_shape();
  const double groups = batch / k.lanes;
  const double vector = k.lanes * 4.0;
  Sizes s{groups * c.input.height * c.input.width,
          groups * out.height * out.width,
          static_cast<double>(c.input.channels),
          static_cast<double>(out.channels),
          1,
          1};
  Window window;
  if (const auto* conv = std::get_if<network::Conv>(&c.op)) window = conv->window;
  if (const auto* d = std::get_if<network::Depthwise>(&c.op)) {
    window = d->window;
    s.groups = s.in;
    s.in = 1;
    s.out = d->multiplier;
  }
  s.taps = static_cast<double>(window.kernel_h) * window.kernel_w;
  if (std::holds_alternative<network::Dense>(c.op)) {
    s.in *= static_cast<double>(c.input.height) * c.input.width;
    s.in_positions = groups;
  }
  Counts n;
  if (winograd(c)) {
    count_winograd(n, s, tiles_of(k));
  } else {
    count_direct(n, s, tiles_of(k), true);
  }
  const double in_bytes = s.in_positions * s.in * s.groups * vector;
  const double out_bytes = s.out_positions * s.out * s.groups * vector;
  // A depthwise layer does both backward passes channel by channel, the second from a near cache.
  n.bytes = s.groups > 1 ? 3 * in_bytes + 2 * out_bytes : 3 * (in_bytes + out_bytes);
  n.footprint = 2 * (in_bytes + out_bytes) + 8.0 * static_cast<double>(net.parameters(net.last()));
  return n;
}

// ---- Measured speeds

// Vectors of loads and stores a second of y = a + b with so many bytes in all.
double move_rate(const Options& o, double footprint) {
  const train::Kernels& k = *measured_kernels();
  const int cols = std::max(8, static_cast<int>(footprint / 3 / (k.lanes * 4)));
  const std::size_t floats = static_cast<std::size_t>(cols) * static_cast<std::size_t>(k.lanes);
  train::Buffer a(floats + 256), b(floats + 256), y(floats + 256);
  const auto plane = [](train::Buffer& m) { return train::Plane{m.data(), 0, 0}; };
  const int repeats = std::max(1, 20000 / cols);
  const double rate = rate_of(o, cpu_seconds, [&] {
    for (int i = 0; i < repeats; ++i) k.add({1, 1, cols}, plane(a), plane(b), plane(y));
  });
  return rate * repeats * 3 * cols;
}

double layer_seconds(const LayerCase& c, int batch, const Options& o) {
  Stepper with(around(c, true), batch), without(around(c, false), batch);
  return std::max(1e-9, 1 / rate_of(o, cpu_seconds, [&] { with.passes(); }) -
                            1 / rate_of(o, cpu_seconds, [&] { without.passes(); }));
}

// Our own product, all in the first-level cache.
double own_peak(const Options& o) {
  const LayerCase c{"", {5, 5, 64}, network::Conv{64, Window{}}};
  return work_of(c, 16) / layer_seconds(c, 16, o);
}

double best_sgemm(const Options& o, double peer) {
  EigenProduct large(1024), small(256);
  const double eigen = std::max(large.flops() * rate_of(o, cpu_seconds, [&] { large(); }),
                                small.flops() * rate_of(o, cpu_seconds, [&] { small(); }));
  const double own = own_peak(o);
  std::printf(
      "\nsgemm, GFLOP/s: Eigen %.1f, the peer's %.1f, our own in the first-level cache %.1f\n",
      eigen / 1e9, peer / 1e9, own / 1e9);
  return std::max({eigen, peer, own});
}

const char* level_of(double bytes) {
  const double sizes[] = {static_cast<double>(sysconf(_SC_LEVEL1_DCACHE_SIZE)),
                          static_cast<double>(sysconf(_SC_LEVEL2_CACHE_SIZE)),
                          static_cast<double>(sysconf(_SC_LEVEL3_CACHE_SIZE))};
  if (bytes <= sizes[0]) return "L1";
  if (bytes <= sizes[1]) return "L2";
  return bytes <= sizes[2] ? "L3" : "memory";
}

}  // namespace

Json layer_table(const Options& o, double peer_sgemm) {
  const double peak = best_sgemm(o, peer_sgemm);
  const train::Kernels& k = *measured_kernels();
  const double near_rate = move_rate(o, 16 << 10);  // vectors a second in the first-level cache
  std::printf("%-21s %8s %8s | %5s %5s %5s %5s | limited by   (peak %.1f GFLOP/s, batch %d)\n",
              "layer", "GFLOP/s", "of peak", "sums", "cache", "loads", "fixed", peak / 1e9, kBatch);
  Json rows = Json::array();
  for (const LayerCase& c : layer_cases()) {
    const double seconds = layer_seconds(c, kBatch, o), half = layer_seconds(c, kBatch / 2, o);
    const double work = work_of(c, kBatch);
    const Counts n = count(c, kBatch);
    const double vector = k.lanes * 4.0;
    const double sums = n.products * 2 * k.lanes / peak / seconds;
    const double far_rate = move_rate(o, n.footprint);
    const double cache = n.bytes / vector / far_rate / seconds;
    const double loads = n.moves / near_rate / seconds;
    const double fixed = std::clamp((2 * half - seconds) / seconds, 0.0, 1.0);
    const std::array<std::pair<double, std::string>, 4> shares = {
        {{sums, "multiply-adds"},
         {cache, fmt::format("{:.1f} MB through {} at {:.0f} GB/s", n.bytes / 1e6,
                             level_of(n.footprint), far_rate * vector / 1e9)},
         {loads, fmt::format("loads and stores: {:.2f} a multiply-add", n.moves / n.products)},
         {fixed, "work that does not grow with the batch"}}};
    const std::string limit = std::ranges::max(shares).second;
    const double speed = work / seconds;
    std::printf("%-21s %8.1f %7.0f%% | %4.0f%% %4.0f%% %4.0f%% %4.0f%% | %s%s\n", c.name,
                speed / 1e9, 100 * speed / peak, 100 * sums, 100 * cache, 100 * loads, 100 * fixed,
                limit.c_str(), winograd(c) ? " (Winograd)" : "");
    Json row = Json::object();
    row.set("name", c.name).set("gflops", speed / 1e9).set("of_peak", speed / peak);
    row.set("sums", sums).set("cache", cache).set("loads", loads).set("fixed", fixed);
    rows.push(row.set("limit", limit));
  }
  return rows;
}

}  // namespace atml::bench
