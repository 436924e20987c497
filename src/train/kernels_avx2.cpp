// The kernels for AVX2 with FMA: 8 lanes, 16 registers. Built with the flags of that instruction
// set.
#define ATML_LANES 8
#define ATML_WIDE_ROWS 4
#define ATML_WIDE_COLUMNS 3
#define ATML_TALL_ROWS 6
#define ATML_TALL_COLUMNS 2
#define ATML_DOT_ROWS 2
#define ATML_DOT_COLUMNS 6
#define ATML_WINDOW_ROWS 2
#define ATML_WINDOW_COLUMNS 4
#define ATML_OUTER_VECTORS 2
#define ATML_KERNELS kernels_avx2
#define ATML_KERNELS_NAME "avx2"
#include "train/kernels_impl.h"
