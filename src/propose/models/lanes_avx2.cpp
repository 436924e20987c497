#ifdef __x86_64__
#define ATML_LANES_NAME lanes_avx2
#define ATML_LANES_BYTES 32
#include "propose/models/lanes_loops.inc"
#endif
