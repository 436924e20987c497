#include "train/kernels.h"

namespace atml::train {

extern const Kernels kernels_portable;
#ifdef ATML_X86_KERNELS
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif
#ifdef ATML_NEON_KERNELS
extern const Kernels kernels_neon;
#endif

void pack_rows(const float* w, std::ptrdiff_t m_stride, std::ptrdiff_t k_stride, int rows, int k,
               int most, float* a) {
  const int tiles = (rows + most - 1) / most;
  int row = 0;
  for (int t = 0; t < tiles; ++t) {
    const int height = rows / tiles + (t < rows % tiles ? 1 : 0);
    for (int i = 0; i < height; ++i) {
      const float* from = w + (row + i) * m_stride;
      for (int j = 0; j < k; ++j)
        a[static_cast<std::ptrdiff_t>(j) * height + i] = from[j * k_stride];
    }
    a += static_cast<std::ptrdiff_t>(height) * k;
    row += height;
  }
}

namespace {

struct Tables {
  const Kernels* list[3] = {};
  int count = 0;
};

Tables find_tables() {
  Tables t;
  t.list[t.count++] = &kernels_portable;
#ifdef ATML_X86_KERNELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    t.list[t.count++] = &kernels_avx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    t.list[t.count++] = &kernels_avx512;
  }
#endif
#ifdef ATML_NEON_KERNELS
  t.list[t.count++] = &kernels_neon;
#endif
  return t;
}

const Tables& tables() {
  static const Tables found = find_tables();
  return found;
}

}  // namespace

const Kernels& best_kernels() { return *tables().list[tables().count - 1]; }

const Kernels* const* available_kernels(int* count) {
  *count = tables().count;
  return tables().list;
}

}  // namespace atml::train
