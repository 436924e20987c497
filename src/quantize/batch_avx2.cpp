// Batch kernels for AVX2: eight samples in the lanes. Compiled with -mavx2; see batch_kernels.h.
#include <immintrin.h>

#include "quantize/batch_kernels.h"

namespace atml::quantize::batch {
namespace {

#include "quantize/batch_kernels_impl.h"

struct Avx2 {
  static constexpr int kLanes = 8;
  static constexpr int kWords = 2;
  static constexpr int kPositions = 2;
  using I = __m256i;
  struct X {
    I even, odd;  // bytes 0, 2 and 1, 3 of each word as int16
  };
  struct Weight {
    I even, odd;
  };

  static I set1(std::int32_t x) { return _mm256_set1_epi32(x); }
  static I load_block(const std::uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static X load(const std::uint8_t* p) {
    const I x = load_block(p);
    return {_mm256_and_si256(x, _mm256_set1_epi16(255)), _mm256_srli_epi16(x, 8)};
  }
  static void store(std::uint8_t* p, I x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x); }
  static Weight weight(const std::int32_t* w) { return {set1(w[0]), set1(w[1])}; }
  static I dot(I acc, const X& x, const Weight& w) {
    return add(acc, add(_mm256_madd_epi16(x.even, w.even), _mm256_madd_epi16(x.odd, w.odd)));
  }
  static I add(I a, I b) { return _mm256_add_epi32(a, b); }
  static I bit_and(I a, I b) { return _mm256_and_si256(a, b); }
  static I bit_or(I a, I b) { return _mm256_or_si256(a, b); }
  static I shift_left(I a, int n) { return _mm256_sll_epi32(a, _mm_cvtsi32_si128(n)); }
  static I shift_right(I a, int n) { return _mm256_sra_epi32(a, _mm_cvtsi32_si128(n)); }
  static I min(I a, I b) { return _mm256_min_epi32(a, b); }
  static I max(I a, I b) { return _mm256_max_epi32(a, b); }
  static I max_bytes(I a, I b) { return _mm256_max_epu8(a, b); }

  static I high_mul(I x, std::int32_t m) {
    const I factor = set1(m), half = _mm256_set1_epi64x(1ll << 30);
    const I even = _mm256_srli_epi64(_mm256_add_epi64(_mm256_mul_epi32(x, factor), half), 31);
    const I odd = _mm256_slli_epi64(
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), factor), half), 1);
    return _mm256_blend_epi32(even, odd, 0xaa);
  }
  // An arithmetic shift of 64 bits is a logical one of x + 2^63, less 2^(63 - n).
  static I shift_right_64(I x, int n) {
    const __m128i count = _mm_cvtsi32_si128(n);
    const I top = _mm256_set1_epi64x(static_cast<long long>(1ull << 63));
    return _mm256_sub_epi64(_mm256_srl_epi64(_mm256_xor_si256(x, top), count),
                            _mm256_srl_epi64(top, count));
  }
  static I multiply_single(I x, std::int32_t m, int total) {
    const I factor = set1(m), half = _mm256_set1_epi64x(1ll << (total - 1));
    const I even = shift_right_64(_mm256_add_epi64(_mm256_mul_epi32(x, factor), half), total);
    const I odd = shift_right_64(
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), factor), half), total);
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  }
  // Exact below 2^23, i.e. for up to 32768 taps: a quotient that is no integer lies at least
  // 1/count below the next, more than half a step of float.
  static I rounded_quotient(I x, int count) {
    const I magnitude = add(_mm256_abs_epi32(x), set1(count / 2));
    const __m256 quotient =
        _mm256_div_ps(_mm256_cvtepi32_ps(magnitude), _mm256_set1_ps(static_cast<float>(count)));
    return _mm256_sign_epi32(_mm256_cvttps_epi32(quotient), x);
  }
};

constexpr Kernels kKernels = kernels_of<Avx2>();

}  // namespace

const Kernels& avx2_kernels() { return kKernels; }

}  // namespace atml::quantize::batch
