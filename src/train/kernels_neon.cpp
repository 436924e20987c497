// The kernels for NEON (AArch64, where every processor has it): 4 lanes, 32 registers. What sets it
// apart from the portable ones is the size of the tiles, which only 32 registers hold.
#define ATML_LANES 4
#define ATML_WIDE_ROWS 4
#define ATML_WIDE_COLUMNS 6
#define ATML_TALL_ROWS 8
#define ATML_TALL_COLUMNS 2
#define ATML_DOT_ROWS 4
#define ATML_DOT_COLUMNS 6
#define ATML_WINDOW_ROWS 2
#define ATML_WINDOW_COLUMNS 8
#define ATML_OUTER_VECTORS 0
#define ATML_KERNELS kernels_neon
#define ATML_KERNELS_NAME "neon"
#include "train/kernels_impl.h"
