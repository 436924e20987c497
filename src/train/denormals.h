// FlushDenormals: numbers below 1e-38 count as zero while an object lives, on the calling thread.
// Moments of weights that no longer learn decay into that range, where x86 is a hundred times
// slower.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace atml::train {

class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() : before_(_mm_getcsr()) {
    _mm_setcsr(before_ | 0x8040);
  }  // flush to zero, denormals are zero
  ~FlushDenormals() { _mm_setcsr(before_); }
#else
  FlushDenormals() = default;
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

#if defined(__SSE2__)
 private:
  unsigned before_;
#endif
};

}  // namespace atml::train
