#ifdef __x86_64__
#define ATML_LANES_NAME lanes_avx512
#define ATML_LANES_BYTES 64
#include "propose/models/lanes_loops.inc"
#endif
