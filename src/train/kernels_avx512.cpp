// The kernels for AVX-512 (F, BW, DQ, VL): 16 lanes, 32 registers. Built with the flags of that
// instruction set.
#define ATML_LANES 16
#define ATML_WIDE_ROWS 4
#define ATML_WIDE_COLUMNS 6
#define ATML_TALL_ROWS 8
#define ATML_TALL_COLUMNS 2
#define ATML_DOT_ROWS 4
#define ATML_DOT_COLUMNS 6
#define ATML_WINDOW_ROWS 2
#define ATML_WINDOW_COLUMNS 8
#define ATML_OUTER_VECTORS 4
#define ATML_KERNELS kernels_avx512
#define ATML_KERNELS_NAME "avx512"
#include "train/kernels_impl.h"
