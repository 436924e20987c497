// The kernels for any processor: 4 lanes (SSE2 or what the compiler makes of them). Built
// with the flags of that instruction set.
#define ATML_LANES 4
#define ATML_WIDE_ROWS 4
#define ATML_WIDE_COLUMNS 3
#define ATML_TALL_ROWS 6
#define ATML_TALL_COLUMNS 2
#define ATML_DOT_ROWS 2
#define ATML_DOT_COLUMNS 6
#define ATML_WINDOW_ROWS 2
#define ATML_WINDOW_COLUMNS 4
#define ATML_OUTER_VECTORS 0
#define ATML_KERNELS kernels_portable
#define ATML_KERNELS_NAME "portable"
#include "train/kernels_impl.h"
