// Batch kernels in plain C++: eight lanes as loops over arrays.
#include "quantize/batch_kernels.h"

namespace atml::quantize::batch {
namespace {

#include "quantize/batch_kernels_impl.h"

struct Portable {
  static constexpr int kLanes = 8;
  static constexpr int kWords = 2;
  static constexpr int kPositions = 2;
  struct I {
    std::int32_t v[kLanes];
  };
  using X = I;
  struct Weight {
    std::int32_t w[4];
  };

  template <class F>
  static I each(F&& f) {
    I r;
    for (int i = 0; i < kLanes; ++i) r.v[i] = f(i);
    return r;
  }
  static std::uint32_t bits(std::int32_t x) { return static_cast<std::uint32_t>(x); }
  static std::int32_t wrap(std::uint32_t x) { return static_cast<std::int32_t>(x); }

  static I set1(std::int32_t x) {
    return each([&](int) { return x; });
  }
  static I load(const std::uint8_t* p) {
    I r;
    __builtin_memcpy(r.v, p, sizeof r.v);
    return r;
  }
  static I load_block(const std::uint8_t* p) { return load(p); }
  static void store(std::uint8_t* p, const I& x) { __builtin_memcpy(p, x.v, sizeof x.v); }
  static Weight weight(const std::int32_t* w) {
    return {{static_cast<std::int16_t>(bits(w[0])), static_cast<std::int16_t>(bits(w[1])),
             w[0] >> 16, w[1] >> 16}};
  }
  // Bytes are loaded into words in memory order; the weights are in the order of the bytes.
  static I dot(const I& acc, const I& x, const Weight& w) {
    return each([&](int i) {
      std::uint8_t b[4];
      __builtin_memcpy(b, &x.v[i], 4);
      return acc.v[i] + b[0] * w.w[0] + b[1] * w.w[1] + b[2] * w.w[2] + b[3] * w.w[3];
    });
  }
  static I add(const I& a, const I& b) {
    return each([&](int i) { return wrap(bits(a.v[i]) + bits(b.v[i])); });
  }
  static I bit_and(const I& a, const I& b) {
    return each([&](int i) { return a.v[i] & b.v[i]; });
  }
  static I bit_or(const I& a, const I& b) {
    return each([&](int i) { return a.v[i] | b.v[i]; });
  }
  static I shift_left(const I& a, int n) {
    return each([&](int i) { return wrap(bits(a.v[i]) << n); });
  }
  static I shift_right(const I& a, int n) {
    return each([&](int i) { return a.v[i] >> n; });
  }
  static I min(const I& a, const I& b) {
    return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static I max(const I& a, const I& b) {
    return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static I max_bytes(const I& a, const I& b) {
    I r;
    std::uint8_t x[4 * kLanes], y[4 * kLanes];
    __builtin_memcpy(x, a.v, sizeof x);
    __builtin_memcpy(y, b.v, sizeof y);
    for (int i = 0; i < 4 * kLanes; ++i) x[i] = x[i] > y[i] ? x[i] : y[i];
    __builtin_memcpy(r.v, x, sizeof x);
    return r;
  }
  static I high_mul(const I& x, std::int32_t m) {
    return each([&](int i) {
      return static_cast<std::int32_t>((static_cast<std::int64_t>(x.v[i]) * m + (1ll << 30)) >> 31);
    });
  }
  static I multiply_single(const I& x, std::int32_t m, int total) {
    return each([&](int i) {
      return static_cast<std::int32_t>(
          (static_cast<std::int64_t>(x.v[i]) * m + (1ll << (total - 1))) >> total);
    });
  }
  static I rounded_quotient(const I& x, int count) {
    return each([&](int i) {
      return x.v[i] > 0 ? (x.v[i] + count / 2) / count : (x.v[i] - count / 2) / count;
    });
  }
};

constexpr Kernels kKernels = kernels_of<Portable>();

}  // namespace

const Kernels& portable_kernels() { return kKernels; }

}  // namespace atml::quantize::batch
