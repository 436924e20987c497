// Batch kernels for AVX-512 with VNNI: sixteen samples in the lanes, 64 multiply-accumulates an
// instruction. Compiled with -mavx512f -mavx512bw -mavx512vl -mavx512vnni; see batch_kernels.h.
#include <immintrin.h>

#include "quantize/batch_kernels.h"

namespace atml::quantize::batch {
namespace {

#include "quantize/batch_kernels_impl.h"

struct Avx512 {
  static constexpr int kLanes = 16;
  static constexpr int kWords = 1;
  static constexpr int kPositions = 4;
  using I = __m512i;
  using X = I;
  using Weight = I;

  static I set1(std::int32_t x) { return _mm512_set1_epi32(x); }
  static I load(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
  static I load_block(const std::uint8_t* p) { return load(p); }
  static void store(std::uint8_t* p, I x) { _mm512_storeu_si512(p, x); }
  static I weight(const std::int32_t* w) { return set1(*w); }
  static I dot(I acc, I x, I w) { return _mm512_dpbusd_epi32(acc, x, w); }
  static I add(I a, I b) { return _mm512_add_epi32(a, b); }
  static I bit_and(I a, I b) { return _mm512_and_si512(a, b); }
  static I bit_or(I a, I b) { return _mm512_or_si512(a, b); }
  static I shift_left(I a, int n) { return _mm512_sll_epi32(a, _mm_cvtsi32_si128(n)); }
  static I shift_right(I a, int n) { return _mm512_sra_epi32(a, _mm_cvtsi32_si128(n)); }
  static I min(I a, I b) { return _mm512_min_epi32(a, b); }
  static I max(I a, I b) { return _mm512_max_epi32(a, b); }
  static I max_bytes(I a, I b) { return _mm512_max_epu8(a, b); }

  static I high_mul(I x, std::int32_t m) {
    const I factor = set1(m), half = _mm512_set1_epi64(1ll << 30);
    const I even = _mm512_srli_epi64(_mm512_add_epi64(_mm512_mul_epi32(x, factor), half), 31);
    const I odd = _mm512_slli_epi64(
        _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), factor), half), 1);
    return _mm512_mask_blend_epi32(0xaaaa, even, odd);
  }
  static I multiply_single(I x, std::int32_t m, int total) {
    const I factor = set1(m), half = _mm512_set1_epi64(1ll << (total - 1));
    const __m128i count = _mm_cvtsi32_si128(total);
    const I even = _mm512_sra_epi64(_mm512_add_epi64(_mm512_mul_epi32(x, factor), half), count);
    const I odd = _mm512_sra_epi64(
        _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), factor), half), count);
    return _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
  }
  // Exact below 2^23; see batch_avx2.cpp.
  static I rounded_quotient(I x, int count) {
    const I magnitude = add(_mm512_abs_epi32(x), set1(count / 2));
    const __m512 quotient =
        _mm512_div_ps(_mm512_cvtepi32_ps(magnitude), _mm512_set1_ps(static_cast<float>(count)));
    const I result = _mm512_cvttps_epi32(quotient);
    const __mmask16 negative = _mm512_cmplt_epi32_mask(x, set1(0));
    return _mm512_mask_sub_epi32(result, negative, set1(0), result);
  }
};

constexpr Kernels kKernels = kernels_of<Avx512>();

}  // namespace

const Kernels& avx512_kernels() { return kKernels; }

}  // namespace atml::quantize::batch
